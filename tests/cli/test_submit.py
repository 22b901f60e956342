"""``recbench submit`` and ``recbench verify``: from a store to an entry that holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recbench.bench.store import Store
from recbench.boards.files import read_entry


@pytest.fixture
def submit(recbench: Any, small_suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    return lambda *options: recbench("submit", small_suite, "--store", small_suite.parent / "store", *options)


def test_an_entry_is_written_and_verified(submit: Any, recbench: Any, small_suite: Path) -> None:
    result = submit("--submitter", "Ada", "--link", "https://example.org/mine")
    assert result.code == 0
    path = Path(result.out.strip())
    assert path.parent == Path("leaderboards/small-v3/entries") and result.out.count("\n") == 1
    assert f"recbench verify {path}" in result.err and "git switch --create entry-" in result.err
    entry = read_entry(path)
    assert (entry.submitter, entry.link) == ("Ada", "https://example.org/mine")
    added = next(line for line in result.err.splitlines() if line.startswith("  git add "))
    assert all(Path(name).is_file() for name in added.split()[2:]) and len(added.split()) == 4
    checked = recbench("verify", path, "--suite", small_suite, "--json", "--record")
    assert checked.code == 0
    (record,) = json.loads(checked.out)
    assert (record["entry"], record["tier"]) == (path.name, "recomputed")
    verdict = path.with_suffix(".verified.json")
    assert verdict.is_file()
    again = recbench("verify", path, verdict, "--suite", small_suite, "--json")  # as 'entries/*.json' names them
    assert again.code == 0 and [each["entry"] for each in json.loads(again.out)] == [path.name]


@pytest.mark.parametrize(
    ("options", "samplers", "algorithms"),
    [
        (("--sampler", "head"), ["head"], 3),
        (("--subset", "part"), ["random"], 3),
        (("--board", "algorithms"), [], 3),
        (("--board", "algorithms", "--algorithm", "ease"), [], 1),
        (("--board", "synthesisers"), ["head", "random[unit=user]"], 3),
    ],
)
def test_parts_and_boards(submit: Any, recbench: Any, small_suite: Path, options: Any, samplers: Any, algorithms: int):
    path = Path(submit(*options).out.strip())
    entry = read_entry(path)
    assert [each.label for each in entry.samplers] == samplers and len(entry.algorithms) == algorithms
    assert recbench("verify", path, "--suite", small_suite).code == 0


def test_what_is_missing_is_said_and_nothing_is_written(
    recbench: Any, small_suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_suite.parent / "store", "store")
    frame = Store("store").frame()
    lost = frame.filter(pl.col("algorithm") == "item-knn", pl.col("sampler") == "head")["cell"].unique()
    for part in Path("store").glob("part-*.parquet"):
        if set(pl.read_parquet(part)["cell"]) & set(lost):
            part.unlink()
    result = recbench("submit", small_suite, "--store", "store")
    assert (result.code, result.out) == (2, "") and not Path("leaderboards").exists()
    assert "are incomplete, without" in result.err and "head at 60%, item-knn, seed 0 (not run)" in result.err


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--sampler", "stratified"), 2, "stratified at 60%, popularity, seed 0 (not run)"),
        (("--dataset", "ml-100k"), 1, "there are no results of 'small' on ml-100k"),
        (("--dataset", "synthetic-tiny", "--dataset", "ml-100k"), 2, "there are none of ml-100k, implicit"),
        (("--algorithm", "ease"), 2, "--algorithm is for the board of algorithms"),
        (("--board", "synthesisers", "--sampler", "random"), 2, "goes by numbers of users, and none of random"),
        (("--link", "http://example.org"), 3, "the results do not fit into an entry: 'link'"),
        (("--submitter", "a\u202eb"), 3, "the results do not fit into an entry: 'submitter'"),
        (("--subset", "prat"), 2, "did you mean 'part'?"),
    ],
)
def test_bad_input_is_one_sentence(submit: Any, options: tuple[str, ...], code: int, said: str) -> None:
    result = submit(*options)
    assert (result.code, said in result.err) == (code, True), result.err
    assert result.err.count("\n") == 1 and not Path("leaderboards").exists()


def test_the_form_is_printed(recbench: Any, repository: Path) -> None:
    printed = json.loads(recbench("submit", "--schema").out)
    assert printed == json.loads((repository / "leaderboards" / "entry.schema.json").read_text(encoding="utf-8"))
    assert "no suite was given" in recbench("submit").err


def test_one_that_fails_does_not_hide_the_others(submit: Any, recbench: Any, small_suite: Path) -> None:
    good = Path(submit().out.strip())
    bad = good.with_name("20260101-0000000000000000.json")
    bad.write_text("{}")
    result = recbench("verify", bad, good, "--suite", small_suite, "--json")
    assert result.code == 3
    assert [each["tier"] for each in json.loads(result.out)] == ["refused", "recomputed"]
    assert recbench("verify", "nowhere.json").code == 2

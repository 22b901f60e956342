"""``recbench board``: from a store to an entry and its pages, and a look at them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from recbench.bench.sample import draw_sample
from recbench.bench.store import Store
from recbench.boards.files import read_entry
from recbench.contracts.records import Agreement
from recbench.data.readers import load_dataset
from recbench.data.split import make_split

PAGE = "# Mine\n<!-- board:begin -->\nNo results yet.\n<!-- board:end -->\nthe end\n"


@pytest.fixture
def suite(small_suite: Path) -> Path:
    return small_suite


@pytest.fixture
def build(recbench: Any, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text(PAGE)
    return lambda *options: recbench("board", "build", "--suite", suite, "--store", suite.parent / "store", *options)


def test_it_writes_an_entry_a_page_and_the_block_of_a_readme(build: Any, suite: Path) -> None:
    result = build("--readme", "README.md")
    assert result.code == 0
    assert result.err == "3 samplers, 3 algorithms, 19 runs; 2 of 12 taus are missing\n"
    entry, page, html, readme = map(Path, result.out.splitlines())
    assert entry.parent == Path("leaderboards/small-v3/entries") and page == Path("leaderboards/small-v3/README.md")
    assert html == page.with_name("index.html") and "<title>small v3: samplers</title>" in html.read_text()
    text = readme.read_text()
    assert text.startswith("# Mine\n<!-- board:begin -->\n`small` v3 on `synthetic-tiny`, keeping 60%")
    assert text.endswith(
        f"recbench board build --suite {suite} --dataset synthetic-tiny\n```\n<!-- board:end -->\nthe end\n"
    )
    assert "](leaderboards/small-v3/README.md)" in text
    assert "`random` at 60users: skipped: the budget 60users counts users" in page.read_text()
    again = f"recbench run {suite} --dataset synthetic-tiny --full-seeds 2 --sample-seeds 1\n"
    assert again in page.read_text() and again in text, "a suite that has no name here is called by its path"


def test_the_entry_says_what_the_store_says(build: Any, suite: Path) -> None:
    from recbench.bench.agreement import agreement

    entry = read_entry(Path(build().out.splitlines()[0]))
    expected = agreement(Store(suite.parent / "store").frame())
    found = [Agreement(**row.model_dump(exclude={"rank"})) for row in entry.agreements]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    dataset = load_dataset("synthetic-tiny")
    (conditions,) = entry.conditions
    assert conditions.checksum == dataset.checksum and conditions.full_seeds == (0, 1)
    assert [each.label for each in entry.algorithms] == ["ease", "item-knn", "popularity"]
    (drawn,) = [sample for sample in entry.samples if (sample.sampler, sample.budget) == ("random", "60%")]
    sample = draw_sample("random", make_split(dataset, feedback="implicit"), "60%", seed=drawn.seed)
    assert (drawn.digest, drawn.rows) == (sample.digest, len(sample.rows)), "samples can be drawn again and compared"


def test_building_again_changes_nothing(build: Any) -> None:
    first = build("--readme", "README.md").out
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert build("--readme", "README.md").out == first
    assert build("--no-entry").out == "leaderboards/small-v3/README.md\nleaderboards/small-v3/index.html\n"
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_each_board_of_a_suite_has_pages_and_those_of_none_go(build: Any) -> None:
    folder = Path("leaderboards/small-v3")
    algorithms = Path(build("--board", "algorithms").out.splitlines()[0])
    assert "# small v3: algorithms" in (folder / "README.md").read_text()
    said = build("--board", "synthesisers").out.splitlines()
    assert said[1:] == [
        f"{folder}/{name}" for name in ("README.md", "index.html", "synthesisers.md", "synthesisers.html")
    ]
    build()
    assert {path.name for path in folder.iterdir()} == {
        "README.md", "index.html", "algorithms.md", "algorithms.html", "synthesisers.md", "synthesisers.html",
        "entries",
    }  # fmt: skip
    assert "<title>small v3: algorithms</title>" in (folder / "algorithms.html").read_text()
    algorithms.unlink()
    assert build("--no-entry").code == 0
    assert not (folder / "algorithms.html").exists() and not (folder / "algorithms.md").exists()


def test_a_part_of_a_suite_is_built_by_its_name(build: Any) -> None:
    entry, page, _ = build("--subset", "part").out.splitlines()
    assert json.loads(Path(entry).read_text())["subset"] == "part" and "--subset part" in Path(page).read_text()


def test_what_was_verified_is_on_the_pages(build: Any, suite: Path, recbench: Any) -> None:
    entry, page, html = build().out.splitlines()
    assert "| self-reported |" in Path(page).read_text()
    assert recbench("verify", entry, "--suite", suite, "--rerun", "1", "--seed", "1", "--record").code == 0
    build("--no-entry")
    assert "| re-run (1 of " in Path(page).read_text() and "1 runs made again (seed 1)" in Path(html).read_text()
    verdict = Path(entry).with_suffix(".verified.json")
    verdict.write_text("[]")
    refused = build("--no-entry")
    assert (refused.code, refused.out) == (3, "") and f"the verdict {verdict} is refused" in refused.err


def test_a_block_is_of_samplers(build: Any) -> None:
    result = build("--board", "algorithms", "--readme", "README.md")
    assert result.code == 2 and "there are no entries of samplers in" in result.err
    assert result.err.count("\n") == 1 and result.out == ""
    assert Path("README.md").read_text() == PAGE and not Path("leaderboards").exists()
    assert build("--board", "algorithms").code == 0
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    for entry in (("--board", "algorithms"), ("--no-entry",)):
        assert build(*entry, "--readme", "README.md").code == 2
        assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_a_page_of_the_board_is_no_page_for_its_block(build: Any) -> None:
    page = Path(build().out.splitlines()[1])
    before = page.read_bytes()
    refused = build("--no-entry", "--readme", str(page))
    assert (refused.code, refused.out) == (2, "") and f"{page} is a page of the board itself" in refused.err
    assert page.read_bytes() == before


def test_a_damaged_entry_is_named_and_nothing_is_written(build: Any) -> None:
    entry = Path(build().out.splitlines()[0])
    content = json.loads(entry.read_text())
    content["agreements"][0]["tau"] = 7
    entry.write_text(json.dumps(content))
    for page in ("README.md", "index.html"):
        Path("leaderboards/small-v3", page).unlink()
    result = build()
    assert (result.code, result.out) == (3, "")
    assert entry.name in result.err and "agreements.0.tau" in result.err and result.err.count("\n") == 1
    assert [path.name for path in Path("leaderboards/small-v3").iterdir()] == ["entries"]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--store", "nowhere"), 2, "there are no results at nowhere"),
        (("--dataset", "ml-100k"), 1, "there are no results of 'small' on ml-100k"),
        (("--suite", "quikstart"), 2, "did you mean 'quickstart'?"),
        (("--no-entry",), 2, "there are no entries in"),
        (("--readme", "nowhere.md"), 2, "nowhere.md"),
        (("--readme", "plain.md"), 2, "plain.md needs the lines <!-- board:begin -->"),
    ],
)
def test_bad_input_is_one_sentence(build: Any, options: tuple[str, ...], code: int, said: str) -> None:
    Path("plain.md").write_text("nothing here\n")
    result = build(*options)
    assert (result.code, said in result.err.splitlines()[-1]) == (code, True), result.err
    assert not Path("leaderboards").exists()


def test_boards_are_served_until_interrupted(tmp_path: Path) -> None:
    (tmp_path / "toys-v1").mkdir()
    (tmp_path / "toys-v1" / "index.html").write_text("a page")
    command = [sys.executable, "-m", "recbench", "board", "serve", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None and serving.stderr is not None
        address = serving.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:") and address.endswith("/toys-v1/index.html")
        assert serving.stderr.readline() == "press Ctrl-C to stop\n"
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.read() == b"a page"
        serving.send_signal(signal.SIGINT)
        assert serving.communicate(timeout=30) == ("", "stopped\n") and serving.returncode == 0


def test_serving_says_what_is_wrong(recbench: Any, tmp_path: Path) -> None:
    assert "there is no index.html" in recbench("board", "serve", tmp_path).err
    assert "does not exist" in recbench("board", "serve", tmp_path / "nowhere").err
    assert recbench("board", "serve", tmp_path, "--port", "99999").code == 2

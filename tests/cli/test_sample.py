"""``recbench sample``: a sample of a log as a file, and the manifest that makes it again."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recbench.data.readers import read_log

PLUGIN = """
from recbench import SamplerSpec, hookimpl

@hookimpl
def recbench_samplers():
    return [SamplerSpec(name="last", load=lambda train, context: train.item.astype("float32"), summary="By number.")]
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [(f"u{number * 7 % 20}", number * 3 % 17, 1 + number % 5) for number in range(200)]
    pl.DataFrame(rows, schema=["who", "item", "rating"], orient="row").write_csv("log.csv", separator="|")
    return Path("log.csv")


OPTIONS = ("--user-column", "who", "--separator", "pipe")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "inter"])
def test_rows_are_kept_in_the_order_of_the_file(recbench: Any, log: Path, suffix: str) -> None:
    out = Path(f"out.{suffix}")
    result = recbench("sample", log, "--sampler", "random", "--keep", "25%", "-o", out, *OPTIONS)
    assert (result.code, result.out) == (0, "")
    kept = read_log(out)
    users, items = kept["user"].n_unique(), kept["item"].n_unique()
    said = f"50 of 200 rows, {users} of 20 users, {items} of 17 items written to {out}; {out}.manifest.json says how"
    assert result.err == f"{said}\n"
    rows = iter(pl.read_csv(log, separator="|").rows())
    assert all(row in rows for row in kept.rows()), "those of the file, in its order"


def test_the_manifest_says_how_and_its_command_makes_the_same_file(recbench: Any, log: Path) -> None:
    arguments = ("--sampler", "head", "--keep", "0.3", "--seed", 5, "--k-core", 2, "--feedback", "explicit", *OPTIONS)
    result = recbench("sample", log, "-o", "my out.csv", *arguments, "--json")
    manifest = json.loads(Path("my out.csv.manifest.json").read_text())
    assert json.loads(result.out) == manifest
    written = Path("my out.csv").read_bytes()
    assert manifest["file_sha256"] == hashlib.sha256(written).hexdigest()
    assert (manifest["sampler"], manifest["unit"], manifest["budget"], manifest["seed"]) == ("head", "user", "30%", 5)
    assert manifest["kept"]["rows"] == len(written.splitlines()) - 1 and manifest["log"]["rows"] == 200
    Path("my out.csv").unlink()
    again = recbench(*shlex.split(manifest["command"])[1:], "--force")
    assert again.code == 0
    assert Path("my out.csv").read_bytes() == written
    assert json.loads(Path("my out.csv.manifest.json").read_text()) == manifest


def test_a_plugin_file_stands_in_the_command(recbench: Any, log: Path) -> None:
    Path("last.py").write_text(PLUGIN)
    recbench("sample", log, "--sampler", "last", "--keep", "40rows", "-o", "a.csv", "--plugin", "last.py", *OPTIONS)
    manifest = json.loads(Path("a.csv.manifest.json").read_text())
    assert "--plugin" in manifest["command"] and len(manifest["sampler_code"]) == 64
    assert recbench(*shlex.split(manifest["command"])[1:], "--force").code == 0


def test_a_registered_data_set_is_sampled_too(recbench: Any, log: Path) -> None:
    result = recbench("sample", "synthetic-tiny", "--sampler", "random[unit=user]", "--keep", "10users", "-o", "a.csv")
    assert result.code == 0
    assert read_log("a.csv")["user"].n_unique() == 10


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--sampler", "randm"), "did you mean 'random'?"),
        (("--sampler", "random[unit=week]"), "unit=week"),
        (("--keep", "-10%"), "was not understood"),
        (("--keep", "0"), "a share above 0"),
        (("--keep", "201rows"), "more than the 200 train rows"),
        (("--keep", "3users"), "counts users"),
        (("--sampler", "temporal"), "needs timestamps"),
        (("-o", "out.xls"), "one of .csv, .tsv, .parquet, .inter"),
        (("-o", "nowhere/out.csv"), "there is no folder nowhere"),
        (("-o", "log.csv", "--force"), "is the file that is read"),
        (("--feedback", "tacit"), "'tacit'"),
        (("--seed", "-1"), "--seed"),
        (("--user-column", "nobody"), "nobody"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    recbench: Any, log: Path, options: tuple[str, ...], said: str
) -> None:
    before = log.read_bytes()
    common = ("--sampler", "random", "--keep", "10%", "-o", "out.csv", *OPTIONS)
    result = recbench("sample", log, *common, *options)
    assert (result.code, result.out) == (2, "")
    assert said in result.err and result.err.count("\n") == 1
    assert [file.name for file in Path().iterdir()] == ["log.csv"] and log.read_bytes() == before


@pytest.mark.parametrize("there", ["out.csv", "out.csv.manifest.json"])
def test_files_are_replaced_only_when_told_to(recbench: Any, log: Path, there: str) -> None:
    Path(there).write_text("mine")
    arguments = ("sample", log, "--sampler", "random", "--keep", "10%", "-o", "out.csv", *OPTIONS)
    result = recbench(*arguments)
    assert result.code == 2 and "exists already" in result.err and Path(there).read_text() == "mine"
    assert recbench(*arguments, "--force").code == 0 and Path(there).read_text() != "mine"

"""``recbench sample``: a sample of a log as a file, and the manifest that makes it again."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recbench.data.readers import Columns, read_log

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
    kept = read_log(out, columns=None if suffix == "inter" else Columns(user="who"))
    users, items = kept["user"].n_unique(), kept["item"].n_unique()
    said = f"50 of 200 rows, {users} of 20 users, {items} of 17 items written to {out}; {out}.manifest.json says how"
    first, second = result.err.splitlines()
    assert first == said and second.startswith("the kept rows are of items ") and second.endswith(" the log's")
    rows = iter(pl.read_csv(log, separator="|").rows())
    assert all(row in rows for row in kept.rows()), "those of the file, in its order"


EXTRA = """movie,stars,who,note,when
007,4.50,ann,"good, so far",2024-05-31

12,3,bob,,2024-06-01
012,2,cy,bad,2024-06-02
9,1,ann,a	tab,2024-06-03
"""


def test_fields_stay_as_they_are_in_the_file(recbench: Any, log: Path) -> None:
    Path("extra.csv").write_text(EXTRA)
    options = ("--user-column", "who", "--timestamp-column", "when")
    result = recbench("sample", "extra.csv", "--sampler", "random", "--keep", "100%", "-o", "all.csv", *options)
    second = result.err.splitlines()[1]
    assert result.code == 0 and second.endswith("as popular as the log's, and span 100% of its time")
    assert Path("all.csv").read_text() == EXTRA.replace("\n\n", "\n")
    half = recbench("sample", "extra.csv", "--sampler", "temporal", "--keep", "2rows", "-o", "half.csv", *options)
    assert half.code == 0
    head, *lines = Path("half.csv").read_text().splitlines()
    assert head == EXTRA.splitlines()[0] and len(lines) == 2
    assert [line for line in EXTRA.splitlines() if line in lines] == lines


def test_other_formats_have_typed_columns_and_the_rest(recbench: Any, log: Path) -> None:
    Path("extra.csv").write_text(EXTRA.replace("a	tab", "x"))
    for out in ("all.parquet", "all.inter"):
        options = ("--user-column", "who", "--timestamp-column", "when")
        assert recbench("sample", "extra.csv", "--sampler", "random", "--keep", "100%", "-o", out, *options).code == 0
    kept = pl.read_parquet("all.parquet")
    assert kept.columns == ["movie", "stars", "who", "note", "when"]
    assert kept["stars"].to_list() == [4.5, 3, 2, 1] and kept["when"][0] == 1717113600
    assert kept["note"].to_list() == ["good, so far", None, "bad", "x"]
    head, *lines = Path("all.inter").read_text().splitlines()
    assert head.split("	") == ["item_id:token", "rating:float", "user_id:token", "note:token", "timestamp:float"]
    assert lines[0].split("	") == ["007", "4.5", "ann", "good, so far", "1717113600"]
    assert recbench("sample", "all.inter", "--sampler", "random", "--keep", "2rows", "-o", "two.inter").code == 0
    assert Path("two.inter").read_text().splitlines()[0] == head


def test_a_log_without_a_header_gets_one(recbench: Any, log: Path) -> None:
    Path("plain.txt").write_text("".join(f"{user}::{user % 3}::4::{user}::extra\n" for user in range(10)))
    assert recbench("sample", "plain.txt", "--sampler", "random", "--keep", "4rows", "-o", "few.csv").code == 0
    head, *lines = Path("few.csv").read_text().splitlines()
    assert head == "user,item,rating,timestamp,column 4"
    fields = [line.split(",") for line in lines]
    assert all(each[4] == "extra" and int(each[0]) % 3 == int(each[1]) for each in fields)


def test_parquet_keeps_its_types_and_refuses_what_text_cannot_hold(recbench: Any, log: Path) -> None:
    frame = pl.DataFrame({"user": [1, 2, 3], "item": [4, 5, 4], "tags": [["a"], [], ["b"]], "day": [None, 1.5, 2.5]})
    frame.write_parquet("log.parquet")
    common = ("sample", "log.parquet", "--sampler", "random", "--keep", "100%", "-o")
    assert recbench(*common, "all.parquet").code == 0
    assert pl.read_parquet("all.parquet").equals(frame)
    result = recbench(*common, "all.csv")
    assert result.code == 2 and "cannot hold the column 'tags', which is of List(String)" in result.err
    assert not Path("all.csv").exists() and not Path("all.csv.manifest.json").exists()


def test_parquet_keeps_its_types_when_ids_are_text(recbench: Any, log: Path) -> None:
    frame = pl.DataFrame({"user": ["7", "b", "c"], "item": [4, 5, 4], "rating": [1, 2, 3], "time": [1.25, 2.5, 3.0]})
    frame.write_parquet("log.parquet")
    arguments = ("sample", "log.parquet", "--sampler", "random", "--keep", "100%", "-o")
    assert recbench(*arguments, "all.parquet").code == 0
    assert pl.read_parquet("all.parquet").equals(frame)
    assert recbench(*arguments, "all.inter").code == 0
    assert Path("all.inter").read_text().splitlines()[1] == "7	4	1.0	1.25", (
        "RecBole's types, and no time is cut"
    )


def test_times_with_a_fraction_keep_it_and_whole_ones_are_integers(recbench: Any, log: Path) -> None:
    for times, kind in (("1.5 2.25", pl.Float64), ("1.0 2", pl.Int64)):
        rows = "".join(f"{number},{number},{time}\n" for number, time in enumerate(times.split()))
        Path("times.csv").write_text(f"user,item,time\n{rows}")
        arguments = ("--sampler", "random", "--keep", "100%", "-o", "all.parquet", "--force")
        assert recbench("sample", "times.csv", *arguments).code == 0
        kept = pl.read_parquet("all.parquet")["time"]
        assert kept.dtype == kind and kept.to_list() == [float(each) for each in times.split()]


def test_empty_fields_of_further_columns_fit_into_all_formats(recbench: Any, log: Path) -> None:
    Path("gaps.csv").write_text('user,item,note,tag\na,1,"",x\nb,2,,""\n')
    for suffix in ("tsv", "inter"):
        out = Path(f"all.{suffix}")
        assert recbench("sample", "gaps.csv", "--sampler", "random", "--keep", "100%", "-o", out).code == 0
        assert out.read_text().splitlines()[1:] == ["a	1		x", "b	2		"]


def test_columns_of_inter_have_names_of_their_own(recbench: Any, log: Path) -> None:
    Path("twins.csv").write_text("user,item,user_id,,a:b,weight:float\na,1,x,y,z,0.5\n")
    assert recbench("sample", "twins.csv", "--sampler", "random", "--keep", "100%", "-o", "all.inter").code == 0
    head, line = Path("all.inter").read_text().splitlines()
    assert head.split("	") == [
        "user_id:token", "item_id:token", "user_id (2):token", "column 3:token", "a_b:token", "weight:float"
    ]  # fmt: skip
    assert line == "a	1	x	y	z	0.5"


@pytest.mark.parametrize(
    "line", ['{{"user": {0}, "item": {0}, "note": "x"}}', "{{'user': {0}, 'item': {0}, 'note': 'x'}}"]
)
def test_columns_that_are_left_out_are_named(recbench: Any, log: Path, line: str) -> None:
    Path("log.json").write_text("".join(f"{line.format(number)}\n" for number in range(4)))
    result = recbench("sample", "log.json", "--sampler", "random", "--keep", "50%", "-o", "half.csv")
    assert result.code == 0 and "not in half.csv: note (" in result.err
    assert Path("half.csv").read_text().splitlines()[0] == "user,item"


def test_tabs_do_not_fit_into_tsv(recbench: Any, log: Path) -> None:
    Path("extra.csv").write_text(EXTRA)
    options = ("--user-column", "who", "--timestamp-column", "when")
    result = recbench("sample", "extra.csv", "--sampler", "random", "--keep", "100%", "-o", "all.tsv", *options)
    assert result.code == 2 and "cannot hold the note 'a\\ttab'" in result.err and not Path("all.tsv").exists()


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
        (("--keep", "0"), "a share is above 0"),
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

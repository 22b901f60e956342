"""``recbench data``: fetch, info, convert."""

from __future__ import annotations

import json
import zipfile

import pytest

from recbench.data.readers import load_dataset, read_log

LOG = "who;what;stars;when\nb;7;3.5;2005-09-06\na;7;4;2005-09-07\nb;8;1;2005-09-06\n"
OPTIONS = ("--user-column", "who", "--item-column", "1", "--timestamp-column", "when")


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text(LOG)
    return path


def test_info_shows_what_the_options_read(recbench, log):
    result = recbench("data", "info", log, *OPTIONS, "--separator", "semicolon", "--json")
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.out)
    expected = {
        "name": "log",
        "users": 2,
        "items": 2,
        "rows": 3,
        "density": 0.75,
        "lowest_rating": 1,
        "highest_rating": 4,
        "first_time": "2005-09-06 00:00:00",
        "last_time": "2005-09-07 00:00:00",
        "tied_times": 2 / 3,
        "split": None,
        "licence": "not stated",
        "source": str(log),
    }
    assert expected.items() <= found.items()
    assert len(found["checksum"]) == 64
    text = recbench("data", "info", log, *OPTIONS).out
    assert found["checksum"] in text
    assert "split" not in text


def test_info_of_a_registered_data_set(recbench):
    result = recbench("data", "info", "synthetic-tiny", "--json", "--k-core", "5")
    assert result.code == 0
    assert json.loads(result.out)["name"] == "synthetic-tiny"


def test_info_shows_positions_and_split_counts(recbench, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,item,time,split\n1,2,-1,train\n1,3,4,test\n1,4,5,\n")
    found = json.loads(recbench("data", "info", path, "--json").out)
    assert (found["first_time"], found["last_time"]) == (-1, 5)
    assert found["split"] == {"none": 1, "train": 1, "validation": 0, "test": 1}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".inter"])
def test_convert_keeps_ids_and_checksum(recbench, log, suffix):
    out = log.with_suffix(suffix)
    result = recbench("data", "convert", log, out, *OPTIONS)
    assert (result.code, result.out) == (0, "")
    assert "3 rows written" in result.err
    assert sorted(read_log(out)["user"].to_list()) == ["a", "b", "b"]
    source = json.loads(recbench("data", "info", log, *OPTIONS, "--json").out)
    assert load_dataset(out).checksum == source["checksum"]


def test_convert_replaces_only_when_told_to(recbench, log):
    out = log.with_suffix(".csv")
    out.write_text("mine")
    result = recbench("data", "convert", log, out, *OPTIONS)
    assert result.code == 2
    assert "exists already" in result.err
    assert out.read_text() == "mine"
    assert recbench("data", "convert", log, out, *OPTIONS, "--force").code == 0
    assert read_log(out).height == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("info", "nope.csv"), "there is no file nope.csv"),
        (("info", "ml-10k"), "did you mean 'ml-100k'"),
        (("fetch", "ml-10k"), "did you mean 'ml-100k'"),
        (("convert", "nope.csv", "out.xls"), "one of .csv, .tsv, .parquet, .inter"),
        (("convert", "nope.csv", "out.csv"), "there is no file nope.csv"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(recbench, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    result = recbench("data", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_fetch_prints_where_the_file_is(recbench, tmp_path, monkeypatch):
    monkeypatch.setenv("RECBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("RECBENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "ml-100k" / "u.data"
    path.parent.mkdir()
    path.write_text("1\t1\t5\t0\n")
    assert recbench("data", "fetch", "ml-100k").out == f"{path}\n"
    result = recbench("data", "fetch", "ml-1m", "--offline")
    assert result.code == 2
    assert "ml-1m.zip" in result.err
    result = recbench("data", "info", "ml-100k")
    assert result.code == 2
    assert "has 1 users, but ml-100k has 943" in result.err


def test_what_a_plugin_makes_needs_no_fetching(recbench):
    result = recbench("data", "fetch", "synthetic-tiny")
    assert (result.code, result.out) == (0, "")
    assert "nothing to fetch" in result.err


def test_member_of_an_archive(recbench, tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("README", "x")
        archive.writestr("log.csv", "1,2\n3,4\n")
    assert recbench("data", "info", tmp_path / "two.zip").code == 2
    result = recbench("data", "info", tmp_path / "two.zip", "--member", "log.csv", "--no-header", "--json")
    assert json.loads(result.out)["rows"] == 2

"""Logs written out and read back are the same data set."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbench.contracts.errors import DataError
from recbench.data.frames import dataset_log, frame_dataset
from recbench.data.readers import load_dataset, read_log
from recbench.data.writers import SUFFIXES, write_log

TEXT_IDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5)
PLAIN_IDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\t\r\n"), min_size=1, max_size=5)
NUMBERS = st.integers(-(2**70), 2**70).map(str)


@st.composite
def logs(draw, texts):
    size = draw(st.integers(1, 12))

    def column(values):
        return draw(st.lists(values, min_size=size, max_size=size))

    log = {"user": column(st.one_of(NUMBERS, texts)), "item": column(draw(st.sampled_from([NUMBERS, texts])))}
    if draw(st.booleans()):
        log["rating"] = column(st.floats(-1e6, 1e6, width=32, allow_nan=False))
    if draw(st.booleans()):
        log["timestamp"] = column(st.integers(-(2**40), 2**40))
    if draw(st.booleans()):
        log["split"] = column(st.sampled_from(["train", "validation", "test", None]))
    return pl.DataFrame(log)


def check_round_trip(log: pl.DataFrame, suffix: str) -> None:
    dataset = frame_dataset(log)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"log{suffix}")
        write_log(dataset_log(dataset), path)
        back = load_dataset(path)
        assert [file.name for file in Path(folder).iterdir()] == [path.name]
    assert back.checksum == dataset.checksum
    assert back.has_ratings == dataset.has_ratings
    assert dataset_log(back).equals(dataset_log(dataset))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@settings(max_examples=40, deadline=None)
@given(log=logs(TEXT_IDS))
def test_round_trip_of_any_ids(suffix, log):
    check_round_trip(log, suffix)


@pytest.mark.parametrize("suffix", [".tsv", ".inter"])
@settings(max_examples=40, deadline=None)
@given(log=logs(PLAIN_IDS))
def test_round_trip_of_ids_without_tabs_and_line_ends(suffix, log):
    check_round_trip(log, suffix)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(PLAIN_IDS, PLAIN_IDS), min_size=1, max_size=8),
    st.sampled_from(["\t", ",", ";", "|", "::", "^", "<>", "->"]),
)
def test_any_separator(rows, separator):
    """Fields free of the separator, quotes and edges that a reader may trim come back whatever stands between them."""
    marks = set(separator) | {'"', " ", "\ufeff"}
    rows = [tuple("".join(c for c in field if c not in marks) or "x" for field in row) for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.txt")
        text = "".join(f"{separator.join(row)}\n" for row in [("user", "item"), *rows])
        path.write_bytes(text.encode())
        log = read_log(path, separator=separator)
    assert [tuple(map(str, row)) for row in log.rows()] == rows


@pytest.mark.parametrize("suffix", [".tsv", ".inter"])
@pytest.mark.parametrize("bad", ["", "a\tb", "a\nb"])
def test_formats_without_quotes_refuse_what_they_cannot_hold(tmp_path, suffix, bad):
    log = pl.DataFrame({"user": ["x", bad], "item": [1, 2]})
    with pytest.raises(DataError, match=r"cannot hold the user .* \.csv and \.parquet only"):
        write_log(log, tmp_path / f"log{suffix}")
    assert not list(tmp_path.iterdir())


def test_inter_has_recbole_headers(tmp_path):
    write_log(pl.DataFrame({"user": [1], "item": [2], "rating": [3.0], "timestamp": [4]}), tmp_path / "log.inter")
    assert (tmp_path / "log.inter").read_text().splitlines()[0] == (
        "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    )


def test_targets_that_are_refused(tmp_path):
    log = pl.DataFrame({"user": [1], "item": [2]})
    with pytest.raises(DataError, match=r"suffix '.xls', but one of .csv"):
        write_log(log, tmp_path / "log.xls")
    with pytest.raises(DataError, match="there is no folder"):
        write_log(log, tmp_path / "nope" / "log.csv")
    for suffix in SUFFIXES:
        path = tmp_path / f"log{suffix}"
        path.write_text("mine")
        with pytest.raises(DataError, match=r"exists already.*--force"):
            write_log(log, path)
        assert path.read_text() == "mine"
        write_log(log, path, overwrite=True)
        assert read_log(path).rows() == [(1, 2)]


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.LazyFrame, "sink_csv", full)
    with pytest.raises(DataError, match="No space left"):
        write_log(pl.DataFrame({"user": [1], "item": [2]}), tmp_path / "log.csv")
    assert not list(tmp_path.iterdir())

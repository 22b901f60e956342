"""Every bad input has one sentence: the file, the line, what was found, what was expected, the option that mends it."""

from __future__ import annotations

import gzip
import zipfile

import polars as pl
import pytest

from recbench.contracts.errors import DataError, RecbenchError, UnknownNameError
from recbench.contracts.specs import DatasetSpec
from recbench.data import archives
from recbench.data.columns import Columns
from recbench.data.readers import frame_dataset, load_dataset, read_log

BAD_TEXT = {
    "empty file": ("", ["is empty", "at least one row"]),
    "blank lines": ("\n\n", ["only blank lines"]),
    "header only": ("user,item\n", ["has no rows"]),
    "no separator": ("user\n1\n", ["'user'", "none of the usual separators", "--separator"]),
    "no user column": ("foo,item\nx,y\n", ["no user column", "'foo', 'item'", "--user-column", "--no-header"]),
    "no item column": ("user,foo\nx,y\n", ["no item column", "--item-column"]),
    "NaN rating": ("user,item,rating\n1,2,3\n\n1,3,NaN\n", ["line 4", "'NaN'", "finite number", "--rating-column"]),
    "infinite rating": ("user,item,rating\n1,2,inf\n", ["line 2", "'inf'", "finite number"]),
    "missing rating": ("1,2,3\n1,2,\n", ["line 2", "rating is missing"]),
    "a word as rating": ("user,item,rating\n1,2,good\n", ["line 2", "'good'"]),
    "missing user": ("user,item\n1,2\n,2\n", ["line 3", "user is missing", "--user-column"]),
    "missing item": ("user::item\n1::2\n1::\n", ["line 3", "item is missing"]),
    "no time": ("user,item,time\n1,2,3\n1,2,soon\n", ["line 3", "'soon'", "seconds or a date", "--timestamp-column"]),
    "time out of range": ("user,item,time\n1,2,1e300\n", ["line 2", "'1e300'"]),
    "unknown part": ("user,item,split\n1,2,train\n1,3,holdout\n", ["line 3", "'holdout'", "train, validation, test"]),
    "too many fields between long separators": ("1::2::3\n1::2::3::4\n", ["line 2", "the rating is '3::4'"]),
    "too many fields": ("user,item\n1,2\n1,2,3\n", ["line 3", "more than 2 fields", "--separator"]),
    "open quote": ('user,item\n1,"2\n3,4\n', ["quote"]),
    "not UTF-8": (b"user,item\n1,2\n\xe9,3\n", ["line 3", "0xe9", "UTF-8"]),
    "not UTF-8 far down": (b"user,item\n" + b"1,2\n" * 40_000 + b"1,\xff\n", ["line 40,002", "0xff", "UTF-8"]),
    "broken JSON": ('{"user": 1, "item": 2}\n{"user": 1, "it\n', ["one record a line"]),
    "missing in JSON": ('{"user": 1, "item": 2}\n{"user": 1}\n', ["line 2", "item is missing"]),
    "broken gzip": (gzip.compress(b"user,item\n1,2\n" * 100)[:-12], ["broken gzip", "fetch it again"]),
    "broken zip": (b"PK\x03\x04 and nothing else", ["broken zip", "fetch it again"]),
    "broken parquet": (b"PAR1 and nothing else", ["broken parquet"]),
}


def message_of(error: pytest.ExceptionInfo[RecbenchError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


@pytest.mark.parametrize(("text", "parts"), BAD_TEXT.values(), ids=BAD_TEXT)
def test_bad_file(tmp_path, text, parts):
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(DataError) as error:
        load_dataset(path)
    message = message_of(error)
    assert str(path) in message
    for part in parts:
        assert part in message


def test_missing_file(tmp_path):
    for name in (tmp_path / "nope.csv", str(tmp_path / "nope"), "nope.parquet"):
        with pytest.raises(DataError, match="there is no file"):
            load_dataset(name)


def test_folder(tmp_path):
    with pytest.raises(DataError, match="folder without"):
        load_dataset(tmp_path)


def test_wrong_separator_names_the_one_that_fits(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user\titem\n1\t2\n")
    with pytest.raises(DataError, match=r"line 1.*no separator ';'.*--separator tab fits"):
        load_dataset(path, separator=";")


@pytest.mark.parametrize("column", ["stars", 7, "7"])
def test_column_that_is_not_there(tmp_path, column):
    path = tmp_path / "log.csv"
    path.write_text("user,item\n1,2\n")
    with pytest.raises(DataError, match=r"no column .* for the rating: found 'user', 'item'.*--rating-column"):
        load_dataset(path, columns=Columns(rating=column))


def test_archive_with_several_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", "user,item\n1,2\n")
        archive.writestr("b.csv", "user,item\n1,2\n")
    with pytest.raises(DataError, match=r"2 files, 'a.csv', 'b.csv': say which with --member"):
        read_log(tmp_path / "two.zip")
    with pytest.raises(DataError, match=r"no file 'c.csv': it holds 'a.csv', 'b.csv'"):
        read_log(tmp_path / "two.zip", member="c.csv")


def test_archive_that_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_SMALL", 1000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"0" * 10_000_000))
    with pytest.raises(DataError, match="unpacks to more than"):
        read_log(tmp_path / "bomb.gz")


def test_frame_names_the_row():
    frame = pl.DataFrame({"user": [1, 1], "item": [1, 2], "rating": [1.0, float("nan")]})
    with pytest.raises(DataError, match=r"log, row 1: the rating is nan"):
        frame_dataset(frame, name="log")
    with pytest.raises(DataError, match="row 0: the user is missing"):
        frame_dataset(pl.DataFrame({"user": [None, 1], "item": [None, 2]}))
    with pytest.raises(DataError, match=r"rating is a column of List.*a finite number is expected"):
        frame_dataset(pl.DataFrame({"user": [1], "item": [1], "rating": [[1]]}))
    with pytest.raises(DataError, match="frame is a list"):
        frame_dataset([1, 2])
    with pytest.raises(DataError, match="no rows"):
        frame_dataset(pl.DataFrame({"user": [], "item": []}))


def test_empty_core(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,item\n1,2\n")
    with pytest.raises(DataError, match=r"2-core of log is empty.*--k-core"):
        load_dataset(path, k_core=2)


def test_unknown_name(registry):
    registry.register(DatasetSpec(name="my-log", load=lambda: None, summary="A log."))
    with pytest.raises(UnknownNameError, match="did you mean 'my-log'"):
        load_dataset("my-lag")


def test_options_of_files_are_refused_with_a_name(registry):
    dataset = frame_dataset(pl.DataFrame({"user": [1], "item": [1]}), name="my-log")
    registry.register(DatasetSpec(name="my-log", load=lambda: dataset, summary="A log."))
    with pytest.raises(DataError, match="leave these options out"):
        load_dataset("my-log", separator=",")

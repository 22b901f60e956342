"""What readers make of the formats that logs come in."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recbench.contracts.records import Dataset, Provenance
from recbench.contracts.specs import DatasetSpec
from recbench.data.columns import Columns
from recbench.data.readers import load_dataset, read_log


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


LOG = {"user": [1, 2], "item": [20, 10], "rating": [3.5, 4.0], "timestamp": [40, 30]}
TEXTS = {
    "csv": "userId,movieId,rating,timestamp\n1,20,3.5,40\n2,10,4,30\n",
    "no header": "1,20,3.5,40\n2,10,4,30\n",
    "tsv": "user\titem\trating\ttime\n1\t20\t3.5\t40\n2\t10\t4\t30\n",
    "colons": "1::20::3.5::40\r\n2::10::4::30\r\n",
    "colons, header": "user::item::rating::timestamp\n1::20::3.5::40\n2::10::4::30\n",
    "semicolons": "User ID;Item ID;Stars;Date\n1;20;3.5;1970-01-01T00:00:40Z\n2;10;4;1970-01-01 00:00:30\n".replace(
        "1970-01-01T00:00:40Z", "1970-01-01 00:00:40"
    ),
    "pipes": "user|item|rating|ts\n1|20|3.5|40\n2|10|4|30\n",
    "spaces": "1 20 3.5 40\n2 10 4 30\n",
    "runs of spaces": " 1  20 3.5  40\n 2  10 4    30\n",
    "inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t20\t3.5\t40.0\n2\t10\t4\t30.2\n",
    "byte order mark": "\ufeff1,20,3.5,40\n2,10,4,30\n",
    "windows": "user,item,rating,timestamp\r\n1,20,3.5,40\r\n2,10,4,30\r\n",
    "blank lines": "\nuser,item,rating,timestamp\n1,20,3.5,40\n\n2,10,4,30\n\n",
    "other order": "rating,extra,timestamp,item,user\n3.5,x,40,20,1\n4,y,30,10,2\n",
    "quotes": 'user,item,rating,timestamp\n"1","20","3.5","40"\n2,10,4,30\n',
    "json": '{"user_id": 1, "asin": "20", "overall": 3.5, "unixReviewTime": 40}\n'
    '{"asin": "10", "user_id": "2", "overall": "4", "unixReviewTime": 30, "helpful": [1, 2]}\n',
    "python": "{'review/profileName': '1', 'beer/beerId': '20', 'review/overall': '3.5', 'review/time': '40'}\n"
    "{'review/profileName': '2', 'beer/beerId': '10', 'review/overall': '4', 'review/time': '30'}\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_text_format_gives_the_same_log(tmp_path, text):
    log = read_log(write(tmp_path, "log.txt", text))
    assert log.to_dict(as_series=False) == LOG
    assert dict(log.schema) == {"user": pl.Int64, "item": pl.Int64, "rating": pl.Float32, "timestamp": pl.Int64}


def test_parquet_gives_the_same_log_and_checksum(tmp_path):
    pl.DataFrame(LOG).write_parquet(tmp_path / "log.parquet")
    assert read_log(tmp_path / "log.parquet").to_dict(as_series=False) == LOG
    text = write(tmp_path, "log.csv", TEXTS["csv"])
    assert load_dataset(tmp_path / "log.parquet").checksum == load_dataset(text).checksum


def test_options_name_columns_separator_and_header(tmp_path):
    path = write(tmp_path, "log", "a^b^c\nx^y^2\n")
    columns = Columns(user="b", item="a", rating="c")
    assert read_log(path, columns=columns, separator="^").to_dict(as_series=False) == {
        "user": ["y"],
        "item": ["x"],
        "rating": [2.0],
    }
    path = write(tmp_path, "log", "x y\nz y\n")
    assert read_log(path, columns=Columns(header=False))["user"].to_list() == ["x", "z"]
    path = write(tmp_path, "log", "7,8,5,1\n9,8,4,2\n")
    log = read_log(path, columns=Columns(item=0, user="1"))
    assert (log["user"].to_list(), log["item"].to_list(), log["rating"].to_list()) == ([8, 8], [7, 9], [5, 4])


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("007,8", "007"),
        ("+7,8", "+7"),
        ("-0,8", "-0"),
        ("99999999999999999999,8", "99999999999999999999"),
        ("1.0,8", "1.0"),
        (" 7,8", " 7"),
        ("ünï😀,8", "ünï😀"),
        ("a\rb,8", "a\rb"),
    ],
)
def test_ids_that_integers_would_change_stay_text(tmp_path, written, kept):
    assert read_log(write(tmp_path, "log.csv", f"user,item\n1,2\n{written}\n"))["user"].to_list() == ["1", kept]


def test_an_id_far_down_that_is_no_integer_makes_all_of_them_text(tmp_path):
    lines = "".join(f"{number},{number}\n" for number in range(3000))
    log = read_log(write(tmp_path, "log.csv", f"user,item\n{lines}x,3\n"))
    assert log.schema["user"] == pl.String
    assert log.schema["item"] == pl.Int64
    assert log["user"].to_list() == [*map(str, range(3000)), "x"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("40", 40),
        ("40.9", 40),
        ("-0.5", -1),
        ("2005-09-06", 1125964800),
        ("2005-09-06 00:00:01", 1125964801),
        ("2005-09-06T00:00:01Z", 1125964801),
        ("2005-09-06T02:00:01+02:00", 1125964801),
        ("Sat Nov 05 10:00:00 -0700 2011", 1320512400),
    ],
)
def test_times_become_seconds(tmp_path, written, seconds):
    log = read_log(write(tmp_path, "log.csv", f"user,item,timestamp\n1,2,{written}\n"))
    assert log["timestamp"].to_list() == [seconds]


def test_times_that_turn_into_floats_far_down_are_read_again(tmp_path):
    lines = "".join(f"{number},1,{number}\n" for number in range(2000))
    log = read_log(write(tmp_path, "log.csv", f"user,item,time\n{lines}1,1,7.5\n"))
    assert log["timestamp"].to_list() == [*range(2000), 7]


def test_dates_of_parquet_become_seconds(tmp_path):
    days = pl.Series(["2005-09-06"]).str.to_date()
    pl.DataFrame({"user": ["a"], "item": [1], "date": days}).write_parquet(tmp_path / "log.parquet")
    assert read_log(tmp_path / "log.parquet")["timestamp"].to_list() == [1125964800]


@pytest.mark.parametrize("words", [("train", "validation", "test"), ("Training", "valid", "TEST"), ("0", "1", "2")])
def test_split_words(tmp_path, words):
    train, validation, test = words
    text = f"user,item,split\n1,1,{train}\n1,2,{validation}\n1,3,{test}\n1,4,\n"
    path = write(tmp_path, "log.csv", text)
    assert read_log(path)["split"].to_list() == ["train", "validation", "test", None]
    assert sorted(load_dataset(path).given_split) == [-1, 0, 1, 2]


def test_python_literals_are_read_as_python_reads_them(tmp_path):
    lines = [
        {"text": "says 'user': '9',", "user": "o'x", "item": '4,"1', "rating": 4.5},
        {"user": "a\\\n\u2603'", "text": 'and "item": "7"}', "item": "{42}", "rating": "3"},
        {"item": "", "text": "", "user": "b", "rating": 1},
    ]
    log = read_log(write(tmp_path, "log.json", "".join(f"{line!r}\n" for line in lines)))
    assert log["user"].to_list() == [line["user"] for line in lines]
    assert log["item"].to_list() == [line["item"] for line in lines]
    assert log["rating"].to_list() == [4.5, 3.0, 1.0]


def test_gzip_and_zip(tmp_path):
    text = TEXTS["csv"].encode()
    assert read_log(write(tmp_path, "log.csv.gz", gzip.compress(text))).to_dict(as_series=False) == LOG
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("../../escape.csv", text)
    assert read_log(tmp_path / "log.zip").to_dict(as_series=False) == LOG
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("README", "")
        archive.writestr("folder/log.csv", text)
    for member in ("log.csv", "folder/log.csv"):
        assert read_log(tmp_path / "two.zip", member=member).to_dict(as_series=False) == LOG
    assert not list(tmp_path.parent.glob("escape.csv"))


def netflix_tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    return out.getvalue()


def test_netflix_layout_in_a_tar_in_a_tar_and_in_a_folder(tmp_path):
    films = {
        "mv_0000001.txt": b"1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n",
        "mv_0000002.txt": b"2:\n822109,4,2005-05-13",
        "mv_0000003.txt": b"3:\n",
    }
    expected = {
        "user": [1488844, 822109, 822109],
        "item": [1, 1, 2],
        "rating": [3.0, 5.0, 4.0],
        "timestamp": [1125964800, 1115942400, 1115942400],
    }
    inner = netflix_tar({f"training_set/{name}": text for name, text in films.items()})
    outer = netflix_tar({"download/training_set.tar": inner, "download/README": b"x"})
    assert read_log(write(tmp_path, "nf.tar.gz", gzip.compress(outer))).to_dict(as_series=False) == expected
    assert read_log(write(tmp_path, "training_set.tar", inner)).to_dict(as_series=False) == expected
    folder = tmp_path / "training_set"
    folder.mkdir()
    for name, text in films.items():
        (folder / name).write_bytes(text)
    assert read_log(folder).to_dict(as_series=False) == expected


def test_a_name_is_loaded_by_its_plugin_and_a_path_by_its_file(tmp_path, registry, monkeypatch):
    path = write(tmp_path, "log.csv", TEXTS["csv"])
    loaded = load_dataset(path)
    registry.register(DatasetSpec(name="mine", load=lambda: loaded, summary="A log."))
    assert load_dataset("mine") is loaded
    assert load_dataset("mine", k_core=1) is loaded
    monkeypatch.chdir(tmp_path)
    path.rename(tmp_path / "plain")
    assert load_dataset("plain").checksum == loaded.checksum
    assert isinstance(loaded, Dataset)
    assert loaded.provenance == Provenance(str(path))
    assert loaded.name == "log"


REAL = {
    "ml-100k/u.data": (943, 1_682, 100_000, True, None),
    "ml-1m/ratings.parquet": (6_040, 3_706, 1_000_209, True, (0, 791_718, 99_692, 108_799)),
    "amazon-magazine/ratings.parquet": (72_098, 2_428, 89_689, True, (77_000, 5_984, 436, 6_269)),
    "lastfm/interactions.parquet": (1_880, 4_489, 52_668, False, (0, 42_135, 0, 10_533)),
    "filmtrust/ratings.txt": (1_508, 2_071, 35_497, True, None),
    "coat/ratings.parquet": (290, 300, 11_600, True, (0, 6_960, 0, 4_640)),
    "jester/ratings.parquet": (5_000, 100, 363_209, True, None),
}


@pytest.mark.parametrize("file", REAL)
def test_real_files_have_their_published_counts(real_data, file):
    if not (real_data / file).is_file():
        pytest.skip(f"{file} is not in the folder of real data")
    users, items, rows, has_ratings, split = REAL[file]
    dataset = load_dataset(real_data / file)
    found = dataset.interactions
    assert (found.num_users, found.num_items, len(found)) == (users, items, rows)
    assert dataset.has_ratings == has_ratings
    given = dataset.given_split
    assert split == (None if given is None else tuple(np.bincount(given + 1, minlength=4)))


def test_ml_100k_ties_are_those_of_the_file(real_data):
    path = real_data / "ml-100k" / "u.data"
    if not path.is_file():
        pytest.skip("ml-100k/u.data is not in the folder of real data")
    raw = np.loadtxt(path, dtype=np.int64)
    _, place, count = np.unique(raw[:, [0, 3]], axis=0, return_inverse=True, return_counts=True)
    assert load_dataset(path).tied_times == np.mean(count[place.ravel()] > 1)

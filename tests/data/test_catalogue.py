"""The catalogue: every entry is valid, listed lightly, found in RECBENCH_DATA and counted."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import pytest

from recbench.contracts.errors import DataError, DownloadError, UnknownNameError
from recbench.data import entry as entries
from recbench.data.catalogue import catalogue_entries, catalogue_tables
from recbench.data.download import RECORDED
from recbench.data.entry import catalogue_dataset, catalogue_entry, parse_entry
from recbench.data.frames import dataset_log
from recbench.data.readers import load_dataset

NAMES = [entry.name for entry in catalogue_entries()]
TINY = {
    "summary": "A tiny log.",
    "url": "https://example.invalid/tiny.zip",
    "member": "tiny/ratings.dat",
    "format": "separated",
    "separator": "::",
    "header": False,
    "columns": {"item": 0, "user": 1, "rating": 2},
    "counts": {"users": 2, "items": 2, "rows": 3},
}
ROWS = "7::1::5\n8::1::0\n8::2::3\n"


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A catalogue with one entry, an empty folder for RECBENCH_DATA and an empty cache."""
    tables = {"tiny": dict(TINY)}
    monkeypatch.setattr(entries, "catalogue_tables", lambda: tables)
    monkeypatch.setenv("RECBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("RECBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RECBENCH_OFFLINE", "1")
    (tmp_path / "data" / "tiny").mkdir(parents=True)
    return tables["tiny"]


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_is_valid(name):
    entry = catalogue_entry(name)
    assert entry.file_name
    assert entry.url or entry.notes
    assert entry.sha256 == RECORDED or len(entry.sha256) == 64
    assert entry.counts.rows


def test_the_catalogue_lists_without_pydantic_or_polars():
    code = (
        "import json, sys; from recbench.data.catalogue import catalogue_entries; "
        "names = [entry.name for entry in catalogue_entries()]; "
        "print(json.dumps([names, sorted({'pydantic', 'polars', 'numpy', 'pooch'} & set(sys.modules))]))"
    )
    names, heavy = json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
    assert names == NAMES
    assert heavy == []


@pytest.mark.parametrize("place", ["tiny/ratings.dat", "ratings.dat"])
def test_a_file_in_recbench_data_is_read_from_there(tiny, tmp_path, place):
    if place == "ratings.dat":
        tiny["member"] = "ratings.dat"
    (tmp_path / "data" / place).write_text(ROWS)
    dataset = catalogue_dataset("tiny")
    assert dataset.name == "tiny"
    assert dataset.provenance.source == TINY["url"]
    assert dataset_log(dataset).rows() == [(1, 7, 5.0), (1, 8, 0.0), (2, 8, 3.0)]


def test_an_archive_in_recbench_data_or_the_cache_is_opened(tiny, tmp_path):
    for folder in (tmp_path / "data" / "tiny", tmp_path / "cache" / "data" / "tiny"):
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / "tiny.zip", "w") as archive:
            archive.writestr("tiny/ratings.dat", ROWS)
            archive.writestr("tiny/README", "x")
        assert len(catalogue_dataset("tiny").interactions) == 3
        (folder / "tiny.zip").unlink()


def test_a_rating_that_means_none_is_dropped_after_counting(tiny, tmp_path):
    tiny["missing_rating"] = 0
    (tmp_path / "data" / "tiny" / "ratings.dat").write_text(ROWS)
    assert dataset_log(catalogue_dataset("tiny")).rows() == [(1, 7, 5.0), (2, 8, 3.0)]


def test_columns_that_the_entry_does_not_name_are_left_out(tiny, tmp_path):
    tiny["columns"] = {"item": 0, "user": 1}
    (tmp_path / "data" / "tiny" / "ratings.dat").write_text(ROWS)
    assert not catalogue_dataset("tiny").has_ratings


def test_counts_are_checked(tiny, tmp_path):
    (tmp_path / "data" / "tiny" / "ratings.dat").write_text(ROWS + "9::2::3\n")
    with pytest.raises(DataError, match=r"has 3 items, but tiny has 2: it is another file"):
        catalogue_dataset("tiny")


def test_what_is_nowhere_is_explained(tiny, monkeypatch):
    with pytest.raises(DownloadError, match=r"network is off.*tiny\.zip.*DIR/tiny/ratings\.dat with RECBENCH_DATA=DIR"):
        catalogue_dataset("tiny")
    del tiny["url"]
    tiny["file"] = "ratings.dat"
    with pytest.raises(DownloadError, match="tiny has no stable address"):
        catalogue_dataset("tiny")
    monkeypatch.setenv("RECBENCH_DATA", "/nowhere")
    with pytest.raises(DataError, match="RECBENCH_DATA is '/nowhere'"):
        catalogue_dataset("tiny")


def test_unknown_name_offers_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'ml-100k'"):
        catalogue_entry("ml-10k")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"member": "../secret"}, "member"),
        ({"member": "/etc/passwd"}, "member"),
        ({"file": "a/../../b"}, "file"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"sha256": "abc"}, "sha256"),
        ({"colums": {}}, "colums"),
        ({"columns": {"user": 0}}, "columns.item"),
        ({"counts": {"users": 0}}, "counts.users"),
        ({"format": "excel"}, "format"),
    ],
)
def test_entries_that_are_refused(change, field):
    with pytest.raises(DataError, match=rf"entry tiny, {field}:"):
        parse_entry("tiny", TINY | change)


def test_names_are_safe_as_folders():
    with pytest.raises(DataError, match="name"):
        parse_entry("../tiny", TINY)
    assert set(catalogue_tables()) == set(NAMES)


def test_real_ml_100k_is_found_under_its_name(real_data, monkeypatch, registry):
    if not (real_data / "ml-100k" / "u.data").is_file():
        pytest.skip("ml-100k/u.data is not in the folder of real data")
    monkeypatch.setenv("RECBENCH_DATA", str(real_data))
    dataset = load_dataset("ml-100k", offline=True)
    assert dataset.name == "ml-100k"
    assert dataset.checksum == load_dataset(real_data / "ml-100k" / "u.data").checksum

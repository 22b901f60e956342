"""Fake users in files: what is read is what was written, or one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from recbench import Budget, Synthesis, frame_dataset, load_synthesis, make_split, save_synthesis
from recbench.contracts.errors import DataError


def split_of(names):
    log = pl.DataFrame(
        [(user, names[(user + k) % 6]) for user in range(9) for k in range(4)], schema=["user", "item"], orient="row"
    )
    return make_split(frame_dataset(log, name="toy"), feedback="implicit")


@pytest.fixture(params=[[f"i{k}" for k in range(6)], [7, 2, 30, 4, 50, 6]], ids=["text", "numbers"])
def split(request):
    return split_of(request.param)


@pytest.fixture
def made():
    rows = np.random.default_rng(0).random((3, 6), np.float32)
    return Synthesis(rows, "distill-cf[steps=2]", Budget(3, "users"), 4, {"l2": 0.1, "step": 2})


def test_what_is_written_is_read(split, made, tmp_path):
    save_synthesis(made, split, tmp_path / "a.safetensors")
    read = load_synthesis(str(tmp_path / "a.safetensors"), split)
    assert np.array_equal(read.rows, made.rows) and read.digest == made.digest
    assert (read.sampler, read.budget, read.seed, read.facts) == (made.sampler, made.budget, made.seed, made.facts)


def test_a_file_is_replaced_only_when_asked(split, made, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"mine")
    with pytest.raises(DataError, match="exists already"):
        save_synthesis(made, split, path)
    assert path.read_bytes() == b"mine"
    save_synthesis(made, split, path, overwrite=True)
    assert load_synthesis(path).seed == 4 and [each.name for each in tmp_path.iterdir()] == ["a.safetensors"]


def test_fake_users_of_other_items_are_refused(split, made, tmp_path):
    save_synthesis(made, split, tmp_path / "a.safetensors")
    with pytest.raises(DataError, match="is of 6 items, and they are not the 6 of 'toy'"):
        load_synthesis(tmp_path / "a.safetensors", split_of([f"other{k}" for k in range(6)]))


def broken(kind: str, path: Path) -> None:
    match kind:
        case "text":
            path.write_text("user,item\n1,2\n")
        case "empty":
            path.write_bytes(b"")
        case "foreign":
            save_file({"rows": np.zeros((2, 3), np.float32)}, path)
        case "metadata":
            save_file({"rows": np.zeros((2, 3), np.float32)}, path, metadata={"recbench": "[1, 2]"})
        case "cut":
            path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize("kind", ["text", "empty", "foreign", "metadata", "cut"])
def test_what_is_not_such_a_file_is_said_so(split, made, tmp_path, kind):
    path = tmp_path / "a.safetensors"
    save_synthesis(made, split, path)
    broken(kind, path)
    with pytest.raises(DataError, match="does not hold fake users"):
        load_synthesis(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_values_that_fake_users_cannot_have_are_refused(split, made, tmp_path, value):
    made.rows[1, 2] = value
    save_synthesis(made, split, tmp_path / "a.safetensors")
    with pytest.raises(DataError, match="not finite or below 0"):
        load_synthesis(tmp_path / "a.safetensors")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*: 'recbench distill' makes one"):
        load_synthesis(tmp_path / "a.safetensors")

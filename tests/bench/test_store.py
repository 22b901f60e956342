"""The store: whole parts or none, merging is copying files, and what is foreign is reported."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recbench.bench.cells import AXES, cell_id
from recbench.bench.parts import Origin
from recbench.bench.store import Store, load_results
from recbench.contracts.errors import StoreError
from recbench.contracts.records import Cost, Coverage, RunRecord


def axes(number: int) -> dict[str, str | int | float]:
    return {**{name: kind() for name, kind in AXES.items()}, "hyper": "{}", "training_seed": number}


def record(number: int, *, value: float = 0.5, status: str = "ok", metrics: tuple[str, ...] = ("auc",)) -> RunRecord:
    if status != "ok":
        return RunRecord(axes(number), status, "because")  # type: ignore[arg-type]
    return RunRecord(
        axes(number),
        "ok",
        "",
        {metric: value for metric in metrics},
        {metric: np.full(200, value, np.float32) for metric in metrics},
        0.25,
        Cost(1.0, 2.0, 3, 4, 5.0),
        Coverage(10, 5, 4, 0.1, 0.2, -0.3, 0.5),
        "digest",
    )


def content(store: Store) -> list[tuple[object, ...]]:
    return store.frame().drop("replicates").sort("cell", "metric").rows()


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    store.append([record(0, value=1 / 3)], origin=Origin("tiny", 2, "mine"))
    row = store.frame().row(0, named=True)
    assert row["value"] == 1 / 3 and row["validation"] == 0.25
    assert (row["suite"], row["suite_version"], row["dataset"]) == ("tiny", 2, "mine")
    assert (row["seconds"], row["compile_seconds"], row["samples_processed"], row["epochs"]) == (1.0, 2.0, 3, 4)
    assert (row["sampler_seconds"], row["kept_rows"], row["cold_test_items"]) == (5.0, 10, 0.2)
    assert (row["popularity_shift"], row["time_span"]) == (-0.3, 0.5)
    assert row["replicates"] == [pytest.approx(1 / 3)] * 200
    assert row["cell"] == cell_id({name: row[name] for name in AXES}), "a row's id can be computed from its columns"


def test_nothing_is_made_before_the_first_record(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    assert store.frame().is_empty() and store.done() == set()
    assert store.append([]) is None
    assert not store.path.exists()
    with pytest.raises(StoreError, match="no results at"):
        load_results(store.path)


def test_the_environment_names_the_default_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECBENCH_STORE", str(tmp_path / "there"))
    Store().append([record(0)])
    assert load_results().height == 1 and (tmp_path / "there").is_dir()


def test_what_is_done(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append([record(0), record(1, status="skipped"), record(2, status="failed"), record(3, status="timeout")])
    ids = [cell_id(axes(number)) for number in range(4)]
    assert store.done() == set(ids)
    assert store.done(retry_failed=True) == {ids[0], ids[1]}
    assert store.done(["auc", "mse"]) == set(ids[1:]), "a finished cell without a metric that is asked for is not done"
    store.append([record(0, metrics=("mse",)), record(2)])
    assert store.done(["auc", "mse"], retry_failed=True) == {ids[0], ids[1]}


def test_a_success_takes_the_place_of_a_failure_and_the_first_success_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for attempt in (record(0, status="failed"), record(0, value=0.1), record(0, value=0.2), record(0, status="failed")):
        store.append([attempt])
    assert store.frame().select("status", "value").rows() == [("ok", 0.1)]
    clash = store.conflicts().row(0, named=True)
    assert (clash["cell"], clash["copies"], clash["lowest"], clash["highest"]) == (cell_id(axes(0)), 2, 0.1, 0.2)


def test_a_repeated_failure_shows_its_latest_attempt(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append([record(0, status="failed")])
    store.append([record(0, status="diverged")])
    assert store.frame()["status"].to_list() == ["diverged"]


records = st.lists(
    st.builds(
        record,
        st.integers(0, 3),
        value=st.sampled_from([0.25, 0.5]),
        status=st.sampled_from(["ok", "failed", "skipped"]),
        metrics=st.sampled_from([("auc",), ("auc", "hr@10")]),
    ),
    max_size=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=records, right=records)
def test_merging_is_idempotent_and_commutative(
    tmp_path_factory: pytest.TempPathFactory, left: list[RunRecord], right: list[RunRecord]
) -> None:
    root = tmp_path_factory.mktemp("merge")
    stores = [Store(root / name) for name in ("left", "right", "both", "back")]
    for store, parts in zip(stores, (left, right), strict=False):
        store.path.mkdir()
        for part in parts:
            store.append([part])
    for target, sources in ((stores[2], stores[:2]), (stores[3], [stores[1], stores[0], stores[0]])):
        for source in sources:
            shutil.copytree(source.path, target.path, dirs_exist_ok=True)
    assert content(stores[2]) == content(stores[3])
    cells = {cell_id(each.cell) for each in (*left, *right)}
    assert set(stores[2].frame()["cell"]) == cells == stores[2].done()


@pytest.mark.parametrize("damage", ["truncated", "foreign", "text", "other columns"])
def test_a_bad_file_is_reported_and_the_rest_is_read(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    part = store.append([record(0)])
    assert part is not None
    bad = tmp_path / "part-00000000000000000000000000000000.parquet"
    match damage:
        case "truncated":
            bad = store.append([record(1)])  # type: ignore[assignment]
            bad.write_bytes(bad.read_bytes()[:-50])
        case "foreign":
            shutil.copy(part, bad)
        case "text":
            bad.write_text("not parquet")
        case "other columns":
            pl.DataFrame({"cell": [1]}).write_parquet(bad)
    assert content(store) == content(store) and store.frame().height == 1
    assert [each.file for each in store.unreadable] == [bad.name]
    assert store.unreadable[0].reason


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), PermissionError(13, "denied")])
def test_a_full_disk_leaves_what_was_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    store = Store(tmp_path)
    store.append([record(0)])

    def full(handle: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=error.strerror) as raised:
        store.append([record(1)])
    assert raised.value.exit_code == 1
    assert len(list(tmp_path.iterdir())) == 1, "no temporary file stays"
    assert store.frame().height == 1


def test_a_kill_between_writing_and_renaming_leaves_a_readable_store(tmp_path: Path) -> None:
    Store(tmp_path).append([record(0)])
    script = f"""
import os, signal
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_store import Store, record
Store({str(tmp_path)!r}).append([record(1)])
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -9
    store = Store(tmp_path)
    assert store.done() == {cell_id(axes(0))} and not store.unreadable
    store.append([record(1)])
    assert store.done() == {cell_id(axes(0)), cell_id(axes(1))}

"""What validation chooses, and what a suite asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from recbench.bench.cells import AXES
from recbench.bench.runner import run_suite
from recbench.bench.selection import choose, newest_data, of_suite
from recbench.bench.store import load_results
from recbench.bench.suite import Suite


def row(hyper: str, validation: float | None, **more: Any) -> dict[str, Any]:
    shared = {name: kind() for name, kind in AXES.items()} | {"select": "auc", "tuning": "full", "sampler": "full"}
    return {**shared, "algorithm": "deep", "status": "ok", "hyper": hyper, "validation": validation, **more}


def chosen(rows: list[dict[str, Any]], toys: Any) -> list[str]:
    return choose(pl.DataFrame(rows, infer_schema_length=None), toys)["hyper"].to_list()


def test_the_best_validation_of_the_first_full_seed_holds_for_every_run(toys: Any) -> None:
    rows = [row("a", 0.1), row("b", 0.2), row("a", 0.9, training_seed=1), row("b", 0.1, training_seed=1)]
    rows += [row("a", 0.9, sampler="shuffle"), row("b", 0.1, sampler="shuffle")]
    assert chosen(rows, toys) == ["b", "b", "b"]


def test_an_error_metric_is_best_when_low(toys: Any) -> None:
    assert chosen([row("a", 0.1, select="mse"), row("b", 0.2, select="mse")], toys) == ["a"]


def test_ties_fall_by_text_and_what_failed_or_has_no_validation_stands_last(toys: Any) -> None:
    assert chosen([row("b", 0.2), row("a", 0.2)], toys) == ["a"]
    assert chosen([row("a", None), row("b", 0.1)], toys) == ["b"]
    assert chosen([row("a", None)], toys) == ["a"]
    assert chosen([row("a", 0.9, status="diverged"), row("b", 0.1)], toys) == ["b"]


def test_contests_are_apart(toys: Any) -> None:
    rows = [row("a", 0.1), row("b", 0.2), row("a", 0.2, data="other"), row("b", 0.1, data="other")]
    assert chosen(rows, toys) == ["b", "a"]


def test_tuned_anew_each_sample_chooses_for_itself(toys: Any) -> None:
    rows = [row("a", 0.1), row("b", 0.2), row("a", 0.9, sampler="shuffle"), row("b", 0.1, sampler="shuffle")]
    assert chosen([{**each, "tuning": "sample"} for each in rows], toys) == ["b", "a"]


def test_the_test_set_has_no_say(toys: Any) -> None:
    rows = [row("a", 0.1, value=1.0), row("b", 0.2, value=0.0)]
    assert chosen(rows, toys) == ["b"]


def test_of_data_and_of_recbench_the_latest_state_counts() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    rows = [
        row("a", 0.1, dataset="edited", data="old", created=early),
        row("b", 0.1, dataset="edited", data="new", created=late),
        row("c", 0.1, dataset="same", protocol=1, created=early),
        row("d", 0.1, dataset="same", protocol=2, created=late),
        row("e", 0.1, dataset="other", created=early),
    ]
    kept, changed = newest_data(pl.DataFrame(rows))
    assert (kept["hyper"].to_list(), changed) == (["b", "d", "e"], ["edited", "same"])


def test_a_suite_finds_its_rows_whoever_made_them(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys)
    everything = load_results(tmp_path)
    assert of_suite(everything, toy_suite, toys).equals(everything)
    narrow = toy_suite.override(samplers=["shuffle"], budgets=["20%"], algorithms=["plain"], full_seeds=1)
    found = of_suite(everything, narrow, toys)
    assert found.unique("cell").select("sampler", "algorithm").sort("sampler").rows() == [
        ("full", "plain"),
        ("shuffle", "plain"),
    ]

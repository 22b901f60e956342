"""What algorithms reach on samples: means, shares and intervals of a few made-up runs, worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

import recbench
from recbench.bench.cells import AXES
from recbench.bench.parts import SCHEMA
from recbench.bench.quality import Quality, quality
from recbench.contracts.errors import ParameterError
from recbench.contracts.specs import MetricSpec
from recbench.registry import Registry

DRAWN = {"sampler": "random", "budget": "100users", "sampler_seconds": 3.0}
NOISY = {"noise": 0.1, "noise_seed": 4}


@pytest.fixture(scope="module")
def registry() -> Registry:
    made = Registry(entry_points=False)
    made.register(MetricSpec(name="auc", load="no:where", summary="."))
    made.register(MetricSpec(name="mse", load="no:where", summary=".", of="rating", higher_is_better=False))
    return made


def run(value: float | None, replicates: Sequence[float] | None = None, **changes: Any) -> dict[str, Any]:
    """One row of a store's frame; without changes, of a run of ``one`` on the full data with training seed 0."""
    made: dict[str, Any] = dict.fromkeys(SCHEMA) | {name: kind() for name, kind in AXES.items()}
    made |= {"dataset": "toy", "feedback": "implicit", "tuning": "sample", "select": "auc", "metric": "auc"}
    made |= {"sampler": "full", "budget": "100%", "algorithm": "one", "hyper": "{}", "status": "ok", "reason": ""}
    made |= {"value": value, "replicates": replicates, "validation": value, "seconds": 8.0, "sampler_seconds": 0.0}
    made |= {"samples_processed": 9, "created": datetime(2026, 1, 1, tzinfo=UTC), **changes}
    if value is None:
        made |= {"metric": None, "validation": None}
    return made | {"cell": json.dumps({name: made[name] for name in AXES})}


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict(SCHEMA), orient="row")


def by_place(found: Sequence[Quality]) -> dict[tuple[Any, ...], Quality]:
    return {(each.noise, each.algorithm, each.sampler, each.budget): each for each in found}


FULL = (run(0.4, [0.3, 0.4, 0.5]), run(0.6, [0.5, 0.6, 0.7], training_seed=1, seconds=6.0))
"""Their mean is 0.5, with other test users 0.4, 0.5, 0.6."""
SAMPLE = run(0.3, [0.2, 0.3, 0.42], seconds=2.0, **DRAWN)
"""Of that mean 0.6, with other test users 0.5, 0.6, 0.7."""


def test_what_a_sample_is_worth_stands_beside_the_full_data(registry: Registry) -> None:
    full, sample = quality(frame(*FULL, SAMPLE), registry=registry)
    assert (full.dataset, full.feedback, full.noise, full.metric, full.algorithm) == (
        "toy",
        "implicit",
        0,
        "auc",
        "one",
    )
    assert (full.sampler, full.budget, full.seeds) == ("full", "100%", 2)
    assert (full.value, full.low, full.high) == pytest.approx((0.5, 0.405, 0.595))  # a twentieth of the way to 0.5
    assert full.spread == pytest.approx(0.02**0.5)
    assert (full.share, full.share_low, full.share_high, full.kept) == (1, 1, 1, None)
    assert (sample.sampler, sample.budget, sample.seeds, sample.spread) == ("random", "100users", 1, None)
    assert (sample.value, sample.low, sample.high) == pytest.approx((0.3, 0.205, 0.414))
    assert (sample.full, sample.full_low, sample.full_high) == (full.value, full.low, full.high)
    assert (sample.share, sample.share_low, sample.share_high) == pytest.approx((0.6, 0.505, 0.695)), "paired"
    assert (sample.seconds, sample.sampler_seconds, sample.full_seconds) == (2, 3, 6), "against the fastest"
    assert (full.reason, sample.reason) == ("", "")


def test_seeds_of_samples_are_averaged(registry: Registry) -> None:
    other = run(0.5, [0.4, 0.5, 0.6], seconds=4.0, **DRAWN | {"sampler_seconds": 1.0}, sample_seed=1, training_seed=1)
    _, sample = quality(frame(*FULL, SAMPLE, other), registry=registry)
    assert (sample.seeds, sample.seconds, sample.sampler_seconds) == (2, 3, 2)
    assert (sample.value, sample.share) == pytest.approx((0.4, 0.8))
    assert (sample.share_low, sample.share_high) == pytest.approx((0.7525, 0.8475)), "of 0.75, 0.8, 0.85"


def test_a_share_above_one_is_better_whatever_the_direction_of_the_metric(registry: Registry) -> None:
    errors = {"metric": "mse", "select": "mse", "feedback": "explicit"}
    rows = run(0.5, [0.4, 0.5, 0.6], **errors), run(1.0, [1.0, 1.0, 1.0], **errors, **DRAWN)
    full, sample = quality(frame(*rows), registry=registry)
    assert (full.value, sample.value, sample.low) == (0.5, 1.0, 1.0), "as the metric has them"
    assert (sample.share, sample.share_low, sample.share_high) == pytest.approx((0.5, 0.405, 0.595))


def test_under_noise_everything_stands_beside_the_same_without(registry: Registry) -> None:
    noisy = run(0.25, [0.2, 0.25, 0.3], **NOISY), run(0.24, [0.16, 0.24, 0.336], **DRAWN, **NOISY)
    alone = run(0.2, [0.2, 0.2, 0.2], **DRAWN | {"sampler": "head"}, **NOISY)
    found = by_place(quality(frame(*noisy, alone, *FULL, SAMPLE), registry=registry))
    full, sample = found[0.1, "one", "full", "100%"], found[0.1, "one", "random", "100users"]
    assert (full.share, full.kept, full.kept_low, full.kept_high) == pytest.approx((1, 0.5, 0.5, 0.5))
    assert (sample.full, sample.share) == pytest.approx((0.25, 0.96)), "the full data of a sample have the same noise"
    assert (sample.kept, sample.kept_low, sample.kept_high) == pytest.approx((0.8, 0.8, 0.8))
    assert found[0.1, "one", "head", "100users"].kept is None, "there is none without noise"
    assert {each.kept for place, each in found.items() if place[0] == 0} == {None}


def test_what_is_compared_across_noise_was_made_in_one_way(registry: Registry) -> None:
    rows = *FULL, run(0.2, **NOISY, history="full")
    with pytest.raises(ParameterError, match=r"toy \(implicit\) were made under several settings \(history: , full\)"):
        quality(frame(*rows), registry=registry)


def test_hyper_parameters_are_those_that_validation_chose_on_each_sample(registry: Registry) -> None:
    points = [
        run(0.9, hyper='{"l2":1.0}', validation=0.1), run(0.5, hyper='{"l2":9.0}', validation=0.2),
        run(0.4, hyper='{"l2":1.0}', validation=0.4, **DRAWN), run(0.8, hyper='{"l2":9.0}', validation=0.3, **DRAWN),
    ]  # fmt: skip
    full, sample = quality(frame(*points), registry=registry)
    assert (full.value, sample.value, sample.share) == (0.5, 0.4, 0.8), "the test set has no say"
    tuned_once = [each | {"tuning": "full"} for each in points]
    assert [each.value for each in quality(frame(*tuned_once), registry=registry)] == [0.5, 0.8]


def test_an_algorithm_has_all_rows_first_then_large_budgets_and_the_best_sampler_of_each(registry: Registry) -> None:
    def on(sampler: str, budget: str, value: float | None, **more: Any) -> dict[str, Any]:
        return run(value, **DRAWN | {"sampler": sampler, "budget": budget}, **more)

    lost = {"status": "skipped", "reason": "too many users"}
    rows = [on("b", "10users", 0.1), on("a", "10users", 0.2), on("a", "500users", 0.3), on("c", "500users", 0.4)]
    found = quality(frame(*rows, on("b", "500users", None, **lost), *FULL), registry=registry)
    assert [(each.sampler, each.budget) for each in found] == [
        ("full", "100%"), ("c", "500users"), ("a", "500users"), ("b", "500users"), ("a", "10users"), ("b", "10users"),
    ]  # fmt: skip
    missing = found[3]
    assert (missing.value, missing.low, missing.share, missing.seconds) == (None,) * 4
    assert missing.reason == "skipped: too many users" and missing.full == 0.5


def test_what_the_full_data_do_not_allow_is_said_and_samples_stand_alone(registry: Registry) -> None:
    lost = run(None, status="skipped", reason="needs 80 GB")
    full, sample = quality(frame(lost, SAMPLE), registry=registry)
    assert (full.value, full.reason) == (None, "skipped: needs 80 GB")
    assert (sample.value, sample.full, sample.share, sample.full_seconds) == (0.3, None, None, None)
    assert sample.reason == "on the full data, skipped: needs 80 GB"
    (alone,) = quality(frame(SAMPLE), registry=registry)
    assert (alone.value, alone.share, alone.reason) == (0.3, None, "on the full data, no run is stored")


def test_without_replicates_or_where_nothing_divides_there_is_no_interval(registry: Registry) -> None:
    full, sample = quality(frame(run(0.5), run(0.3, **DRAWN)), registry=registry)
    assert (full.low, full.high, sample.low) == (None, None, None)
    assert (sample.share, sample.share_low, sample.share_high) == (pytest.approx(0.6), None, None)
    _, some = quality(frame(run(0.5, [0.0, 0.5, 1.0]), SAMPLE), registry=registry)
    assert (some.share, some.share_low) == (pytest.approx(0.6), None), "one replicate of the full data is 0"
    assert quality(frame(run(0.0, [0.0, 0.0, 0.0]), SAMPLE), registry=registry)[1].share is None


def test_a_roster_says_which_algorithms(registry: Registry) -> None:
    rows = frame(*FULL, SAMPLE, run(0.9, algorithm="two"))
    assert {each.algorithm for each in quality(rows, registry=registry)} == {"one", "two"}
    only = recbench.quality(rows, algorithms={"implicit": ["two", "never-run"]}, registry=registry)
    assert [(each.algorithm, each.sampler, each.value) for each in only] == [("two", "full", 0.9)]
    assert quality(frame(), registry=registry) == []

"""The table of algorithms, of a suite run on an engine that makes numbers up: every point of a grid counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recbench.bench.roster import entrants
from recbench.bench.runner import run_suite
from recbench.bench.standings import Standing, standings
from recbench.bench.store import load_results
from recbench.bench.suite import Suite


@pytest.fixture
def stand(tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any) -> Any:
    """``stand(**protocol)``: the toys run on full data alone, and their standings by name."""

    def run(**protocol: Any) -> dict[str, Standing]:
        content = {**toy_suite.model_dump(), "samplers": [], "budgets": []}
        content["protocol"] |= protocol
        suite = Suite.model_validate(content)
        run_suite(suite, data=toy_data, store=tmp_path, registry=toys)
        results = load_results(tmp_path)
        (plain, deep) = entrants(suite, "implicit", toys)
        assert set(results.filter(algorithm="deep")["hyper"].unique()) >= {
            '{"rate":0.1,"width":16}', '{"rate":0.1,"width":8}', '{"rate":0.2,"width":16}', '{"rate":0.2,"width":8}',
        }, "every point is in the store, whatever became of it"  # fmt: skip
        assert (len(plain.grid), len(deep.grid)) == (1, 4)
        found = standings(results, headlines={"implicit": "hr@10"}, registry=toys)
        assert [each.algorithm for each in found] == ["deep", "plain"] or found[1].value is None
        return {each.algorithm: each for each in found}

    return run


def test_a_standing_says_what_was_tried_and_what_was_chosen(stand: Any) -> None:
    found = stand()
    deep, plain = found["deep"], found["plain"]
    assert (deep.rank, deep.metric, list(deep.metrics), deep.split, deep.select) == (
        1, "hr@10", ["hr@10", "auc"], "per-user", "auc",
    )  # fmt: skip
    assert (deep.search.points, deep.search.finished, deep.search.seconds, deep.search.failures) == (4, 4, 4.0, "")
    assert (deep.search.hyper, deep.search.tuned) == ({"rate": 0.2, "width": 16}, ("rate", "width"))
    assert deep.search.validation == pytest.approx(deep.metrics["auc"].value, abs=1e-5)
    assert (deep.seeds, deep.seconds, deep.reason) == (2, 1.0, "")
    assert (plain.search.points, plain.search.hyper, plain.search.tuned) == (1, {}, ())
    assert deep.lead == pytest.approx(0.216) and plain.lead is None


@pytest.mark.parametrize(
    ("rates", "edges"),
    [([0.1, 0.2, 0.3], ["rate"]), ([0.1, 0.3], []), ([0.1, 0.2, 0.5], []), ([0.3, 0.1, 0.2, 9.0], [])],
    ids=["the largest of three", "of two", "the largest there can be", "inside"],
)
def test_a_choice_at_the_end_of_its_grid_is_said(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any, rates: list[float], edges: list[str]
) -> None:
    engine.diverging.add(9.0)
    spec = toys.get("algorithms", "deep").spec
    width, rate = spec.hyper
    toys.register(
        replace(spec, hyper=(width, replace(rate, maximum=0.5 if 0.5 in rates else None))), distribution="recbench"
    )
    content = toy_suite.model_dump()
    content["algorithms"]["implicit"]["deep"] = {"rate": rates}
    run_suite(Suite.model_validate(content), data=toy_data, store=tmp_path, registry=toys)
    (deep,) = [each for each in standings(load_results(tmp_path), registry=toys) if each.algorithm == "deep"]
    assert list(deep.search.edges) == edges and deep.search.tuned == ("rate",)


def test_points_that_validation_likes_as_well_are_counted(stand: Any, engine: Any) -> None:
    outcome = engine.outcome

    def saturated(name: str, run: Any) -> Any:
        made = outcome(name, run)
        made.validation = min(made.validation, 0.2)  # as the hit rate among 100 items is
        return made

    engine.outcome = saturated
    deep = stand()["deep"]
    assert (deep.search.tied, deep.reason) == (1, "2 points of the grid are equal on validation")
    assert deep.search.hyper == {"rate": 0.2, "width": 16}, "the first by text"


def test_points_that_did_not_finish_are_counted_and_said(stand: Any, engine: Any) -> None:
    engine.diverging.add(0.2)
    deep = stand()["deep"]
    assert (deep.rank, deep.search.hyper["rate"]) == (1, 0.1)
    assert (deep.search.points, deep.search.finished) == (4, 2)
    assert deep.reason == "2 of 4 points of the grid diverged: loss is not finite"


def test_an_algorithm_of_which_every_point_failed_stands_last_with_the_reason(stand: Any, engine: Any) -> None:
    engine.diverging |= {0.1, 0.2}
    deep = stand()["deep"]
    assert (deep.rank, deep.value, deep.seconds, deep.search.hyper) == (None, None, None, {})
    assert (deep.search.points, deep.search.finished) == (4, 0)
    assert deep.reason == "4 of 4 points of the grid diverged: loss is not finite"


@pytest.mark.parametrize("name", ["plain", "deep"])
def test_an_algorithm_that_does_not_fit_into_memory_is_shown_with_the_reason(
    stand: Any, engine: Any, name: str
) -> None:
    engine.refusing[name] = "needs about 80.0 GB of memory for a run, and 19.8 GB may be used"
    found = stand()
    points = "4 of 4 points of the grid " if name == "deep" else ""
    assert (found[name].rank, found[name].reason) == (None, f"{points}skipped: {engine.refusing[name]}")
    (other,) = set(found) - {name}
    assert (found[other].rank, found[other].lead) == (1, None), "the others are ranked without it"


def test_where_nothing_could_be_run_every_algorithm_is_shown_with_its_reason(stand: Any, engine: Any) -> None:
    engine.refusing["plain"] = "needs 80 GB"
    engine.raises["deep"] = ZeroDivisionError("too deep")
    found = stand()
    assert {name: (each.rank, each.value, each.metric) for name, each in found.items()} == dict.fromkeys(
        ("deep", "plain"), (None, None, "auc")
    )
    assert found["plain"].reason == "skipped: needs 80 GB"
    assert found["deep"].reason.startswith("4 of 4 points of the grid failed: ZeroDivisionError: too deep")


def test_a_point_that_fails_under_a_later_seed_leaves_no_value(stand: Any, engine: Any, tmp_path: Path) -> None:
    outcome = engine.outcome

    def failing(name: str, run: Any) -> Any:
        if run.training_seed == 1:
            engine.diverging.add(0.2)
        return outcome(name, run)

    engine.outcome = failing
    deep = stand()["deep"]
    assert (deep.rank, deep.search.finished, deep.reason) == (None, 4, "diverged: loss is not finite")
    assert load_results(tmp_path).filter(pl.col("algorithm") == "deep", training_seed=1)["status"].to_list() == [
        "diverged"
    ], "no other point takes its place"


def test_tuned_anew_each_seed_has_its_own_choice(stand: Any, engine: Any, tmp_path: Path) -> None:
    outcome = engine.outcome

    def other(name: str, run: Any) -> Any:
        made = outcome(name, run)
        if run.training_seed == 1:
            made.validation = -made.validation  # the second seed prefers the other end of the grid
        return made

    engine.outcome = other
    deep = stand(tuning="sample")["deep"]
    assert deep.search.hyper == {"rate": 0.2, "width": 16} and deep.search.points == 4
    runs = load_results(tmp_path).filter(algorithm="deep", metric="hr@10").sort("value")
    best, worst = (runs.filter(training_seed=seed)["value"] for seed in (0, 1))
    assert deep.value == pytest.approx((best[-1] + worst[0]) / 2)

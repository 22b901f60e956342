"""Agreement of rankings: against SciPy, by hand, and null wherever a cell is missing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from scipy.stats import kendalltau

from recbench.bench.agreement import agreement, agreement_frame
from recbench.bench.cells import AXES
from recbench.bench.comparison import compare, comparison_frame
from recbench.bench.parts import SCHEMA
from recbench.bench.standings import standings
from recbench.contracts.errors import ParameterError, UnknownNameError
from recbench.contracts.specs import AlgorithmSpec, MetricSpec
from recbench.registry import Registry

NAMES = ("a", "b", "c", "d")
USERS = 120
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def registry() -> Registry:
    made = Registry(entry_points=False)
    made.register(MetricSpec(name="auc", load="no:where", summary="."))
    made.register(MetricSpec(name="mine", load="no:where", summary="."))
    made.register(MetricSpec(name="mse", load="no:where", summary=".", of="rating", higher_is_better=False))
    made.register(AlgorithmSpec(name="a", load="no:where", summary=".", deterministic=True))
    return made


def replicates(value: float, spread: float = 0.02, seed: int = 0) -> list[float]:
    """200 bootstrap means of users whose mean is ``value``."""
    rng = np.random.default_rng(seed)
    users = rng.normal(size=USERS)
    weights = np.random.default_rng(99).multinomial(USERS, np.full(USERS, 1 / USERS), size=200) / USERS
    return (value + spread * (weights @ (users - users.mean()))).astype(np.float32).tolist()


def row(algorithm: str, value: float | None, **changes) -> dict:
    """One row of a store's frame; without changes, of a run on the full data with training seed 0."""
    axes = {name: kind() for name, kind in AXES.items()}
    axes |= {"feedback": "implicit", "tuning": "full", "select": "auc", "hyper": "{}"}
    axes |= {"sampler": "full", "budget": "100%", "algorithm": algorithm}
    rest = dict.fromkeys(name for name in SCHEMA if name not in axes)
    rest |= {"dataset": "toy", "metric": "auc", "value": value, "status": "ok", "reason": "", "created": NOW}
    rest |= {"validation": value, "seconds": 10.0, "sampler_seconds": 0.0, "samples_processed": 1000}
    made = {**axes, **rest, **changes}
    if value is None:
        made |= {"metric": None, "replicates": None, "status": changes.get("status", "failed")}
    elif made["replicates"] is None:
        made["replicates"] = replicates(value, seed=sum(map(ord, algorithm)) + made["training_seed"])
    made["cell"] = json.dumps({name: made[name] for name in AXES})
    return made


def full(values, *, seeds=(0, 1, 2), **changes) -> list[dict]:
    pairs = zip(NAMES, values, strict=True)
    return [row(name, value, training_seed=seed, **changes) for name, value in pairs for seed in seeds]


def sampled(values, sampler="random", budget="10%", *, seed=0, **changes) -> list[dict]:
    common = {"sampler": sampler, "budget": budget, "sample_seed": seed, "training_seed": seed}
    cost = {"seconds": 2.0, "samples_processed": 100, "sampler_seconds": 4.0}
    return [row(name, value, **{**common, **cost, **changes}) for name, value in zip(NAMES, values, strict=True)]


def frame(*parts: list[dict]) -> pl.DataFrame:
    return pl.DataFrame([each for part in parts for each in part], schema=dict(SCHEMA), orient="row")


def only(found):
    assert len(found) == 1
    return found[0]


TRUTH = (0.5, 0.6, 0.7, 0.8)


# --- tau --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "tau"),
    [((1, 2, 3, 4), 1), ((4, 3, 2, 1), -1), ((1, 2, 4, 3), 4 / 6), ((1, 1, 2, 3), 5 / np.sqrt(30))],
)
def test_tau_by_hand(registry, values, tau):
    each = only(agreement(frame(full(TRUTH), sampled(values)), registry=registry))
    assert each.tau == pytest.approx(tau)
    assert (each.dataset, each.feedback, each.metric, each.sampler, each.budget) == (
        "toy", "implicit", "auc", "random", "10%",
    )  # fmt: skip
    assert (each.num_algorithms, each.num_deterministic, each.reason) == (4, 1, "")


def test_the_direction_of_the_metric_counts(registry):
    changes = {"metric": "mse", "select": "mse", "feedback": "explicit"}
    each = only(agreement(frame(full(TRUTH, **changes), sampled((1, 3, 2, 4), **changes)), registry=registry))
    assert each.tau == pytest.approx(4 / 6)
    assert each.regret == 0  # lowest is best: a, on both sides


def test_several_seeds_are_compared_where_they_differ(registry):
    rng = np.random.default_rng(5)
    truth, guess = rng.random((3, 4)), rng.random((2, 4))
    rows = [full(truth[seed], seeds=(seed,)) for seed in range(3)] + [
        sampled(guess[seed], seed=seed) for seed in range(2)
    ]
    each = only(agreement(frame(*rows), registry=registry))
    taus = [kendalltau(truth[i], guess[j]).statistic for i in range(3) for j in range(2) if i != j]
    assert each.tau == pytest.approx(np.mean(taus))
    ceiling = [kendalltau(truth[i], truth[j]).statistic for i, j in combinations(range(3), 2)]
    assert each.ceiling == pytest.approx(np.mean(ceiling))


def test_a_single_seed_is_compared_with_itself_and_has_no_ceiling(registry):
    each = only(agreement(frame(full(TRUTH, seeds=(0,)), sampled((1, 2, 4, 3))), registry=registry))
    assert each.tau == pytest.approx(4 / 6)
    assert (each.ceiling, each.share_of_ceiling) == (None, None)


def test_the_interval_is_that_of_the_paired_replicates(registry):
    values = {"full": (0.5, 0.501, 0.502, 0.503), "sample": (0.5, 0.503, 0.501, 0.502)}
    rows = frame(full(values["full"], seeds=(1, 2)), sampled(values["sample"]))
    each = only(agreement(rows, registry=registry))
    tables = rows.with_columns(name=pl.col("algorithm")).sort("algorithm").partition_by(
        ["sampler", "training_seed"], as_dict=True
    )  # fmt: skip
    arrays = {place: np.array(part["replicates"].to_list()).T for place, part in tables.items()}
    taus = [
        np.mean([kendalltau(arrays["full", i][b], arrays["random", 0][b]).statistic for i in (1, 2)])
        for b in range(200)
    ]
    assert [each.tau_low, each.tau_high] == pytest.approx(np.percentile(taus, [2.5, 97.5]))
    assert each.tau_low < each.tau_high


def test_share_of_ceiling_needs_a_positive_ceiling(registry):
    rows = [full(TRUTH, seeds=(1,)), full(TRUTH[::-1], seeds=(2,)), sampled((1, 2, 4, 3))]
    each = only(agreement(frame(*rows), registry=registry))
    assert (each.ceiling, each.share_of_ceiling) == (-1, None)
    good = only(agreement(frame(full(TRUTH), sampled((1, 2, 4, 3))), registry=registry))
    assert (good.ceiling, good.share_of_ceiling) == (1, pytest.approx(4 / 6))


def test_where_no_seed_moves_anything_there_is_no_ceiling(registry):
    own = Registry(entry_points=False)
    own.register(MetricSpec(name="auc", load="no:where", summary="."))
    for name in NAMES:
        own.register(AlgorithmSpec(name=name, load="no:where", summary=".", deterministic=True))
    each = only(agreement(frame(full(TRUTH), sampled((1, 2, 4, 3))), registry=own))
    assert (each.num_deterministic, each.ceiling, each.share_of_ceiling) == (4, None, None)
    assert (each.tau, each.reason) == (pytest.approx(4 / 6), "no ceiling: all algorithms are deterministic")


def test_each_share_of_noise_is_a_contest_of_its_own(registry):
    noisy = {"noise": 0.2, "noise_seed": 3}
    clean = [full(TRUTH), sampled((1, 2, 3, 4)), sampled((1, 2, 4, 3), "head")]
    rows = frame(
        *clean, full(TRUTH[::-1], **noisy), sampled((1, 2, 3, 4), **noisy), sampled((4, 3, 2, 1), "head", **noisy)
    )
    found = agreement(rows, registry=registry)
    assert {(each.noise, each.sampler): each.tau for each in found} == {
        (0.0, "head"): pytest.approx(4 / 6), (0.0, "random"): 1, (0.2, "head"): 1, (0.2, "random"): -1,
    }  # fmt: skip
    assert agreement_frame(found)["noise"].to_list() == [0.0, 0.0, 0.2, 0.2]
    pairs = compare(rows, "head", "random", registry=registry)
    assert [(each.noise, each.difference) for each in pairs] == [(0.0, pytest.approx(-2 / 6)), (0.2, 2)]
    assert comparison_frame(pairs)["noise"].to_list() == [0.0, 0.2]
    best = standings(rows, headlines={"implicit": "auc"}, registry=registry)
    assert [(each.noise, each.algorithm) for each in (best[0], best[4])] == [(0.0, "d"), (0.2, "a")]


# --- the algorithms themselves ----------------------------------------------------------------------------------------


def test_algorithms_stand_best_first_with_the_interval_of_their_mean(registry):
    rows = frame(full((0.5, 0.8, 0.6, 0.7), seeds=(0,)), full((0.6, 0.8, 0.7, 0.8), seeds=(1,)), sampled((1, 2, 3, 4)))
    found = standings(rows, headlines={"implicit": "auc"}, registry=registry)
    assert [(each.rank, each.algorithm, each.seeds) for each in found] == [
        (1, "b", 2), (2, "d", 2), (3, "c", 2), (4, "a", 2),
    ]  # fmt: skip
    assert [each.value for each in found] == pytest.approx([0.8, 0.75, 0.65, 0.55])
    second = found[1].metrics["auc"]
    pair = rows.filter(algorithm="d", sampler="full")["replicates"].to_list()
    assert [second.low, second.high] == pytest.approx(np.percentile(np.mean(pair, axis=0), [2.5, 97.5]), abs=1e-6)
    assert [each.metrics["auc"].spread for each in found] == pytest.approx(
        [np.std(pair, ddof=1) for pair in ((0.8, 0.8), (0.7, 0.8), (0.6, 0.7), (0.5, 0.6))]
    )
    assert (found[0].seconds, list(found[0].metrics), found[0].reason) == (10.0, ["auc"], "")


def test_a_lead_is_over_the_next_one_and_no_chance_where_users_and_seeds_agree(registry):
    rows = frame(full((0.5, 0.5001, 0.749, 0.751), seeds=(0,)), full((0.5, 0.5001, 0.751, 0.749), seeds=(1,)))
    c, d, b, a = standings(rows, headlines={"implicit": "auc"}, registry=registry)
    assert [(each.algorithm, each.rank) for each in (c, d, b, a)] == [("c", 1), ("d", 1), ("b", 3), ("a", 4)]
    assert (c.lead, c.p_value) == (pytest.approx(0, abs=1e-9), pytest.approx(1)), "equal means share a rank"
    assert d.lead == pytest.approx(0.2499) and d.p_value < 0.05, "better under each seed and for most users"
    assert b.lead == pytest.approx(0.0001) and b.p_value > 0.5
    assert (a.lead, a.p_value) == (None, None)
    assert standings(rows.clear(), registry=registry) == []


def test_of_errors_the_lowest_stands_first_and_other_metrics_stand_beside_it(registry):
    explicit = {"feedback": "explicit", "select": "mse"}
    rows = frame(full(TRUTH, metric="mse", **explicit), full(TRUTH[::-1], metric="auc", **explicit))
    found = standings(rows, headlines={"explicit": "mse"}, registry=registry)
    assert (found[0].algorithm, found[0].value, list(found[0].metrics)) == ("a", 0.5, ["mse", "auc"])
    mse, auc = found[0].metrics.values()
    assert mse.low < 0.5 < mse.high and auc.value == pytest.approx(0.8) and auc.low < 0.8 < auc.high
    assert found[0].lead == pytest.approx(0.1), "a lead is positive whatever the direction of the metric"
    assert standings(rows, headlines={"explicit": "rmse"}, registry=registry)[0].metric == "mse", "the first there is"


def test_an_algorithm_that_misses_a_seed_has_no_value(registry):
    killed = row("d", None, training_seed=2, reason="killed", hyper='{"x":1}')
    rows = frame(full(TRUTH, hyper='{"x":1}')[:-1], [killed])
    *_, last = standings(rows, headlines={"implicit": "auc"}, registry=registry)
    assert (last.algorithm, last.rank, last.value, last.metrics["auc"].low) == ("d", None, None, None)
    assert (last.reason, last.seconds, last.search.hyper) == ("failed: killed", None, {"x": 1})


# --- what is missing is null ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([full(TRUTH), sampled((1, 2, 3, None), reason="out of memory")], "d (failed: out of memory)"),
        ([full(TRUTH), sampled((1, 2, 3, np.nan))], "1 of 4 algorithms are missing: d (no value"),
        ([full(TRUTH), sampled((1, 2, 3, 4))[:3]], "1 of 4 algorithms are missing: d (not run)"),
        ([full(TRUTH), sampled((None,) * 4, status="skipped", reason="too small")], "skipped: too small"),
        ([full((None,) * 4, reason="killed"), sampled((None,) * 4)], "on the full data, failed: killed"),
        ([full(TRUTH)[:-1], sampled((1, 2, 3, 4))], "on the full data, 1 of 4"),
        ([sampled((1, 2, 3, 4))], "on the full data, no run is stored"),
        ([full((0.5, 0.6, 0.7, None), seeds=(0,)), sampled((1, 2, 3, 4))[:3]], "on the full data, 1 of 4"),
        ([full(TRUTH), sampled((3, 3, 3, 3))], "the same on one side"),
        ([full(TRUTH)[:3], sampled((3, 3, 3, 3))[:1]], "at least two algorithms"),
    ],
)
def test_missing_cells_and_constant_sides_give_null_with_the_reason(registry, rows, said):
    each = only(agreement(frame(*rows), registry=registry))
    assert (each.tau, each.tau_low, each.tau_high, each.share_of_ceiling) == (None,) * 4
    assert said in each.reason


def test_one_missing_seed_of_several_is_missing_too(registry):
    rows = frame(full(TRUTH), sampled((1, 2, 3, 4)), sampled((1, 2, 3, None), seed=1, reason="killed"))
    assert "d (failed: killed)" in only(agreement(rows, registry=registry)).reason


def test_what_the_full_data_do_not_allow_to_run_is_not_ranked_and_said(registry):
    unfit = [row("z", None, status="skipped", reason="needs 80 GB", training_seed=seed) for seed in range(3)]
    small = {"sampler": "random", "budget": "10%"}
    samples = [*sampled((1, 2, 4, 3)), row("z", None, status="skipped", reason="needs 80 GB", **small)]
    each = only(agreement(frame(full(TRUTH), unfit, samples), registry=registry))
    assert (each.tau, each.num_algorithms) == (pytest.approx(4 / 6), 4)
    assert each.reason == "z is not ranked: on the full data, skipped: needs 80 GB"
    failed = [row("z", None, status="failed", reason="killed", training_seed=2)]
    each = only(agreement(frame(full(TRUTH), unfit[:2], failed, samples), registry=registry))
    assert (each.tau, each.num_algorithms) == (None, 5), "what failed there is missing"


def test_other_samplers_do_not_suffer(registry):
    head = [*sampled((1, 2, 3, 4), "head"), *sampled((1, 2, 4, 3), "head", "40%")]
    rows = frame(full(TRUTH), sampled((1, 2, 3, None)), head)
    found = agreement(rows, registry=registry)
    assert [(each.sampler, each.budget, each.tau) for each in found] == [
        ("head", "40%", pytest.approx(4 / 6)), ("head", "10%", 1), ("random", "10%", None),
    ]  # fmt: skip


def test_the_roster_can_be_given_and_null_checks_are_not_in_it(registry):
    noise = [row("random", 0.5, training_seed=seed) for seed in range(3)]
    rows = frame(full(TRUTH), noise, sampled((1, 2, 3, None)))
    assert only(agreement(rows, registry=registry)).num_algorithms == 4
    each = only(agreement(rows, algorithms={"implicit": (*NAMES[:3], "random")}, registry=registry))
    assert (each.num_algorithms, each.tau) == (3, 1)
    absent = only(agreement(rows, algorithms={"implicit": (*NAMES[:3], "z")}, registry=registry))
    assert absent.tau is None
    assert "z (not run)" in absent.reason


# --- what counts ------------------------------------------------------------------------------------------------------


def test_only_what_validation_chose_counts(registry):
    grid = [row("a", 0.9, hyper='{"x":2}', validation=0.1)]  # the best on test, but not on validation
    rows = frame(full(TRUTH), grid, sampled((1, 2, 3, 4)))
    assert only(agreement(rows, registry=registry)).tau == 1


def test_of_a_plugin_that_was_edited_the_last_state_counts(registry):
    late = {"created": NOW + timedelta(days=1), "sampler_code": "new"}
    rows = frame(full(TRUTH), sampled((4, 3, 2, 1), sampler_code="old"), sampled((1, 2, 3, 4), **late))
    assert only(agreement(rows, registry=registry)).tau == 1
    half = frame(full(TRUTH), sampled((4, 3, 2, 1), sampler_code="old"), sampled((1, 2, 3, 4), **late)[:3])
    assert only(agreement(half, registry=registry)).tau is None


def test_of_a_metric_that_was_edited_the_last_state_counts(registry):
    late = {"created": NOW + timedelta(days=1), "metric_code": "new", "metric": "mine"}
    old = {"metric_code": "old", "metric": "mine"}
    rows = frame(full(TRUTH, **old), sampled((4, 3, 2, 1), **old), full(TRUTH, **late), sampled((1, 2, 3, 4), **late))
    assert only(agreement(rows, registry=registry)).tau == 1
    half = frame(
        full(TRUTH, **old), sampled((4, 3, 2, 1), **old), full(TRUTH, **late), sampled((1, 2, 3, 4), **late)[:3]
    )
    assert "d (not run)" in only(agreement(half, registry=registry)).reason


def test_a_built_in_metric_counts_whatever_was_computed_beside_it():
    own = Registry(entry_points=False)
    own.register(MetricSpec(name="auc", load="no:where", summary="."), distribution="recbench")
    plain = [full(TRUTH), sampled((1, 2, 3, 4)), sampled((1, 2, 4, 3), "head")]
    beside = {"created": NOW + timedelta(days=1), "metric_code": "new"}
    again = [full(TRUTH, **beside), sampled((1, 2, 3, 4), **beside), sampled((None,) * 4, "svp-cf", **beside)]
    found = agreement(frame(*plain, *again), registry=own)
    assert [(each.sampler, each.tau) for each in found] == [
        ("head", pytest.approx(4 / 6)),
        ("random", 1),
        ("svp-cf", None),
    ]


def test_runs_under_several_settings_are_not_mixed(registry):
    rows = frame(full(TRUTH), sampled((1, 2, 3, 4), mask="sample"))
    with pytest.raises(ParameterError, match=r"toy \(implicit\).*mask: , sample"):
        agreement(rows, registry=registry)


# --- what a choice costs ----------------------------------------------------------------------------------------------


def test_regret_is_the_loss_on_the_full_data(registry):
    assert only(agreement(frame(full(TRUTH), sampled((1, 2, 4, 3))), registry=registry)).regret == pytest.approx(0.1)
    assert only(agreement(frame(full(TRUTH), sampled((4, 4, 1, 2))), registry=registry)).regret == pytest.approx(0.25)


def test_pair_accuracy_is_over_pairs_that_differ_significantly(registry):
    truth = (0.5, 0.5002, 0.7, 0.8)  # a and b cannot be told apart
    each = only(agreement(frame(full(truth), sampled((2, 1, 4, 3))), registry=registry))
    assert (each.significant_pairs, each.pair_accuracy) == (5, pytest.approx(4 / 5))
    tied = only(agreement(frame(full(truth), sampled((2, 1, 3, 3))), registry=registry))
    assert tied.pair_accuracy == pytest.approx(4.5 / 5)
    flat = only(agreement(frame(full((0.5, 0.5001, 0.5002, 0.5003)), sampled((2, 1, 4, 3))), registry=registry))
    assert (flat.significant_pairs, flat.pair_accuracy) == (0, None)


def test_costs_count_the_drawing_once(registry):
    each = only(agreement(frame(full(TRUTH), sampled((1, 2, 3, 4))), registry=registry))
    assert each.samples_share == pytest.approx(0.1)
    assert each.speedup == pytest.approx(40 / (8 + 4))


def test_without_replicates_there_is_no_interval(registry):
    rows = frame(full(TRUTH, replicates=[]), sampled((1, 2, 4, 3), replicates=[]))
    each = only(agreement(rows, registry=registry))
    assert (each.tau, each.tau_low, each.significant_pairs) == (pytest.approx(4 / 6), None, 0)


def test_frames_have_one_column_a_field(registry):
    found = agreement(frame(full(TRUTH), sampled((1, 2, 3, None))), registry=registry)
    table = agreement_frame(found)
    assert table["tau"].dtype == pl.Float64
    assert table["num_algorithms"].to_list() == [4]
    assert agreement_frame([]).columns == table.columns


# --- comparisons ------------------------------------------------------------------------------------------------------


def test_a_sampler_compared_with_itself_does_not_differ(registry):
    rows = frame(full(TRUTH), sampled((1, 2, 4, 3)))
    each = only(compare(rows, "random", "random", registry=registry))
    assert (each.difference, each.low, each.high, each.p_value, each.corrected) == (0, 0, 0, 1, 1)


def test_comparisons_are_paired_and_corrected_together(registry):
    close = (0.500, 0.501, 0.502, 0.503)
    rows = [full(close)]
    for budget in ("40%", "10%"):
        rows += [sampled(close, "svp-cf", budget), sampled(close[::-1], "random", budget)]
    found = compare(frame(*rows), "svp-cf", "random", registry=registry)
    assert [each.budget for each in found] == ["40%", "10%"]
    assert all(each.difference == 2 for each in found)
    assert found[0].corrected == pytest.approx(min(1, 2 * found[0].p_value))
    back = compare(frame(*rows), "random", "svp-cf", registry=registry)
    assert [(each.difference, each.p_value) for each in back] == [(-2, each.p_value) for each in found]
    assert comparison_frame(found)["difference"].to_list() == [2, 2]


def test_a_comparison_with_missing_cells_is_null(registry):
    rows = frame(full(TRUTH), sampled((1, 2, 3, None), reason="killed"), sampled((1, 2, 3, 4), "head"))
    each = only(compare(rows, "head", "random", registry=registry))
    assert (each.difference, each.p_value, each.corrected) == (None, None, None)
    assert each.reason.startswith("random: 1 of 4")


def test_a_sampler_without_results_is_named(registry):
    with pytest.raises(UnknownNameError, match="no results of 'haed': there are some of random"):
        compare(frame(full(TRUTH), sampled((1, 2, 3, 4))), "random", "haed", registry=registry)

"""Averages of taus and differences between samplers, against means taken by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recbench.bench.agreement import Measured
from recbench.bench.averages import averages, by_mean_tau, differences, shared
from recbench.contracts.records import Agreement

ONE = Agreement(
    dataset="toy", feedback="implicit", metric="auc", sampler="good", budget="10%", num_algorithms=5, tau=0.8,
    tau_low=0.4, tau_high=1.0, ceiling=0.9, num_deterministic=2, share_of_ceiling=0.8, regret=0.01,
    pair_accuracy=1.0, significant_pairs=7, samples_share=0.1, speedup=4.0,
)  # fmt: skip


def line(sampler, budget, tau, *, seed=0, spread=0.1, dataset="toy"):
    draws = None if tau is None else tau + spread * np.random.default_rng(seed).normal(size=200)
    return Measured(replace(ONE, sampler=sampler, budget=budget, tau=tau, dataset=dataset), draws)


@pytest.fixture
def found():
    return [
        line("good", "40%", 0.9, seed=1),
        line("good", "10%", 0.7, seed=2),
        line("fair", "40%", 0.8, seed=1),
        line("fair", "10%", 0.5, seed=2),
        line("bad", "40%", 0.1, seed=3),
        line("bad", "10%", None),
    ]


def test_a_mean_has_the_interval_of_its_replicates(found):
    good, _, bad = averages(found, ["sampler"])
    assert (good.place, good.taus, good.lines, good.tau) == ({"sampler": "good"}, 2, 2, pytest.approx(0.8))
    wanted = np.percentile((found[0].replicates + found[1].replicates) / 2, [2.5, 97.5])
    assert (good.tau_low, good.tau_high) == pytest.approx(tuple(wanted))
    assert (bad.tau, bad.tau_low, bad.regret, bad.taus, bad.lines) == (None, None, None, 1, 2)
    assert bad.ceiling == pytest.approx(0.9), "the full data's, which no sampler changes"


def test_a_mean_without_replicates_has_no_interval(found):
    bare = [Measured(each.agreement, None) for each in found]
    assert [(each.tau, each.tau_low) for each in averages(bare[:2], ["dataset"])] == [(pytest.approx(0.8), None)]


def test_a_number_that_one_line_has_not_is_missing_from_the_mean(found):
    some = [found[0], Measured(replace(found[1].agreement, pair_accuracy=None, ceiling=None), found[1].replicates)]
    (mean,) = averages(some, ["sampler"])
    assert mean.tau == pytest.approx(0.8) and mean.regret == pytest.approx(0.01)
    assert (mean.pair_accuracy, mean.ceiling) == (None, None), "of one line, beside a tau of two"


def test_lines_are_by_several_fields_in_the_order_they_come(found):
    places = [tuple(each.place.values()) for each in averages(found, ["budget", "sampler"])]
    assert places == [(budget, name) for name in ("good", "fair", "bad") for budget in ("40%", "10%")]


def test_the_best_sampler_comes_first_and_one_that_misses_a_tau_last(found):
    lines = [*reversed(found), line("fine", "10%", 0.99, dataset="other"), line("poor", "10%", 0.1, dataset="other")]
    ordered = by_mean_tau(averages(lines, ["dataset", "sampler", "budget"]), ["dataset"])
    places = [(each.place["dataset"], each.place["sampler"]) for each in ordered]
    assert list(dict.fromkeys(places)) == [
        ("toy", "good"), ("toy", "fair"), ("toy", "bad"), ("other", "fine"), ("other", "poor"),
    ]  # fmt: skip


def test_what_one_sampler_misses_is_shared_by_none(found):
    assert [(each.agreement.sampler, each.agreement.budget) for each in shared(found)] == [
        ("good", "40%"),
        ("fair", "40%"),
        ("bad", "40%"),
    ]


def test_a_difference_is_paired_over_what_both_have(found):
    by_pair = {(each.first, each.second): each for each in differences(found)}
    near = by_pair["good", "fair"]
    assert (near.lines, near.difference) == (2, pytest.approx(0.15))
    assert (near.low, near.high) == (pytest.approx(0.15), pytest.approx(0.15)), "the same test users move both alike"
    far = by_pair["good", "bad"]
    assert (far.lines, far.difference) == (1, pytest.approx(0.8)) and far.low < 0.8 < far.high
    assert [each.difference for each in differences(found)] == pytest.approx([0.8, 0.7, 0.15])


def test_equal_samplers_do_not_differ_and_many_pairs_are_corrected():
    names = [f"s{number}" for number in range(8)]
    found = [line(name, "10%", 0.5 + 0.01 * place, seed=place) for place, name in enumerate(names)]
    made = differences(found)
    assert len(made) == 28 and all(each.corrected >= each.p_value for each in made)
    assert all(each.corrected > 0.05 for each in made)


def test_a_clear_difference_stays_one_among_many_pairs():
    """Beside seven equal samplers one stands six spreads below: its seven pairs differ, the other 21 do not."""
    names = [f"s{number}" for number in range(7)]
    found = [line(name, "10%", 0.5 + 0.001 * place, seed=place) for place, name in enumerate(names)]
    made = differences([*found, line("worst", "10%", -0.4, seed=9)])
    telling = [(each.first, each.second) for each in made if each.corrected < 0.05]
    assert sorted(telling) == [(name, "worst") for name in names]


def test_samplers_without_a_ground_in_common_are_not_compared():
    assert differences([line("a", "10%", 0.5), line("b", "40%", 0.5)]) == []
    assert differences([line("a", "10%", 0.5)]) == []

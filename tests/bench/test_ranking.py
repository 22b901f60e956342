"""Statistics of rankings against SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recbench.bench.ranking import holm, pair_differences, pair_signs, paired_p_value, tau_b, top_regret

values = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=12)


@settings(max_examples=200, deadline=None)
@given(values)
def test_tau_b_is_scipys_ties_and_constants_included(pairs):
    x, y = np.array(pairs, dtype=np.float64).T
    ours, theirs = float(tau_b(pair_signs(x), pair_signs(y))), stats.kendalltau(x, y).statistic
    assert ours == pytest.approx(theirs, abs=1e-12, nan_ok=True)


def test_tau_b_of_many_replicates_at_once():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, (2, 3, 40, 9)).astype(np.float32)
    ours = tau_b(pair_signs(x), pair_signs(y))
    wide_x, wide_y = x.astype(np.float64), y.astype(np.float64)  # newer SciPy answers in the precision of its input
    theirs = [[stats.kendalltau(wide_x[i, j], wide_y[i, j]).statistic for j in range(40)] for i in range(3)]
    assert ours == pytest.approx(np.array(theirs), abs=1e-12)


def test_a_missing_value_makes_tau_missing():
    x = np.array([1.0, 2, 3])
    assert np.isnan(tau_b(pair_signs(np.array([1.0, np.nan, 3])), pair_signs(x)))
    assert tau_b(pair_signs(x), pair_signs(x)) == 1
    assert tau_b(pair_signs(x), pair_signs(-x)) == -1


def test_top_regret_by_hand():
    truth = np.array([0.1, 0.5, 0.4, 0.2])
    assert top_regret(truth, np.array([0, 9, 1, 1])) == 0
    assert top_regret(truth, np.array([0, 1, 9, 1])) == pytest.approx(0.1)
    assert top_regret(truth, np.array([0, 9, 9, 9])) == pytest.approx(0.5 - (0.5 + 0.4 + 0.2) / 3)
    assert np.isnan(top_regret(truth, np.array([0, np.nan, 1, 1])))
    assert np.isnan(top_regret(np.array([0.1, np.nan, 0.4, 0.2]), np.array([0, 1, 9, 1])))


def test_holm_is_the_step_down_of_the_definition():
    rng = np.random.default_rng(1)
    p_values = rng.random(8) ** 3
    order = np.argsort(p_values)
    running = 0.0
    for step, place in enumerate(order):
        running = max(running, min(1.0, p_values[place] * (8 - step)))
        assert holm(p_values)[place] == pytest.approx(running)
    with_gap = holm(np.array([0.01, np.nan, 0.03]))
    assert with_gap == pytest.approx([0.02, np.nan, 0.03], nan_ok=True)


def test_paired_p_values_are_those_of_a_z_test():
    rng = np.random.default_rng(2)
    replicates = rng.normal(0.3, 0.1, 200)
    expected = 2 * stats.norm.sf(0.3 / replicates.std(ddof=1))
    assert paired_p_value(np.array(0.3), replicates) == pytest.approx(expected)
    assert paired_p_value(np.array(0.0), np.zeros(200)) == 1
    assert paired_p_value(np.array(0.2), np.full(200, 0.2)) == pytest.approx(2 / 201)
    assert np.isnan(paired_p_value(np.array(np.nan), replicates))


def test_paired_p_values_hold_their_level():
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(400, 150))  # 400 experiments without a true difference, 150 users each
    weights = rng.multinomial(150, np.full(150, 1 / 150), size=200) / 150
    p_values = paired_p_value(scores.mean(axis=1), scores @ weights.T)
    assert 0.02 < (p_values < 0.05).mean() < 0.09


def test_differences_of_pairs_are_compared_by_hand():
    rng = np.random.default_rng(4)
    values, noise = rng.normal(size=(3, 4)), rng.normal(scale=0.2, size=(3, 4, 200))
    values[:, 3] = values[0, 3]  # no seed moves it
    replicates = values[:, :, None] + noise
    differences, p_values = pair_differences(values, replicates)
    raw = []
    for a, b in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)):
        users = (replicates[:, a] - replicates[:, b]).mean(axis=0).var(ddof=1)
        one, other = values[:, a].var(ddof=1) / 3, values[:, b].var(ddof=1) / 3
        freedom = (users + one + other) ** 2 / (one**2 / 2 + other**2 / 2)
        difference = values[:, a].mean() - values[:, b].mean()
        raw.append(2 * stats.t.sf(abs(difference) / np.sqrt(users + one + other), freedom))
    assert differences[2] == pytest.approx(values[:, 0].mean() - values[0, 3])
    assert p_values == pytest.approx(holm(np.array(raw)))


def test_a_single_seed_leaves_the_users_and_a_missing_algorithm_the_others():
    rng = np.random.default_rng(5)
    values, replicates = np.array([[0.1, 0.4, 0.2]]), rng.normal(scale=0.1, size=(1, 3, 200))
    _, p_values = pair_differences(values, replicates)
    pairs = ((0, 1), (0, 2), (1, 2))
    raw = [paired_p_value(values[0, a] - values[0, b], replicates[0, a] - replicates[0, b]) for a, b in pairs]
    assert p_values == pytest.approx(holm(np.array(raw)))
    values[0, 1] = np.nan
    replicates[0, 1] = np.nan
    _, p_values = pair_differences(values, replicates)
    assert np.isnan(p_values).tolist() == [True, False, True] and p_values[1] == pytest.approx(raw[1])


def test_p_values_hold_their_level_where_seeds_differ():
    rng = np.random.default_rng(6)
    users, seeds, below = 100, 3, 0
    for _ in range(400):  # experiments without a true difference
        scores = rng.normal(size=(seeds, 2, users)) + rng.normal(scale=0.2, size=(seeds, 2, 1))
        weights = rng.multinomial(users, np.full(users, 1 / users), size=200) / users
        _, (p_value,) = pair_differences(scores.mean(axis=2), scores @ weights.T)
        below += p_value < 0.05
    assert 0.01 < below / 400 < 0.08

"""Metrics of given scores against NumPy and SciPy, user by user; constants, oracles, masked rows, bootstrap."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from recbench.contracts.records import Budget, Sample
from recbench.engine import evaluate
from recbench.engine.evaluate import bootstrap_weights

RANKING = ["auc", "hr@10", "hr@100", "ndcg@10", "ndcg@100", "psp@10", "psp@100"]


class Scores:
    """A host algorithm with fixed scores of all pairs: a table for each training seed."""

    def __init__(self, *tables):
        self.tables = tables

    def fit(self, train, *, hyper, rng):
        return self.tables[int(hyper["table"])]

    def score(self, state, query):
        return state[query.users]

    def predict(self, state, query, rows, items):
        return state[query.users[rows], items]


class TraceableScores:
    """The same on the device: the state is a table made from the train matrix."""

    def fit(self, train, *, hyper, key):
        return device_table(train.num_users, train.num_items)

    def score(self, state, query):
        return jnp.where((query.users >= 0)[:, None], state[jnp.maximum(query.users, 0)], 0)


def device_table(users, items):
    """Scores with many ties, that are exact in float32."""
    mixed = (jnp.arange(users)[:, None] * 7919 + jnp.arange(items)[None, :] * 104_729) % 101
    return (mixed % 8).astype(jnp.float32)


@pytest.fixture(scope="module")
def score(bench):
    """``score(data, table, ...)``: outcomes of runs with fixed scores, one a table."""
    from recbench import Parameter

    def run(data, *tables, sample=None, **training):
        toy = bench(data, Scores(*tables), form="host", hyper=[Parameter("table", 0, "which", traced=True)])
        return toy.outcomes(*(toy.run(sample, table=number) for number in range(len(tables))), **training)

    return run


@pytest.fixture(scope="module")
def tables():
    """Distinct scores, and scores with many ties."""
    random = np.random.default_rng(0)
    return random.normal(size=(40, 30)).astype(np.float32), random.integers(0, 4, (40, 30)).astype(np.float32)


@pytest.mark.parametrize("mask", ["full", "sample"])
def test_rankings_are_those_of_sorted_lists(mask, implicit, tables, score, reference, sample_of):
    sample = sample_of(implicit.split, 0.5)
    kept = None if mask == "full" else sample.rows
    for table, outcome in zip(tables, score(implicit, *tables, sample=sample, mask=mask), strict=True):
        wanted = reference(implicit.split, table, kept=kept)
        assert outcome.status == "ok"
        assert sorted(outcome.metrics) == RANKING
        for name, values in wanted.items():
            assert outcome.metrics[name] == pytest.approx(values.mean(), abs=1e-6), name
        assert outcome.validation == pytest.approx(
            reference(implicit.split, table, phase="validation", kept=kept)["auc"].mean(), abs=1e-6
        )


def test_sampled_away_items_crowd_the_list_but_are_no_negatives(implicit, tables, score, sample_of):
    """AUC knows all positives whatever the mask; lists under ``sample`` are longer, so hits can only be fewer."""
    sample = sample_of(implicit.split, 0.3)
    (full,), (crowded,) = (score(implicit, tables[0], sample=sample, mask=mask) for mask in ("full", "sample"))
    assert crowded.metrics["auc"] == full.metrics["auc"]
    assert crowded.metrics["hr@10"] < full.metrics["hr@10"]


@pytest.mark.parametrize("feedback", ["implicit", "sequential"])
@pytest.mark.parametrize("mask", ["full", "sample"])
def test_the_device_program_ranks_alike(feedback, mask, request, bench, reference, sample_of):
    data = request.getfixturevalue(feedback)
    toy = bench(data, TraceableScores, form="solved")
    samples = [sample_of(data.split, share) for share in (1.0, 0.5)]
    outcomes = toy.outcomes(*map(toy.run, samples), mask=mask)
    table = np.asarray(device_table(data.split.num_users, data.split.num_items))
    for sample, outcome in zip(samples, outcomes, strict=True):
        wanted = reference(data.split, table, kept=None if mask == "full" else sample.rows)
        for name in RANKING:
            assert outcome.metrics[name] == pytest.approx(wanted[name].mean(), abs=1e-6), name


@pytest.mark.parametrize("enough", [8, 16, 24, 1000])
def test_users_are_scored_together_and_ranked_in_blocks(enough, make_data, bench, reference, monkeypatch):
    """40 users in five blocks, of which one, two, three or all are scored in one go."""
    data = make_data("implicit")
    monkeypatch.setattr(evaluate, "block_elements", lambda: 1)
    monkeypatch.setattr(evaluate, "_ENOUGH", enough)
    toy = bench(data, TraceableScores, form="solved")
    (outcome,) = toy.outcomes(toy.run())
    wanted = reference(data.split, np.asarray(device_table(data.split.num_users, data.split.num_items)))
    for name in RANKING:
        assert outcome.metrics[name] == pytest.approx(wanted[name].mean(), abs=1e-6), name


def test_ties_fall_by_a_seeded_permutation_not_by_id(implicit):
    order = np.asarray(implicit.arrays.tie_break)
    assert (np.sort(order) == np.arange(30)).all()
    assert abs(np.corrcoef(order, np.arange(30))[0, 1]) < 0.5


def test_a_constant_scorer_gets_half_and_chance(make_data, make_log, bench, score):
    """Each list is the seeded permutation, so chance is over splits: 10 of 30 items less those that are masked."""
    hits, chance = [], []
    for seed in range(4):
        data = make_data("implicit", log=make_log(users=200, seed=seed))
        (outcome,) = score(data, np.zeros((200, 30), np.float32))
        assert outcome.metrics["auc"] == 0.5
        assert outcome.metrics["hr@100"] == 1.0
        masked = sum(np.bincount(part.user, minlength=200) for part in (data.split.train, data.split.validation))
        hits.append(outcome.metrics["hr@10"])
        chance.append(np.mean(10 / (30 - masked)))
    spread = np.std(hits, ddof=1) / np.sqrt(len(hits))
    assert np.mean(hits) == pytest.approx(np.mean(chance), abs=4 * spread)
    assert spread < 0.05


def test_an_oracle_gets_one_and_its_opposite_nothing(implicit, score):
    truth = np.zeros((40, 30), np.float32)
    truth[implicit.split.test.user, implicit.split.test.item] = 1
    oracle, liar = score(implicit, truth, -truth)
    assert oracle.metrics == dict.fromkeys(RANKING, pytest.approx(1, abs=1e-6))
    assert liar.metrics["auc"] == 0
    assert liar.metrics["hr@10"] < 0.25  # users with under ten items to list


def test_a_masked_test_row_is_a_miss_everywhere(make_data, make_log, score, reference):
    """A given split whose test repeats a train row: the item cannot be listed, even by an oracle."""
    log = make_log().with_columns(
        split=pl.when(pl.int_range(pl.len()).over("user") == 0)
        .then(pl.lit("test"))
        .when(pl.int_range(pl.len()).over("user") == 1)
        .then(pl.lit("validation"))
        .otherwise(pl.lit("train"))
    )
    leak = log.filter(pl.col("user") < 10, pl.col("split") == "test").with_columns(split=pl.lit("train"))
    leaked = make_data("implicit", log=pl.concat([log, leak]), protocol="given")
    truth = np.zeros((40, 30), np.float32)
    truth[leaked.split.test.user, leaked.split.test.item] = 1
    (outcome,) = score(leaked, truth)
    wanted = reference(leaked.split, truth)
    assert wanted["auc"].tolist() == [0.0] * 10 + [1.0] * 30
    for name in RANKING:
        assert outcome.metrics[name] == pytest.approx(0.75, abs=1e-6)
        assert wanted[name].mean() == pytest.approx(0.75)


def test_clean_positives_are_masked_under_noise(implicit, tables, score, reference):
    """With noise, what leaves the lists and is no negative are the positives before it."""
    from recbench.data.noise import corrupt
    from recbench.engine.batch import place_split

    noisy = place_split(corrupt(implicit.split, share=0.5, seed=0))
    assert (noisy.split.train.item != implicit.split.train.item).mean() > 0.3
    (outcome,) = score(noisy, tables[1])
    for name, values in reference(implicit.split, tables[1]).items():  # ties fall alike with and without noise
        assert outcome.metrics[name] == pytest.approx(values.mean(), abs=1e-6), name


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_run_diverged_where_its_scores_are_not_finite(bad, implicit, tables, score):
    broken = tables[0].copy()
    broken[implicit.split.test.user[0], 3] = bad
    first, second = score(implicit, broken, tables[1])
    assert (first.status, first.metrics) == ("diverged", {})
    assert "not finite" in first.reason
    assert second.status == "ok"


# --- ratings ----------------------------------------------------------------------------------------------------------


def test_errors_of_ratings(explicit, score):
    predicted = np.random.default_rng(1).normal(3, 1, (40, 30)).astype(np.float32)
    (outcome,) = score(explicit, predicted)
    test, validation = explicit.split.test, explicit.split.validation
    error = predicted[test.user, test.item].astype(np.float64) - test.rating
    assert outcome.metrics == pytest.approx(
        {"mse": np.mean(error**2), "rmse": np.sqrt(np.mean(error**2)), "mae": np.mean(np.abs(error))}, abs=1e-6
    )
    error = predicted[validation.user, validation.item] - validation.rating
    assert outcome.validation == pytest.approx(np.mean(error**2), abs=1e-5)


# --- bootstrap --------------------------------------------------------------------------------------------------------


def test_bootstrap_weights_are_users_drawn_with_replacement(implicit, bench):
    weights = bootstrap_weights(implicit)
    assert weights.shape == (200, 40)
    assert (weights.sum(1) == 40).all()
    assert weights.mean(0) == pytest.approx(1, abs=0.35)
    assert weights.var() == pytest.approx(1 - 1 / 40, abs=0.05)  # of a multinomial's counts
    assert len(np.unique(weights, axis=0)) == 200


def test_replicates_are_weighted_means_with_the_same_weights_for_all(implicit, tables, score, reference):
    weights = bootstrap_weights(implicit).astype(np.float64)
    for table, outcome in zip(tables, score(implicit, *tables), strict=True):
        for name, values in reference(implicit.split, table).items():
            found = outcome.replicates[name]
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, weights @ values / 40, atol=1e-6)
            assert abs(found.mean() - outcome.metrics[name]) < 4 * found.std() / np.sqrt(200) + 1e-6


def test_replicates_of_ratings_weigh_every_row(explicit, score):
    predicted = np.random.default_rng(1).normal(3, 1, (40, 30)).astype(np.float32)
    (outcome,) = score(explicit, predicted)
    test, weights = explicit.split.test, bootstrap_weights(explicit).astype(np.float64)
    rows = weights[:, np.searchsorted(np.unique(test.user), test.user)]
    squared = (predicted[test.user, test.item].astype(np.float64) - test.rating) ** 2
    wanted = rows @ squared / rows.sum(1)
    np.testing.assert_allclose(outcome.replicates["mse"], wanted, rtol=1e-5)
    np.testing.assert_allclose(outcome.replicates["rmse"], np.sqrt(wanted), rtol=1e-5)


def test_users_without_a_test_row_count_for_nothing(make_data, make_log, score, reference):
    log = make_log().with_columns(
        split=pl.when((pl.int_range(pl.len()).over("user") == 0) & (pl.col("user") % 2 == 0))
        .then(pl.lit("test"))
        .when(pl.int_range(pl.len()).over("user") == 1)
        .then(pl.lit("validation"))
        .otherwise(pl.lit("train"))
    )
    data = make_data("implicit", log=log, protocol="given")
    table = np.random.default_rng(5).normal(size=(40, 30)).astype(np.float32)
    wanted = reference(data.split, table)
    everything = Sample(np.arange(len(data.split.train)), "full", Budget(1.0), 0)
    (outcome,) = score(data, table, sample=everything)
    assert len(wanted["auc"]) == 20
    assert outcome.metrics["ndcg@10"] == pytest.approx(wanted["ndcg@10"].mean(), abs=1e-6)

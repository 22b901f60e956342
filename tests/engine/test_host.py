"""A host algorithm is scored as what its scores say: a truncated SVD from SciPy, and means that predict ratings."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from recbench import Parameter
from recbench.contracts.records import Budget, Synthesis

HYPER = (Parameter("rank", 4, "singular vectors"),)


class PureSVD:
    """Scores by the leading right singular vectors: history x V V'."""

    def fit(self, train, *, hyper, rng):
        ones = np.ones(len(train), np.float32)
        matrix = csr_matrix((ones, (train.user, train.item)), shape=(train.num_users, train.num_items))
        return svds(matrix, k=hyper["rank"], v0=rng.normal(size=min(matrix.shape)))[2]

    def score(self, state, query):
        assert all(isinstance(column, np.ndarray) for column in (query.users, query.items, query.values, query.mask))
        history = np.zeros((len(query.users), query.num_items), np.float32)
        row, place = np.nonzero(query.mask)
        history[row, query.items[row, place]] = query.values[row, place]
        return history @ state.T @ state


def scores_of(split, rows, rank):
    """The same from the dense matrix: train rows of the sample, validation rows in the history."""
    dense, history = np.zeros((40, 30)), np.zeros((40, 30))
    kept, validation = split.train.take(rows), split.validation
    dense[kept.user, kept.item] = history[kept.user, kept.item] = history[validation.user, validation.item] = 1
    right = np.linalg.svd(dense)[2][:rank]
    return history @ right.T @ right


def test_a_truncated_svd_gets_the_metrics_of_its_scores(implicit, bench, reference, sample_of):
    toy = bench(implicit, PureSVD(), form="host", hyper=HYPER, history="all")
    runs = [toy.run(sample_of(implicit.split, share), rank=rank) for share, rank in ((1.0, 4), (0.5, 4))]
    for run, outcome in zip(runs, toy.outcomes(*runs), strict=True):
        assert outcome.status == "ok"
        wanted = reference(implicit.split, scores_of(implicit.split, run.sample.rows, 4))
        for name, values in wanted.items():
            assert outcome.metrics[name] == pytest.approx(values.mean(), abs=1e-6), name
        assert outcome.replicates["auc"].shape == (200,)
        assert (outcome.cost.epochs, outcome.cost.samples_processed) == (0, len(run.sample.rows))


class ShrunkMeans:
    """Predicts the mean of the user's history."""

    def fit(self, train, *, hyper, rng):
        return np.float32(train.rating.mean())

    def predict(self, state, query, rows, items):
        count = query.mask.sum(1)
        mean = np.where(count > 0, query.values.sum(1) / np.maximum(count, 1), state)
        return mean[rows] + 0.01 * items


@pytest.mark.parametrize("history", ["full", "sample"])
def test_predicted_ratings_see_the_history_that_the_protocol_gives(history, explicit, bench, sample_of):
    toy = bench(explicit, ShrunkMeans(), form="host", history="all")
    split, sample = explicit.split, sample_of(explicit.split, 0.1)
    (outcome,) = toy.outcomes(toy.run(sample), history=history)
    known = split.train.take(sample.rows) if history == "sample" else split.train
    user = np.concatenate([known.user, split.validation.user])
    total = np.bincount(user, np.concatenate([known.rating, split.validation.rating]), 40)
    count = np.bincount(user, minlength=40)
    mean = np.where(count > 0, total / np.maximum(count, 1), split.train.rating[sample.rows].mean())
    error = mean[split.test.user] + 0.01 * split.test.item - split.test.rating
    assert outcome.metrics["mse"] == pytest.approx(np.mean(error**2), abs=1e-5)
    assert outcome.metrics["mae"] == pytest.approx(np.mean(np.abs(error)), abs=1e-5)


def test_fake_users_come_to_those_that_declare_them(implicit, bench):
    fake = Synthesis(np.ones((3, 30), np.float32), "toy", Budget(3, "users"), 0)
    toy = bench(implicit, PureSVD(), form="host", hyper=HYPER)
    with pytest.raises(ValueError, match="fake users"):
        toy.fit(toy.run(fake))

    class Given:
        def fit(self, train, *, hyper, rng):
            return train

    willing = bench(implicit, Given(), form="host", fake_users=True)
    assert willing.fit(willing.run(fake)).states == [fake]

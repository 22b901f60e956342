"""What is solved in closed form, against NumPy: popularity, means, EASE, neighbours."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from recbench import evaluate
from recbench.contracts.records import Budget, Sample

# --- rankings ---------------------------------------------------------------------------------------------------------


def test_popularity_counts_train_rows(implicit, fitted, scores):
    counts = np.bincount(implicit.train.item, minlength=25)
    np.testing.assert_array_equal(scores(fitted("popularity", implicit)), np.tile(counts, (60, 1)))


@pytest.mark.parametrize("l2", [1.0, 50.0])
def test_ease_is_steck_s_closed_form(l2, implicit, fitted, scores, dense):
    train, history, _ = dense(implicit)
    inverse = np.linalg.inv(train.T @ train + l2 * np.eye(25))
    weights = np.eye(25) - inverse / np.diag(inverse)
    assert np.abs(np.diag(weights)).max() < 1e-12
    np.testing.assert_allclose(scores(fitted("ease", implicit, hyper={"l2": l2})), history @ weights, atol=2e-5)


def cosines(train, shrink):
    """Similarity of every two items, one pair at a time."""
    similarity = np.zeros((25, 25))
    for i, j in product(range(25), range(25)):
        if i != j:
            scale = np.sqrt(np.sum(train[:, i] ** 2)) * np.sqrt(np.sum(train[:, j] ** 2)) + shrink
            similarity[i, j] = train[:, i] @ train[:, j] / scale if scale else 0
    return similarity


@pytest.mark.parametrize(("neighbours", "shrink"), [(100, 0.0), (4, 0.37), (4, 10.0)])
def test_item_neighbours_are_those_of_a_plain_loop(neighbours, shrink, implicit, fitted, scores, dense):
    train, _, known = dense(implicit)
    similarity = cosines(train, shrink)
    wanted = np.zeros((60, 25))
    for i in range(25):
        ranked = np.sort(similarity[i])[::-1]
        least = (
            max(ranked[min(neighbours, 25) - 1], 1e-12) - 1e-9
        )  # of equals all count; a shrinkage leaves no near-equals
        for j in range(25):
            if similarity[i, j] >= least:
                wanted[:, i] += known[:, j] * similarity[i, j]
    found = scores(fitted("item-knn", implicit, hyper={"neighbours": neighbours, "shrink": shrink}))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


# --- ratings ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def thinned(explicit):
    """A sample without any row of user 3 and item 5."""
    train = explicit.train
    return Sample(np.flatnonzero((train.user != 3) & (train.item != 5)), "test", Budget(0.9), 0)


@pytest.mark.parametrize("algorithm", ["global-mean", "user-mean", "item-mean"])
def test_means_of_train_and_the_global_mean_for_the_unseen(algorithm, explicit, thinned, fitted, scores):
    train = explicit.train.take(thinned.rows)
    wanted = np.full((60, 25), train.rating.mean(dtype=np.float64))
    if algorithm == "user-mean":
        for user in np.unique(train.user):
            wanted[user] = train.rating[train.user == user].mean(dtype=np.float64)
    if algorithm == "item-mean":
        for item in np.unique(train.item):
            wanted[:, item] = train.rating[train.item == item].mean(dtype=np.float64)
    one = fitted(algorithm, explicit, sample=thinned)
    np.testing.assert_allclose(scores(one), wanted, rtol=1e-6)
    if algorithm == "user-mean":
        test = explicit.test
        error = wanted[test.user, test.item] - test.rating
        assert evaluate(one)["mse"] == pytest.approx(np.mean(error**2), rel=1e-5)


@pytest.mark.parametrize(("neighbours", "shrink"), [(50, 0.0), (3, 5.0)])
def test_rated_neighbours_pair_by_pair(neighbours, shrink, explicit, fitted, scores, dense):
    train, history, known = dense(explicit)
    count = (train > 0).sum(0)
    overall = explicit.train.rating.mean()
    means = np.where(count > 0, train.sum(0) / np.maximum(count, 1), overall)
    similarity = cosines(np.where(train > 0, train - means, 0), shrink)
    wanted = np.tile(means, (60, 1))
    for user, item in product(range(60), range(25)):
        near = sorted((j for j in np.flatnonzero(known[user]) if similarity[item, j] > 0),
                      key=lambda j: -similarity[item, j])[:neighbours]  # fmt: skip
        weight = sum(similarity[item, j] for j in near)
        if weight > 1e-9:
            wanted[user, item] += sum(similarity[item, j] * (history[user, j] - means[j]) for j in near) / weight
    found = scores(fitted("item-knn-ratings", explicit, hyper={"neighbours": neighbours, "shrink": shrink}))
    np.testing.assert_allclose(found, wanted, atol=1e-4)

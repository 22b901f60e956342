"""What is solved in closed form, against NumPy: popularity, means, EASE."""

from __future__ import annotations

import numpy as np
import pytest
from recbench_algorithms.ease import ByUsers

from recbench import evaluate
from recbench.contracts.records import Budget, Sample, Synthesis

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


@pytest.mark.parametrize(("users", "of_users"), [(12, True), (13, False)])
@pytest.mark.parametrize("l2", [0.1, 50.0])
def test_ease_on_few_fake_users_is_the_same_closed_form(users, of_users, l2, implicit, fitted, scores, dense):
    random = np.random.default_rng(0)
    fake = np.where(random.random((users, 25)) < 0.4, random.random((users, 25)), 0).astype(np.float32)
    found = fitted("ease", implicit, sample=Synthesis(fake, "test", Budget(users, "users"), 0), hyper={"l2": l2})
    assert isinstance(found.engine.states, ByUsers) == of_users
    inverse = np.linalg.inv(fake.T.astype(float) @ fake + l2 * np.eye(25))
    wanted = dense(implicit)[1] @ (np.eye(25) - inverse / np.diag(inverse))
    np.testing.assert_allclose(scores(found), wanted, atol=2e-5 * np.abs(wanted).max())


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

"""What is learned by gradient steps: the least-squares solution of biases, planted structure that is found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from recbench import evaluate, make_split
from recbench.data.frames import frame_dataset


def test_biases_are_the_solution_of_the_normal_equations(explicit, fitted, scores):
    """With all rows in one batch: minimise the sum over rows of (mean + b_u + b_i - r)^2 + l2 (b_u^2 + b_i^2)."""
    none = np.array([], np.int64)
    split = replace(explicit, validation=explicit.validation.take(none), validation_position=none)
    n, l2 = len(split.train), 0.1
    design = np.zeros((n, 60 + 25))
    design[np.arange(n), split.train.user] = design[np.arange(n), 60 + split.train.item] = 1
    mean = split.train.rating.mean(dtype=np.float64)
    target = split.train.rating - mean
    counts = np.diag(design.sum(0))
    bias = np.linalg.solve(design.T @ design + l2 * counts, design.T @ target)
    one = fitted("bias-only", split, hyper={"batch_size": 1024, "l2": l2, "learning_rate": 0.01}, epochs=3000)
    assert one.epochs == 3000
    np.testing.assert_allclose(scores(one), mean + bias[:60, None] + bias[None, 60:], atol=2e-3)


# --- planted structure ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def low_rank():
    """Ratings 3 + <p_u, q_i> of rank 2 with a little noise, 25 items of 50 for each of 200 users."""
    random = np.random.default_rng(0)
    user = np.repeat(np.arange(200), 25)
    item = np.concatenate([random.choice(50, 25, replace=False) for _ in range(200)])
    p, q = random.normal(size=(200, 2)), random.normal(size=(50, 2))
    rating = 3 + (p[user] * q[item]).sum(1) + random.normal(0, 0.1, len(user))
    log = pl.DataFrame({"user": user, "item": item, "rating": rating})
    return make_split(frame_dataset(log, name="low-rank"), feedback="explicit")


def test_factors_find_a_planted_low_rank(low_rank, fitted):
    """The noise has variance 0.01, what means and biases can explain next to nothing of 2."""
    hyper = {"learning_rate": 0.02, "dropout": 0.0, "batch_size": 256}
    error = {name: evaluate(fitted(name, low_rank), metrics=["mse"])["mse"] for name in ("user-mean", "item-mean")}
    error["mf"] = evaluate(fitted("mf", low_rank, hyper=hyper, epochs=80), metrics=["mse"])["mse"]
    assert min(error["user-mean"], error["item-mean"]) > 1
    assert error["mf"] < 0.3


@pytest.fixture(scope="module")
def communities():
    """Four groups of users, each fond of a quarter of 60 items; within it some are more popular."""
    random = np.random.default_rng(1)
    group, kind = np.arange(160) % 4, np.arange(60) % 4
    chance = 1 / (3 + np.arange(60) // 4) * np.where(kind[None, :] == group[:, None], 1, 0.03)
    chance /= chance.sum(1, keepdims=True)
    item = np.concatenate([random.choice(60, 10, replace=False, p=row) for row in chance])
    log = pl.DataFrame({"user": np.repeat(np.arange(160), 10), "item": item})
    return make_split(frame_dataset(log, name="communities"), feedback="implicit")


@pytest.fixture(scope="module")
def implicit_scores(communities, fitted):
    """Popularity, bias-only and MF on the communities."""
    hyper = {"learning_rate": 0.02, "batch_size": 128}
    return {
        "popularity": fitted("popularity", communities),
        "bias-only": fitted("bias-only", communities, hyper=hyper, epochs=60),
        "mf": fitted("mf", communities, hyper={**hyper, "dropout": 0.0}, epochs=60),
    }


def test_factors_find_planted_communities(implicit_scores):
    auc = {name: evaluate(one, metrics=["auc"])["auc"] for name, one in implicit_scores.items()}
    assert auc["popularity"] < 0.75
    assert auc["mf"] > auc["popularity"] + 0.1
    assert auc["bias-only"] == pytest.approx(auc["popularity"], abs=0.05)


def test_biases_learned_pairwise_order_items_by_popularity(implicit_scores, scores):
    learned, counts = (scores(implicit_scores[name])[0] for name in ("bias-only", "popularity"))
    assert spearmanr(learned, counts).statistic > 0.9

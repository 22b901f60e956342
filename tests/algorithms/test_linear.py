"""Linear models of items against limit cases, optimality conditions and other solvers."""

from __future__ import annotations

from itertools import product

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from recbench_algorithms.slim import solve_slim
from scipy.sparse.linalg import svds

from recbench import make_split
from recbench.data.frames import frame_dataset

# --- edlae ------------------------------------------------------------------------------------------------------------


def test_edlae_minimises_the_expected_error_on_dropped_items():
    """Every pattern of dropped items in turn, with its probability: the weights of the scaled inputs that are best."""
    from recbench_algorithms.ease import zero_diagonal_weights

    matrix = (np.random.default_rng(0).random((30, 5)) < 0.5).astype(float)
    gram, dropped = matrix.T @ matrix, 0.3
    wanted = np.zeros((5, 5))
    for target in range(5):
        others = [item for item in range(5) if item != target]
        normal, moment = np.zeros((4, 4)), np.zeros(4)
        for kept in product([0, 1], repeat=4):
            chance = np.prod(np.where(kept, 1 - dropped, dropped))
            seen = matrix[:, others] * np.array(kept)
            normal += chance * seen.T @ seen
            moment += chance * seen.T @ matrix[:, target]
        wanted[others, target] = (1 - dropped) * np.linalg.solve(normal, moment)
    found = zero_diagonal_weights(jnp.asarray(gram), jnp.asarray(dropped / (1 - dropped) * np.diag(gram)))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_edlae_is_its_closed_form(implicit, fitted, scores, dense):
    train, history, _ = dense(implicit)
    gram = train.T @ train
    inverse = np.linalg.inv(gram + np.diag(0.4 / 0.6 * np.diag(gram)) + 7 * np.eye(25))
    wanted = history @ (np.eye(25) - inverse / np.diag(inverse))
    found = scores(fitted("edlae", implicit, hyper={"dropout": 0.4, "l2": 7.0}))
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_edlae_without_dropout_is_ease(implicit, fitted, scores):
    found = scores(fitted("edlae", implicit, hyper={"dropout": 0.0, "l2": 20.0}))
    np.testing.assert_allclose(found, scores(fitted("ease", implicit, hyper={"l2": 20.0})), atol=1e-6)


# --- slim -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("l2", [2.0, 50.0])
def test_slim_without_its_constraints_is_ease(l2, implicit, fitted, scores):
    free = {"l1": 0.0, "l2": l2, "negative": True, "iterations": 100}
    found = scores(fitted("slim", implicit, hyper=free))
    np.testing.assert_allclose(found, scores(fitted("ease", implicit, hyper={"l2": l2})), atol=2e-4)


def coordinate_descent(gram, l1, l2, negative):
    """The elastic net of every item on the others, one weight after the other."""
    weights = np.zeros_like(gram)
    for _ in range(300):
        for i in range(len(gram)):
            rest = gram[i] - gram[i] @ weights + gram[i, i] * weights[i]
            moved = np.maximum(rest - l1, 0) - (np.maximum(-rest - l1, 0) if negative else 0)
            weights[i] = moved / (gram[i, i] + l2)
            weights[i, i] = 0
    return weights


@pytest.mark.parametrize("negative", [False, True])
def test_slim_is_the_elastic_net_of_coordinate_descent(negative, implicit, fitted, scores, dense):
    train, history, _ = dense(implicit)
    wanted = coordinate_descent(train.T @ train, 1.0, 3.0, negative)
    assert 0.1 < (wanted != 0).mean() < 0.9 and (wanted < 0).any() == negative
    hyper = {"l1": 1.0, "l2": 3.0, "negative": negative, "iterations": 150}
    np.testing.assert_allclose(scores(fitted("slim", implicit, hyper=hyper)), history @ wanted, atol=2e-4)


@pytest.mark.parametrize("l2", [0.0, 3.0])
def test_slim_meets_the_conditions_of_optimality(l2, implicit, dense):
    train, _, _ = dense(implicit)
    gram, l1 = train.T @ train, 1.0
    solve = {"l1": jnp.float32(l1), "l2": jnp.float32(l2), "negative": False, "iterations": 300}
    weights = np.asarray(solve_slim(jnp.asarray(gram), **solve), np.float64)
    slope = gram @ weights - gram + l2 * weights + l1
    np.fill_diagonal(slope, 0)
    assert np.abs(np.diag(weights)).max() == 0 and weights.min() == 0
    np.testing.assert_allclose(slope[weights > 0], 0, atol=5e-3)
    assert slope[weights == 0].min() > -5e-3


# --- pure-svd ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide():
    """150 users and 300 items around eight tastes: a Krylov space of 7 blocks does not fill it."""
    random = np.random.default_rng(0)
    chance = np.exp(2.5 * random.normal(size=(150, 8)) @ random.normal(size=(8, 300)) / np.sqrt(8))
    histories = [random.choice(300, 30, replace=False, p=row / row.sum()) for row in chance]
    log = pl.DataFrame({"user": np.repeat(np.arange(150), 30), "item": np.concatenate(histories)})
    return make_split(frame_dataset(log, name="wide"), feedback="implicit")


@pytest.mark.parametrize(("log", "latent"), [("implicit", 4), ("implicit", 12), ("wide", 6)])
def test_pure_svd_projects_on_scipy_s_singular_vectors(log, latent, request, fitted, scores, dense):
    split = request.getfixturevalue(log)
    train, history, _ = dense(split)
    _, _, vectors = svds(train, k=latent, rng=np.random.default_rng(0))
    found = scores(fitted("pure-svd", split, hyper={"latent": latent}))
    np.testing.assert_allclose(found, history @ vectors.T @ vectors, atol=2e-4)


def test_pure_svd_of_full_rank_gives_the_histories(implicit, fitted, scores, dense):
    _, history, _ = dense(implicit)
    np.testing.assert_allclose(scores(fitted("pure-svd", implicit, hyper={"latent": 500})), history, atol=1e-5)

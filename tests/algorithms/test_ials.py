"""iALS against dense solves in NumPy; conjugate gradients against a solver."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recbench_algorithms.conjugate_gradients import solve_rows
from recbench_algorithms.ials import IALS

from recbench import Query, evaluate
from recbench.engine.matrix import DenseMatrix
from recbench.engine.prng import make_key

HYPER = {
    "latent": 4, "l2": 0.02, "unobserved_weight": 0.2, "exponent": 0.7, "iterations": 6, "steps": 5
}  # fmt: skip


def exact(weights: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """One side, row by row: (sum w q q' + alpha0 Q'Q + c I)^-1 sum w q."""
    solved = []
    for row in weights:
        ridge = HYPER["l2"] * (row.sum() + HYPER["unobserved_weight"] * len(fixed)) ** HYPER["exponent"]
        matrix = fixed.T @ (row[:, None] * fixed) + HYPER["unobserved_weight"] * fixed.T @ fixed + ridge * np.eye(4)
        solved.append(np.linalg.solve(matrix, fixed.T @ row))
    return np.array(solved)


def alternated(weights: np.ndarray, key: jax.Array) -> np.ndarray:
    """The items after all iterations."""
    items = 0.1 / 2 * np.asarray(jax.random.normal(key, (weights.shape[1], 4)), np.float64)
    items[weights.sum(0) == 0] = 0
    for _ in range(HYPER["iterations"]):
        items = exact(weights.T, exact(weights, items))
    return items


def test_factors_of_fake_users_are_those_of_exact_solves():
    random = np.random.default_rng(0)
    weights = np.where(random.random((30, 12)) < 0.3, random.random((30, 12)), 0)
    weights[:, 5] = 0
    state = IALS().fit(DenseMatrix(jnp.asarray(weights, jnp.float32)), hyper=HYPER, key=jax.random.key(1))
    np.testing.assert_allclose(state.items, alternated(weights, jax.random.key(1)), atol=1e-4)
    assert not np.asarray(state.items)[5].any()


def test_scores_are_one_exact_solve_of_the_history(implicit, fitted, scores, dense):
    train, history, _ = dense(implicit)
    one = fitted("ials", implicit, hyper=HYPER)
    items = alternated(train, make_key(one.engine.replicas.key[0]))
    np.testing.assert_allclose(scores(one), exact(history, items) @ items.T, atol=1e-4)


def test_a_repeated_item_counts_twice_and_no_history_scores_nothing():
    items = np.random.default_rng(0).normal(size=(6, 4))
    train = DenseMatrix(jnp.eye(6))
    state = IALS().fit(train, hyper=HYPER, key=jax.random.key(0))._replace(
        items=jnp.asarray(items, jnp.float32), gram=jnp.asarray(items.T @ items, jnp.float32)
    )  # fmt: skip
    history = jnp.array([[2, 3, 2], [0, 0, 0]], jnp.int32)
    real = jnp.array([[True, True, True], [False, False, False]])
    query = Query(jnp.array([-1, -1], jnp.int32), history, real.astype(jnp.float32), real, 6)
    wanted = exact(np.array([[0, 0, 2, 1, 0, 0], [0] * 6]), items) @ items.T
    np.testing.assert_allclose(IALS().score(state, query), wanted, atol=1e-4)
    assert not wanted[1].any()


def test_the_diagonal_of_a_checkerboard_comes_first(checkerboard, fitted):
    one = fitted("ials", checkerboard, hyper={"latent": 8, "l2": 0.001})
    assert evaluate(one, metrics=["auc", "ndcg@10"]) == dict.fromkeys(["auc", "ndcg@10"], pytest.approx(1))


# --- conjugate gradients ----------------------------------------------------------------------------------------------


@pytest.fixture
def systems():
    random = np.random.default_rng(3)
    roots = random.normal(size=(7, 5, 5))
    return roots @ roots.transpose(0, 2, 1) + 0.5 * np.eye(5), random.normal(size=(7, 5))


def solve(matrices, right, inverse, steps):
    matrices, right, inverse = (jnp.asarray(array, jnp.float32) for array in (matrices, right, inverse))
    return solve_rows(
        lambda x: jnp.einsum("nij,nj->ni", matrices, x), right, jnp.zeros_like(right), inverse=inverse, steps=steps
    )


def test_as_many_steps_as_unknowns_solve(systems):
    matrices, right = systems
    right[2] = 0
    found = solve(matrices, right, np.linalg.inv(matrices.mean(0)), 5)
    np.testing.assert_allclose(found, np.linalg.solve(matrices, right[..., None])[..., 0], atol=2e-3)
    assert not np.asarray(found)[2].any()


def test_the_inverse_of_the_matrix_itself_solves_in_one_step(systems):
    matrices, right = np.repeat(systems[0][:1], 7, axis=0), systems[1]
    found = solve(matrices, right, np.linalg.inv(matrices[0]), 1)
    np.testing.assert_allclose(found, np.linalg.solve(matrices, right[..., None])[..., 0], atol=1e-4)

"""LightGCN against the dense normalised adjacency matrix in NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from recbench_algorithms.lightgcn import GraphModule, propagate

from recbench import ModelShape, PairsBatch, Query, StepContext, evaluate
from recbench.engine.matrix import DenseMatrix

NUM_USERS, NUM_ITEMS = 9, 6


@pytest.fixture(scope="module")
def adjacency() -> np.ndarray:
    """0/1 [users, items]; user 2 and item 4 have no edge."""
    matrix = (np.random.default_rng(0).random((NUM_USERS, NUM_ITEMS)) < 0.5).astype(float)
    matrix[2], matrix[:, 4] = 0, 0
    return matrix


@pytest.fixture(scope="module")
def tables() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    return random.normal(size=(NUM_USERS, 3)), random.normal(size=(NUM_ITEMS, 3))


def propagated(adjacency, users, items, layers):
    """(I + N + ... + N^K) / (K + 1) of users and items in one table, N = D^-1/2 [[0, A], [A', 0]] D^-1/2."""
    size = sum(adjacency.shape)
    whole = np.zeros((size, size))
    whole[: len(adjacency), len(adjacency) :] = adjacency
    whole += whole.T
    root = np.sqrt(np.maximum(whole.sum(1), 1))
    normalised = whole / root[:, None] / root[None, :]
    total = sum(np.linalg.matrix_power(normalised, layer) for layer in range(layers + 1)) / (layers + 1)
    smooth = total @ np.concatenate([users, items])
    return smooth[: len(adjacency)], smooth[len(adjacency) :]


def on_device(*arrays):
    return tuple(jnp.asarray(array, jnp.float32) for array in arrays)


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_propagation_is_that_of_the_dense_matrix(layers, adjacency, tables):
    found = propagate(DenseMatrix(*on_device(adjacency)), *on_device(*tables), layers=layers)
    for one, wanted in zip(found, propagated(adjacency, *tables, layers), strict=True):
        np.testing.assert_allclose(one, wanted, atol=1e-5)


@pytest.fixture(scope="module")
def module(tables):
    shape = ModelShape(NUM_USERS, NUM_ITEMS, "implicit", jnp.float32(1))
    module = GraphModule(shape, latent=3, layers=2, key=jax.random.key(0))
    users, items = on_device(*tables)
    graphdef, state = nnx.split(module)
    state["users"][...], state["items"][...] = users, items
    return nnx.merge(graphdef, state)


@pytest.fixture(scope="module")
def context(adjacency):
    matrix = DenseMatrix(*on_device(adjacency))
    return StepContext({"l2": jnp.float32(0.3)}, jax.random.key(0), matrix, jnp.int32(0), jnp.int32(1))


def test_loss_is_bpr_on_propagated_scores_with_l2_on_what_is_learned(module, context, adjacency, tables):
    users, items, negatives = np.array([0, 5]), np.array([1, 3]), np.array([[2, 5], [0, 0]])
    smooth_users, smooth_items = propagated(adjacency, *tables, 2)
    scores = smooth_users @ smooth_items.T
    margins = scores[users, items][:, None] - scores[users[:, None], negatives]
    squares = [(tables[0][users] ** 2).sum(1), (tables[1][items] ** 2).sum(1), (tables[1][negatives] ** 2).sum((1, 2))]
    wanted = np.log1p(np.exp(-margins)).mean(1) + 0.15 * sum(squares)
    batch = PairsBatch(*(jnp.asarray(ids, jnp.int32) for ids in (users, items, negatives)), jnp.ones(2, bool))
    np.testing.assert_allclose(module.loss(batch, context), wanted, rtol=1e-5)


def test_gradient_reaches_what_is_two_edges_away(module, context, adjacency):
    """The derivative of the propagation is the propagation itself: it is linear and symmetric."""

    def total(users):
        return propagate(context.train, users, jnp.zeros((NUM_ITEMS, 3)), layers=2)[0][0].sum()

    gradient = np.asarray(jax.grad(total)(jnp.zeros((NUM_USERS, 3))))
    first = np.eye(NUM_USERS)[:1].T @ np.ones((1, 3))
    np.testing.assert_allclose(gradient, propagated(adjacency, first, np.zeros((NUM_ITEMS, 3)), 2)[0], atol=1e-6)


def test_finished_module_scores_with_propagated_embeddings(module, context, adjacency, tables):
    finished = module.finish(context)
    empty = jnp.zeros((3, 0), jnp.int32)
    query = Query(jnp.array([4, -1, 2], jnp.int32), empty, empty.astype(jnp.float32), empty.astype(bool), NUM_ITEMS)
    smooth_users, smooth_items = propagated(adjacency, *tables, 2)
    wanted = np.stack([smooth_users[4], np.zeros(3), smooth_users[2]]) @ smooth_items.T
    np.testing.assert_allclose(finished.score(query), wanted, atol=1e-5)
    rows, items = jnp.array([0, 2, 1], jnp.int32), jnp.array([3, 1, 1], jnp.int32)
    np.testing.assert_allclose(finished.predict(query, rows, items), wanted[rows, items], atol=1e-5)


def test_the_diagonal_of_a_checkerboard_comes_first(checkerboard, fitted):
    hyper = {"latent": 8, "learning_rate": 0.02, "batch_size": 64}
    one = fitted("lightgcn", checkerboard, hyper=hyper)
    assert evaluate(one, metrics=["auc", "ndcg@10"]) == dict.fromkeys(["auc", "ndcg@10"], pytest.approx(1))

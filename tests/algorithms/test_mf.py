"""The losses of biases and factors against their formulas in NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from recbench_algorithms.bias_only import BiasModule
from recbench_algorithms.mf import FactorModule

from recbench import ModelShape, PairsBatch, RatingsBatch, StepContext

MEAN, L2 = 3.5, 0.3
USERS, ITEMS, RATINGS = np.array([0, 4, 4]), np.array([1, 3, 0]), np.array([5.0, 1.0, 2.0])
NEGATIVES = np.array([[2, 5], [0, 0], [4, 1]])


def filled(module):
    random = np.random.default_rng(0)
    graphdef, state, rest = nnx.split(module, nnx.Param, ...)
    state = jax.tree.map(lambda leaf: jnp.asarray(random.normal(0, 0.5, leaf.shape), jnp.float32), state)
    return nnx.merge(graphdef, state, rest)


@pytest.fixture(scope="module", params=["bias-only", "mf"])
def module(request):
    shape = ModelShape(7, 6, "explicit", jnp.float32(MEAN))
    return filled(
        BiasModule(shape) if request.param == "bias-only" else FactorModule(shape, latent=3, key=jax.random.key(0))
    )


@pytest.fixture(scope="module")
def tables(module):
    """Biases with factors, [users, 1 + latent] and [items, 1 + latent]; bias-only has none of the latter."""
    sides = []
    for side in ("user", "item"):
        bias = np.asarray(getattr(module, f"{side}_bias")[...], np.float64)[:, None]
        factors = getattr(module, f"{side}_factors")[...] if hasattr(module, "user_factors") else bias[:, :0]
        sides.append(np.concatenate([bias, np.asarray(factors, np.float64)], axis=1))
    return sides


@pytest.fixture(scope="module")
def context():
    hyper = {"l2": jnp.float32(L2), "dropout": jnp.float32(0)}
    return StepContext(hyper, jax.random.key(0), None, jnp.int32(0), jnp.int32(1))


def ids(*arrays):
    return tuple(jnp.asarray(array, jnp.int32) for array in arrays)


def test_loss_of_ratings(module, tables, context):
    users, items = tables
    prediction = MEAN + users[:, :1] + items[:, 0] + users[:, 1:] @ items[:, 1:].T
    wanted = (prediction[USERS, ITEMS] - RATINGS) ** 2
    wanted += L2 * ((users[USERS] ** 2).sum(1) + (items[ITEMS] ** 2).sum(1))
    batch = RatingsBatch(*ids(USERS, ITEMS), jnp.asarray(RATINGS, jnp.float32), jnp.ones(3, bool))
    np.testing.assert_allclose(module.loss(batch, context), wanted, rtol=1e-5)


def test_loss_of_pairs(module, tables, context):
    """The user's bias is in no difference of scores, and in no penalty."""
    users, items = tables
    scores = items[:, 0] + users[:, 1:] @ items[:, 1:].T
    margins = scores[USERS, ITEMS][:, None] - scores[USERS[:, None], NEGATIVES]
    penalty = (users[USERS, 1:] ** 2).sum(1) + (items[ITEMS] ** 2).sum(1) + (items[NEGATIVES] ** 2).sum((1, 2))
    wanted = np.log1p(np.exp(-margins)).mean(1) + L2 * penalty
    np.testing.assert_allclose(
        module.loss(PairsBatch(*ids(USERS, ITEMS, NEGATIVES), jnp.ones(3, bool)), context), wanted, rtol=1e-5
    )

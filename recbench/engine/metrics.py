"""The metrics of METHODS, section 2, as functions of where the test items ended up in the full ranking.

Source of the definitions: Sachdeva, Wu, McAuley, WSDM 2022, section 4; propensities: Jain, Prabhu, Varma, KDD 2016.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from recbench.contracts.batches import RankedTest


def auc(test: RankedTest, k: int | None) -> Array:
    """Mean over test items of the share of the user's negatives ranked below; ties count one half. Shape [users]."""
    return _mean(test.outranked, test)


def hr(test: RankedTest, k: int | None) -> Array:
    """Hits within the first k over min(test items, k): a truncated recall. Shape [users]."""
    return _hits(test, k).sum(1) / _reachable(test, k)


def ndcg(test: RankedTest, k: int | None) -> Array:
    """DCG over ideal DCG, gain 1, discount 1/log2(position + 1). Shape [users]."""
    gain = _hits(test, k) / jnp.log2(test.rank.astype(jnp.float32) + 2)
    positions = jnp.arange(test.rank.shape[1], dtype=jnp.float32)[None, :]
    ideal = jnp.where(positions < _reachable(test, k)[:, None], 1 / jnp.log2(positions + 2), 0).sum(1)
    return gain.sum(1) / jnp.maximum(ideal, 1)


def psp(test: RankedTest, k: int | None) -> Array:
    """Inverse-propensity sum of the hits over the largest that k of the user's test items can reach. Shape [users]."""
    weight = jnp.where(test.mask, test.weight, 0)
    positions = jnp.arange(weight.shape[1])[None, :]
    best = jnp.where(positions < _cutoff(k), -jnp.sort(-weight, axis=1), 0).sum(1)
    return (_hits(test, k) * weight).sum(1) / jnp.maximum(best, 1e-12)


def mse(prediction: Array, rating: Array) -> Array:
    """(prediction - rating)^2 of each row."""
    return jnp.square(prediction - rating)


def mae(prediction: Array, rating: Array) -> Array:
    """|prediction - rating| of each row."""
    return jnp.abs(prediction - rating)


def _hits(test: RankedTest, k: int | None) -> Array:
    return ((test.rank < _cutoff(k)) & test.mask).astype(jnp.float32)


def _reachable(test: RankedTest, k: int | None) -> Array:
    return jnp.clip(test.count, 1, _cutoff(k)).astype(jnp.float32)


def _mean(values: Array, test: RankedTest) -> Array:
    return jnp.where(test.mask, values, 0).sum(1) / jnp.maximum(test.count, 1).astype(jnp.float32)


def _cutoff(k: int | None) -> int:
    return 2**30 if k is None else k

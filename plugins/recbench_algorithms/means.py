"""Means of ratings: the global mean, each user's, each item's. The floor under every rating predictor.

A user or item without a train rating gets the global mean.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix


class GlobalMean:
    """prediction(u, i) = mean rating of train."""

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array) -> Array:
        return _mean(train.value.sum(), train.mask.sum())

    def predict(self, state: Array, query: Query, rows: Array, items: Array) -> Array:
        return jnp.full(rows.shape, state)

    def score(self, state: Array, query: Query) -> Array:
        return jnp.full((query.users.shape[0], query.num_items), state)


class UserMean:
    """prediction(u, i) = mean train rating of u."""

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array) -> tuple[Array, Array]:
        overall = _mean(train.value.sum(), train.mask.sum())
        return overall, _mean(train.user_sums(train.value), train.user_sums(jnp.ones_like(train.value)), overall)

    def predict(self, state: tuple[Array, Array], query: Query, rows: Array, items: Array) -> Array:
        return self._user(state, query)[rows]

    def score(self, state: tuple[Array, Array], query: Query) -> Array:
        return jnp.broadcast_to(self._user(state, query)[:, None], (query.users.shape[0], query.num_items))

    def _user(self, state: tuple[Array, Array], query: Query) -> Array:
        overall, means = state
        return jnp.where(query.users >= 0, means[jnp.maximum(query.users, 0)], overall)


class ItemMean:
    """prediction(u, i) = mean train rating of i."""

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array) -> Array:
        return item_means(train)

    def predict(self, state: Array, query: Query, rows: Array, items: Array) -> Array:
        return state[items]

    def score(self, state: Array, query: Query) -> Array:
        return jnp.broadcast_to(state[None, :], (query.users.shape[0], query.num_items))


def item_means(train: TrainMatrix) -> Array:
    """Mean train rating of each item, the global mean where it has none, float32 [num_items]."""
    overall = _mean(train.value.sum(), train.mask.sum())
    return _mean(train.item_sums(train.value), train.item_sums(jnp.ones_like(train.value)), overall)


def _mean(total: Array, count: Array, otherwise: Array | float = 0.0) -> Array:
    count = count.astype(jnp.float32)
    return jnp.where(count > 0, total / jnp.maximum(count, 1), otherwise)

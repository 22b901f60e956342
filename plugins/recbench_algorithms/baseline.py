"""Baselines of ratings: the mean plus what a user and an item deviate from it, each damped.

b_ui = mean + b_u + b_i with b_i = sum of (r_ui - mean - b_u) / (n_i + damping), and b_u likewise, in turn.
Source: Koren, Factor in the Neighbors, TKDD 2010, section 2.1; sweeps to the joint solution as in the library Surprise.
Means of users or items alone are the case in which the other side is damped without end.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Query, TrainMatrix

_SWEEPS = 10


class Baseline(NamedTuple):
    """What is known of every user and item."""

    mean: Array  # scalar
    users: Array  # b_u, float32 [num_users]
    items: Array  # b_i, float32 [num_items]
    damping: Array  # of b_u, scalar

    def deviations(self, values: Array, user_bias: Array, items: Array) -> Array:
        """What ratings are above the baseline; all of one shape."""
        return values - self.mean - user_bias - self.items[items]

    def user_bias(self, query: Query) -> Array:
        """b_u of the users of a query from their histories, float32 [users]."""
        above = jnp.where(query.mask, query.values - self.mean - self.items[query.items], 0)
        return _damped(above.sum(1), query.mask.sum(1).astype(jnp.float32), self.damping)


def fit_baseline(train: TrainMatrix, *, centre: str, damping: float) -> Baseline:
    """The baseline of the train ratings.

    Args:
      train: the ratings.
      centre: ``baseline``, or ``user-mean`` or ``item-mean``, which are not damped.
      damping: ratings of no deviation that are added to those of each user and item.
    """
    by_user, by_item = {
        "baseline": (damping, damping),
        "user-mean": (0.0, jnp.inf),
        "item-mean": (jnp.inf, 0.0),
    }[centre]
    ones = jnp.ones_like(train.value)
    per_user, per_item = train.user_sums(ones), train.item_sums(ones)
    mean = train.value.sum() / jnp.maximum(per_user.sum(), 1)
    above = jnp.where(train.mask, train.value - mean, 0)
    user = jnp.minimum(train.user, train.num_users - 1)

    def sweep(_: Array, biases: tuple[Array, Array]) -> tuple[Array, Array]:
        users, _ = biases
        items = _damped(train.item_sums(above - users[user]), per_item, by_item)
        return _damped(train.user_sums(above - items[train.item]), per_user, by_user), items

    start = (jnp.zeros(train.num_users), jnp.zeros(train.num_items))
    users, items = jax.lax.fori_loop(0, _SWEEPS, sweep, start)
    return Baseline(mean, users, items, jnp.float32(by_user))


def _damped(total: Array, count: Array, damping: Array | float) -> Array:
    return total / jnp.maximum(count + damping, 1e-9)

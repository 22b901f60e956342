"""A Markov chain of items: what followed the last items of the history, by counting.

score(u, i) = sum over the last ``length`` items j of u's history of w(j, i) / d_j, d_j = 1 for the very last, 2 for the
one before; w(j, i) = n_ji / (n_j^alpha n_i^beta), n_ji the sum of 1/d over the train pairs in which i stands d places,
at most ``window``, after j in a history, n_j the train rows of j. alpha = 1 and beta = 0 are transition probabilities,
both 1/2 a cosine.
Source: Rendle, Freudenthaler, Schmidt-Thieme, WWW 2010, section 3 (length and window 1); Ludewig and Jannach, UMUAI
2018, sequential rules (window and weights 1/d).
Grid: window 1, 3, 10; length 1, 10, 50; alpha 0.8, 1; beta 0, 0.2.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix


class Markov:
    """State: the weights w, float32 [num_items (before), num_items (after)]."""

    def prepare(self, train: TrainMatrix, *, hyper: Hyper) -> Array:
        """n_ji, float32 [num_items (before), num_items (after)]."""
        place, last = jnp.arange(len(train.user)), len(train.user) - 1

        def add(distance: Array, total: Array) -> Array:
            later = jnp.minimum(place + distance, last)
            follows = train.mask[later] & (train.user[later] == train.user) & (place + distance <= last)
            weight = jnp.where(follows, 1 / distance.astype(jnp.float32), 0)
            return total.at[train.item, train.item[later]].add(weight)

        nothing = jnp.zeros((train.num_items, train.num_items))
        return jax.lax.fori_loop(1, hyper["window"] + 1, add, nothing)

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array, prepared: Array) -> Array:
        counts = jnp.maximum(train.item_sums(train.value), 1)
        return prepared / (counts ** hyper["alpha"])[:, None] / (counts ** hyper["beta"])[None, :]

    def score(self, state: Array, query: Query) -> Array:
        length = query.mask.sum(axis=1, keepdims=True)
        back = length - jnp.arange(query.items.shape[1])[None, :]
        weight = jnp.where(query.mask, 1 / jnp.maximum(back, 1).astype(jnp.float32), 0)
        user = jnp.arange(len(query.users))[:, None]
        recent = jnp.zeros((len(query.users), query.num_items)).at[user, query.items].add(weight)
        return jnp.matmul(recent, state, precision="highest")

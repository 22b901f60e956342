"""Popularity: every user gets the items with most train interactions.

Source: the standard baseline; PopRec of Sachdeva, Wu, McAuley, WSDM 2022, section 4.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix


class Popularity:
    """score(u, i) = number of train interactions of i."""

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array) -> Array:
        return train.item_sums(train.value)

    def score(self, state: Array, query: Query) -> Array:
        return jnp.broadcast_to(state[None, :], (query.users.shape[0], query.num_items))

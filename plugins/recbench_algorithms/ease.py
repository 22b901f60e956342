"""EASE: a linear item-item model with zero diagonal, in closed form.

B = I - P diag(1/P_ii) off the diagonal with P = (X'X + l2 I)^-1; scores are X B.
Source: Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, equation 8.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix


class EASE:
    """State: the weights B, float32 [num_items, num_items]."""

    def prepare(self, train: TrainMatrix, *, hyper: Hyper) -> Array:
        return train.gram()

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array, prepared: Array) -> Array:
        identity = jnp.eye(train.num_items)
        factor = jax.scipy.linalg.cho_factor(prepared + hyper["l2"] * identity, lower=True)
        inverse = jax.scipy.linalg.cho_solve(factor, identity)
        return jnp.where(identity > 0, 0, -inverse / jnp.diagonal(inverse)[None, :])

    def score(self, state: Array, query: Query) -> Array:
        return jnp.matmul(query.dense(), state, precision="highest")

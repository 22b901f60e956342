"""EDLAE: a full-rank linear autoencoder trained to denoise dropped items, in closed form.

Every item of a user is dropped with probability p, and only what was dropped must be predicted (a = 1, b = 0): in
expectation the least squares of EASE with the ridge of item i raised by p/(1 - p) (X'X)_ii.
B = I - C diag(1/C_ii) with C = (X'X + p/(1 - p) diag(X'X) + l2 I)^-1; scores are X B.
Source: Steck, Autoencoders that don't overfit towards the Identity, NeurIPS 2020, equations 5 to 10 with full rank.
Grid: dropout 0.2 to 0.7, l2 100 to 1000.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix
from recbench_algorithms.ease import zero_diagonal_weights


class EDLAE:
    """State: the weights B, float32 [num_items, num_items]."""

    def prepare(self, train: TrainMatrix, *, hyper: Hyper) -> Array:
        return train.gram()

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array, prepared: Array) -> Array:
        odds = hyper["dropout"] / (1 - hyper["dropout"])
        return zero_diagonal_weights(prepared, odds * jnp.diagonal(prepared) + hyper["l2"])

    def score(self, state: Array, query: Query) -> Array:
        return jnp.matmul(query.dense(), state, precision="highest")

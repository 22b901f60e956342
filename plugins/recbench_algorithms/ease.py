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
        return zero_diagonal_weights(prepared, jnp.full(train.num_items, hyper["l2"]))

    def score(self, state: Array, query: Query) -> Array:
        return jnp.matmul(query.dense(), state, precision="highest")


def zero_diagonal_weights(gram: Array, ridge: Array) -> Array:
    """The B of smallest |X - X B|^2 + sum of ridge_i B_ij^2 with a diagonal of zeros, float32 [num_items, num_items].

    Args:
      gram: X'X, [num_items, num_items].
      ridge: positive, [num_items].
    """
    inverse = inverse_of(gram + jnp.diag(ridge))
    return jnp.where(jnp.eye(len(gram), dtype=bool), 0, -inverse / jnp.diagonal(inverse)[None, :])


def inverse_of(matrix: Array) -> Array:
    """The inverse of a positive definite matrix, by Cholesky."""
    factor = jax.scipy.linalg.cho_factor(matrix, lower=True)
    return jax.scipy.linalg.cho_solve(factor, jnp.eye(len(matrix)))

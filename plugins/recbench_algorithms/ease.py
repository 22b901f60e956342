"""EASE: a linear item-item model with zero diagonal, in closed form.

B = I - P diag(1/P_ii) off the diagonal with P = (X'X + l2 I)^-1; scores are X B.
Source: Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, equation 8.

Where users are less than half as many as items, as fake ones are, P is never made: by the matrix inversion lemma
l2 P = I - X'W with W = (XX' + l2 I)^-1 X, so that scores of a history h are (h X'W - h (1 - d)) / d, d = l2 diag(P).
That takes users x items of memory instead of items^2, and users^2 items operations instead of items^3.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix

_matmul = partial(jnp.matmul, precision="highest")


class ByUsers(NamedTuple):
    """B by way of the rows of a few users, of which it is made."""

    rows: Array  # X, float32 [num_users, num_items]
    weights: Array  # W, float32 [num_users, num_items]
    held: Array  # 1 - d, float32 [num_items]


class EASE:
    """State: the weights B, float32 [num_items, num_items]; of few users :class:`ByUsers`."""

    def prepare(self, train: TrainMatrix, *, hyper: Hyper) -> Array:
        if not _few_users(train):
            return train.gram()
        rows = train.rows(0, train.num_users)
        return _matmul(rows, rows.T)

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array, prepared: Array) -> Array | ByUsers:
        if not _few_users(train):
            return zero_diagonal_weights(prepared, jnp.full(train.num_items, hyper["l2"]))
        rows = train.rows(0, train.num_users)
        factor = jax.scipy.linalg.cho_factor(prepared + hyper["l2"] * jnp.eye(len(rows)), lower=True)
        weights = jax.scipy.linalg.cho_solve(factor, rows)
        return ByUsers(rows, weights, (rows * weights).sum(axis=0))

    def score(self, state: Array | ByUsers, query: Query) -> Array:
        history = query.dense()
        if not isinstance(state, ByUsers):
            return _matmul(history, state)
        held = state.held[None, :]
        return (_matmul(_matmul(history, state.rows.T), state.weights) - history * held) / (1 - held)


def _few_users(train: TrainMatrix) -> bool:
    return 2 * train.num_users < train.num_items


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

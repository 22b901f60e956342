"""Conjugate gradients for many small systems at once, one a row: what alternating least squares is made of."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

_TINY = 1e-30


def solve_rows(
    apply: Callable[[Array], Array], right: Array, start: Array, *, inverse: Array, steps: int | Array
) -> Array:
    """Approximate solutions x of A_n x = b_n for every row n, each A_n symmetric and positive definite.

    Args:
      apply: sends rows x_n to A_n x_n, float32 [rows, d] to [rows, d].
      right: the b_n, float32 [rows, d]. A row of zeros whose start is zero stays zero.
      start: where to begin, float32 [rows, d].
      inverse: the preconditioner, an inverse of what the A_n are like, float32 [d, d].
      steps: how many; d of them solve exactly but for rounding.

    Source: Hestenes, Stiefel, 1952; for alternating least squares Takacs, Pilaszy, Tikk, RecSys 2011. One
    preconditioner for all systems is not in these: it makes each step worth about two (measured on MovieLens-1M).
    """

    def step(_: Array, state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        x, residual, direction, energy = state
        applied = apply(direction)
        length = _quotient(energy, _inner(direction, applied))
        x, residual = x + length * direction, residual - length * applied
        scaled = _times(residual, inverse)
        after = _inner(residual, scaled)
        return x, residual, scaled + _quotient(after, energy) * direction, after

    residual = right - apply(start)
    direction = _times(residual, inverse)
    return jax.lax.fori_loop(0, steps, step, (start, residual, direction, _inner(residual, direction)))[0]


def _times(rows: Array, matrix: Array) -> Array:
    return jnp.matmul(rows, matrix, precision="highest")


def _inner(x: Array, y: Array) -> Array:
    return jnp.sum(x * y, axis=1, keepdims=True)


def _quotient(x: Array, y: Array) -> Array:
    return x / jnp.maximum(y, _TINY)

"""Kernel ridge regression on a device: weights for a ridge, and what they predict."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax import Array
from numpy.typing import NDArray

TOLERANCE = 1e-3
"""Largest residual that float32 may leave, in units of the largest target; beyond it, float64 solves the equations."""
_CHECKED = 32  # columns
_SMALLEST = 256

Found = TypeVar("Found")


def of_first(count: Array, size: int, compute: Callable[[int], Found]) -> Found:
    """``compute(n)`` of an n that is at least ``count``, an int32 scalar of the device, and less than twice of it.

    Shapes are those of all users whatever a sample keeps: what is cubic in their number would take as long on ten users
    as on all. A program for each of size, size / 2, size / 4, ... is compiled, and the smallest that holds them runs.
    """
    sizes = [size]
    while sizes[-1] > _SMALLEST:
        sizes.append(-(-sizes[-1] // 2))
    enough = (jnp.asarray(sizes) >= count).sum() - 1
    return jax.lax.switch(enough, [partial(compute, each) for each in sizes])


def weights(kernel: Array, targets: Array, ridge: Array, count: Array | None = None) -> Array:
    """W of (K + ridge I) W = Y, float32 [n, m]; not finite where K + ridge I is singular.

    On the rows it was fitted to, the prediction K W is Y - ridge W: no further product is needed. Several ridges are
    solved in turn: side by side, each would be solved in double precision too, whether it needs that or not.

    Args:
      kernel: K, float32 [n, n], positive semi-definite.
      targets: Y, float32 [n, m].
      ridge: scalar.
      count: int32 scalar; rows from there on are zero but for the diagonal, in the targets too. None: there are none.
    """
    return _weights(kernel, targets, ridge, jnp.asarray(len(kernel)) if count is None else count)


@jax.custom_batching.sequential_vmap
def _weights(kernel: Array, targets: Array, ridge: Array, count: Array) -> Array:
    size = len(kernel)

    def solved(first: int) -> Array:
        found = _solved(kernel[:first, :first], targets[:first], ridge)
        return jnp.pad(found, ((0, size - first), (0, 0)))

    return of_first(count, size, solved)


def _solved(kernel: Array, targets: Array, ridge: Array) -> Array:
    lifted = kernel + ridge * jnp.eye(len(kernel), dtype=kernel.dtype)
    found = jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(lifted), True), targets)
    # Cholesky's factor is not finite where rounding made a pivot negative; the residual is then not either.
    left = _residual(lifted, found, targets)
    return jax.lax.cond(left <= TOLERANCE, lambda: found, lambda: _solved_in_double(lifted, targets))


def _residual(matrix: Array, found: Array, targets: Array) -> Array:
    """Of some columns, evenly spread: a product with all of them would take as long as the solution."""
    step = -(-targets.shape[1] // _CHECKED)
    product = jnp.matmul(matrix, found[:, ::step], precision="highest")
    return jnp.abs(product - targets[:, ::step]).max() / jnp.maximum(jnp.abs(targets).max(), 1e-30)


def _solved_in_double(matrix: Array, targets: Array) -> Array:
    shape = jax.ShapeDtypeStruct(targets.shape, targets.dtype)
    return jax.pure_callback(_solve_in_double, shape, matrix, targets, vmap_method="sequential")


def _solve_in_double(matrix: Array, targets: Array) -> NDArray[np.float32]:
    double, wanted = (np.asarray(each, dtype=np.float64) for each in (matrix, targets))
    try:
        return scipy.linalg.solve(double, wanted, assume_a="pos").astype(np.float32)
    except (np.linalg.LinAlgError, ValueError):  # singular, or not finite
        return np.full(wanted.shape, np.nan, np.float32)

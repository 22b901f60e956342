"""Kernel ridge regression on a device: weights for a ridge, and what they predict."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax import Array
from numpy.typing import NDArray

TOLERANCE = 1e-3
"""Largest residual that float32 may leave, in units of the largest target; beyond it, float64 solves the equations."""
_CHECKED = 32  # columns


@jax.custom_batching.sequential_vmap
def weights(kernel: Array, targets: Array, ridge: Array) -> Array:
    """W of (K + ridge I) W = Y, float32 [n, m]; not finite where K + ridge I is singular.

    On the rows it was fitted to, the prediction K W is Y - ridge W: no further product is needed. Several ridges are
    solved in turn: side by side, each would be solved in double precision too, whether it needs that or not.

    Args:
      kernel: K, float32 [n, n], positive semi-definite.
      targets: Y, float32 [n, m].
      ridge: scalar.
    """
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

"""The kernels of an infinitely wide autoencoder: fully connected, ReLU, in the parameterisation of the NTK.

With inputs scaled by 1 / sqrt(num_items), the covariance S of a layer and the tangent kernel T start as
S = T = w <x, y> / num_items + b, w and b the variances of weights and biases. Each hidden layer, with
c = S(x, y) / sqrt(S(x, x) S(y, y)) and a = arccos c, makes of them

  S <- w sqrt(S(x, x) S(y, y)) (sin a + (pi - a) c) / (2 pi) + b,    T <- S + w (pi - a) / (2 pi) T.

Source: Cho, Saul, NIPS 2009, section 2 (the expectations over ReLU); Jacot, Gabriel, Hongler, NeurIPS 2018, theorem 1;
for autoencoders of users: Sachdeva et al., Infinite Recommendation Networks, NeurIPS 2022, section 3.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

_ANGLE = (
    1.5707963050, -0.2145988016, 0.0889789874, -0.0501743046, 0.0308918810, -0.0170881256, 0.0066700901, -0.0012624911,
)  # fmt: skip
"""arccos(x) / sqrt(1 - x) on [0, 1] as a polynomial, to 2e-8: Abramowitz, Stegun, equation 4.4.46."""


class Network(NamedTuple):
    """What the kernels are of."""

    depth: int = 1  # hidden layers
    weight_variance: float = 2.0  # W_std squared
    bias_variance: float = 0.01  # b_std squared


class Kernels(NamedTuple):
    """Of the network's output for two lots of inputs, or of each input with itself."""

    covariance: Array  # over networks as they are drawn (NNGP)
    tangent: Array  # of the gradients in the parameters (NTK)


def kernels(products: Array, left: Array, right: Array, *, num_items: int, network: Network) -> Kernels:
    """Between n and m inputs, float32 [n, m] each. Gradients are finite where two inputs are the same.

    Args:
      products: inner products, float32 [n, m].
      left: squared lengths of the n, float32 [n].
      right: squared lengths of the m, float32 [m].
      num_items: length of an input.
    """
    depth, weight, bias = network
    covariance, rows, columns = (weight * each / num_items + bias for each in (products, left, right))
    tangent = covariance
    for _ in range(depth):
        # The root of the product, not the product of the roots: of equal inputs it is exact, and their cosine is 1. One
        # that rounds to 1 - 1e-7 would have an angle of 4e-4.
        scale = jnp.sqrt(rows[:, None] * columns[None, :])
        cosine = covariance / scale
        covariance = weight * scale * rectified_product(cosine) + bias
        tangent = covariance + weight * both_active(cosine) * tangent
        rows, columns = (weight * each / 2 + bias for each in (rows, columns))
    return Kernels(covariance, tangent)


def tangents(rows: Array, others: Array, network: Network) -> Array:
    """The tangent kernel between the rows of two matrices, float32 [rows, others].

    Args:
      rows: float32 [rows, num_items].
      others: float32 [others, num_items].
    """
    products = jnp.matmul(rows, others.T, precision="highest")
    squares = [jnp.square(each).sum(axis=1) for each in (rows, others)]
    return kernels(products, *squares, num_items=rows.shape[1], network=network).tangent


def diagonals(squares: Array, *, num_items: int, network: Network) -> Kernels:
    """Of each input with itself, float32 [n] each: exact, where the angle between equal inputs may not round to 0.

    Args:
      squares: squared lengths of the inputs, float32 [n].
    """
    depth, weight, bias = network
    covariance = tangent = weight * squares / num_items + bias
    for _ in range(depth):
        covariance = weight * covariance / 2 + bias
        tangent = covariance + weight * tangent / 2
    return Kernels(covariance, tangent)


@jax.custom_jvp
def both_active(cosine: Array) -> Array:
    """Probability that two Gaussians with this correlation are both positive: (pi - arccos c) / (2 pi)."""
    return (math.pi - _angle(cosine)) / (2 * math.pi)


@both_active.defjvp
def _both_active_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (cosine,), (change,) = primals, tangents
    squared_sine = (1 - cosine) * (1 + cosine)
    inside = squared_sine > 0
    # At c = 1 the slope is infinite; 0 is taken: it is where the kernel of an input with itself is, which the diagonal
    # has from its own recursion.
    slope = jnp.where(inside, jax.lax.rsqrt(jnp.where(inside, squared_sine, 1)), 0) / (2 * math.pi)
    return both_active(cosine), slope * change


@jax.custom_jvp
def rectified_product(cosine: Array) -> Array:
    """E[relu(u) relu(v)] of two standard Gaussians with this correlation: (sin a + (pi - a) c) / (2 pi)."""
    bounded = jnp.clip(cosine, -1, 1)
    sine = jnp.sqrt((1 - bounded) * (1 + bounded))
    return (sine + (math.pi - _angle(bounded)) * bounded) / (2 * math.pi)


@rectified_product.defjvp
def _rectified_product_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (cosine,), (change,) = primals, tangents
    return rectified_product(cosine), both_active(cosine) * change


def _angle(cosine: Array) -> Array:
    """arccos of what may lie beyond -1 and 1 by rounding. XLA's own takes ten times as long on a CPU, as an arctan2."""
    size = jnp.minimum(jnp.abs(cosine), 1)
    angle = jnp.sqrt(1 - size) * jnp.polyval(jnp.asarray(np.array(_ANGLE[::-1], np.float32)), size)
    return jnp.where(cosine < 0, math.pi - angle, angle)

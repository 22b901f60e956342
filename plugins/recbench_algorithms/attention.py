"""Causal self-attention on short, narrow histories, laid out for a CPU: features before positions.

softmax(Q'K / sqrt(d) + causal mask) V with dropout on the weights; Vaswani et al., NeurIPS 2017, section 3.2.
The gradient is written out so that every product is one that a CPU does fast at a width of 8 as of 64.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

_NARROW = 16


class WeightDropout(NamedTuple):
    """Which attention weights are dropped: a hash of a word a query and a word a key, at a tenth of a draw each."""

    queries: Array  # uint32 [histories, length], random bits
    keys: Array  # uint32 [length], random bits
    rate: Array  # float32 scalar, from 0 to below 1

    def kept(self) -> Array:
        """bool [histories, length, length]; any two entries are independent."""
        word = (self.queries[:, :, None] ^ self.keys[None, None, :]) * jnp.uint32(0x9E3779B1)
        return word >= (self.rate * 2.0**32).astype(jnp.uint32)


@jax.custom_vjp
def attend(queries: Array, keys: Array, values: Array, drop: WeightDropout) -> Array:
    """Each position's mean of the values up to it, weighted by attention.

    Args:
      queries, keys, values: float32 [histories, width, length]; queries already divided by sqrt(width).
      drop: dropout of the weights.

    Returns:
      float32 [histories, width, length].
    """
    return _forward(queries, keys, values, drop)[0]


def _forward(queries: Array, keys: Array, values: Array, drop: WeightDropout) -> tuple[Array, tuple[Array, ...]]:
    length = queries.shape[2]
    causal = jnp.tril(jnp.ones((length, length), bool))[None]
    logits = jnp.where(causal, jnp.einsum("gid,gdj->gij", _turned(queries), keys), -jnp.inf)
    weights = jnp.exp(logits - logits.max(axis=2, keepdims=True))
    kept = jnp.where(drop.kept(), weights, 0)
    scale = 1 / ((1 - drop.rate) * weights.sum(axis=2))
    mean = jnp.einsum("gij,gdj->gdi", kept, values) * scale[:, None, :]
    return mean, (queries, keys, values, weights, kept, scale, drop.rate, mean)


def _backward(residuals: tuple[Array, ...], cotangent: Array) -> tuple[Array, Array, Array, None]:
    queries, keys, values, weights, kept, scale, rate, mean = residuals
    shift = (cotangent * mean).sum(axis=1) * scale * (1 - rate)
    scaled = cotangent * scale[:, None, :]
    slope = kept * jnp.einsum("gid,gdj->gij", _turned(scaled), values) - weights * shift[:, :, None]
    of_queries = jnp.einsum("gij,gdj->gdi", slope, keys)
    of_keys = jnp.einsum("gdi,gij->gdj", queries, slope)
    of_values = jnp.einsum("gdi,gij->gdj", scaled, kept)
    return of_queries, of_keys, of_values, None


attend.defvjp(_forward, _backward)


def _turned(x: Array) -> Array:
    """[histories, length, width] from [histories, width, length].

    Narrow factors are turned in memory: a product that turns them itself takes half as long again.
    """
    turned = x.swapaxes(1, 2)
    return jax.lax.optimization_barrier(turned) if x.shape[1] <= _NARROW else turned

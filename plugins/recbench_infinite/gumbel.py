"""Fake users as sums of Gumbel-softmax draws, with replacement; the noise is made anew for the gradient, never kept.

A draw picks items of a fake user in shares: softmax((Z + G) / temperature), G independent standard Gumbels. The row is
the sum of ``samples`` draws; where each draw counts for several, the mean is the same and fewer Gumbels are made.

Source: Jang, Gu, Poole, ICLR 2017; sampling with replacement: Sachdeva et al., NeurIPS 2022, section 4.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def summed_draws(logits: Array, key: Array, draws: int, temperature: float) -> Array:
    """Sum of the shares of so many draws, float32 [rows, items]; each row of it sums to ``draws``.

    Memory is that of the logits, whatever the number of draws, in the gradient too.

    Args:
      logits: float32 [rows, items].
      key: of the noise.
      draws: from 1.
      temperature: above 0; towards 0 a draw is one item, from the softmax of the logits.
    """

    def add(number: Array, total: Array) -> Array:
        return total + _shares(logits, key, number, temperature)

    return jax.lax.fori_loop(0, draws, add, jnp.zeros_like(logits))


def _forward(logits: Array, key: Array, draws: int, temperature: float) -> tuple[Array, tuple[Array, Array]]:
    return summed_draws(logits, key, draws, temperature), (logits, key)


def _backward(draws: int, temperature: float, kept: tuple[Array, Array], slope: Array) -> tuple[Array, None]:
    """Of a softmax: p (slope - <p, slope>), summed over the draws, which come from the key once more."""
    logits, key = kept

    def add(number: Array, total: Array) -> Array:
        shares = _shares(logits, key, number, temperature)
        along = jnp.sum(shares * slope, axis=1, keepdims=True)
        return total + shares * (slope - along)

    return jax.lax.fori_loop(0, draws, add, jnp.zeros_like(logits)) / temperature, None


summed_draws.defvjp(_forward, _backward)


def _shares(logits: Array, key: Array, number: Array, temperature: float) -> Array:
    """One draw, float32 [rows, items]; each row sums to 1."""
    noise = jax.random.gumbel(jax.random.fold_in(key, number), logits.shape)
    return jax.nn.softmax((logits + noise) / temperature, axis=1)

"""A multilayer perceptron on pairs: of the users and items of a batch, and of users with all items."""

from __future__ import annotations

from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

_CPU_ELEMENTS, _ACCELERATOR_ELEMENTS = 2**18, 2**26
"""Inputs of the second layer held at a time: what stays in a core's cache, or fills an accelerator."""


class PairPerceptron(nnx.Module):
    """a_L(... a_1(W_1 [p; q] + c_1) ...) with a = ReLU; [p; q] is as wide as the first layer.

    W_1 [p; q] is A p + B q: a user's half is computed once for all items, an item's once for all users.
    """

    def __init__(self, widths: tuple[int, ...], *, key: Array) -> None:
        rngs = nnx.Rngs(key)
        self.half = half_width(widths)
        sides = pairwise((2 * self.half, *widths))
        self.layers = nnx.List([nnx.Linear(inner, outer, rngs=rngs) for inner, outer in sides])

    def __call__(self, users: Array, items: Array) -> Array:
        """Last layer for each user with its items, from float32 [half, batch] and [half, n * batch].

        Returns:
          float32 [widths[-1], n * batch].
        """
        kernel, bias = _weights(self.layers[0])
        by_user = kernel[: self.half].T @ users + bias[:, None]
        by_item = kernel[self.half :].T @ items
        hidden = by_user[:, None, :] + by_item.reshape(len(by_item), -1, users.shape[1])
        return self._rest(hidden.reshape(by_item.shape))

    def score(self, users: Array, items: Array, *, output: Array) -> Array:
        """``output`` . last layer of every pair, from float32 [users, half], [items, half] and [widths[-1]].

        2 (w_1 w_2 + w_2 w_3 + ...) operations a pair, and no array of users x items x width: the loop takes so many
        pairs that the first layer's output stays in cache. Pairs stand in the last axis, where they fill vectors
        however narrow the layers are.

        Returns:
          float32 [users, items].
        """
        kernel, bias = _weights(self.layers[0])
        by_user, by_item = users @ kernel[: self.half] + bias[None, :], items @ kernel[self.half :]
        count, width = by_user.shape
        elements = _CPU_ELEMENTS if jax.default_backend() == "cpu" else _ACCELERATOR_ELEMENTS
        tiles = -(-items.shape[0] * width // elements)
        tile = -(-items.shape[0] // tiles)
        by_tile = jnp.pad(by_item, ((0, tiles * tile - items.shape[0]), (0, 0))).reshape(tiles, tile, width)

        def scores(user: Array) -> Array:
            return jax.lax.map(lambda part: output @ self._rest(user[:, None] + part.T), by_tile).reshape(-1)

        together = 1 if elements == _CPU_ELEMENTS else max(1, elements // (tile * width))
        return jax.lax.map(scores, by_user, batch_size=min(together, count))[:, : items.shape[0]]

    def _rest(self, hidden: Array) -> Array:
        """The last layer from the first one before its activation, both [width, pairs]."""
        hidden = jax.nn.relu(hidden)
        for layer in self.layers[1:]:
            kernel, bias = _weights(layer)
            hidden = jax.nn.relu(kernel.T @ hidden + bias[:, None])
        return hidden


def _weights(layer: nnx.Linear) -> tuple[Array, Array]:
    assert layer.bias is not None
    return layer.kernel[...], layer.bias[...]


def half_width(widths: tuple[int, ...]) -> int:
    """Width of a user's and an item's vector under a perceptron of these layers."""
    return -(-widths[0] // 2)

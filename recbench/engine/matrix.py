"""The train rows of one run as a matrix: coordinates of real users, or the dense rows of fake ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

_GRAM_BLOCK_ELEMENTS = 2**21


class SliceBound:
    """How many coordinates any run of ``size`` consecutive users has at most: a static bound for slices.

    Compared by identity, so that a program traced for a split is found again for every sample of it.
    """

    def __init__(self, degrees: NDArray[np.int64]) -> None:
        self._ends = np.concatenate([[0], np.cumsum(degrees)])

    def __call__(self, size: int) -> int:
        ends = self._ends
        size = min(size, len(ends) - 1)
        return int((ends[size:] - ends[: len(ends) - size]).max(initial=1))


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["user", "item", "value", "mask", "starts"],
    meta_fields=["num_users", "num_items", "bound"],
)
@dataclass(frozen=True, slots=True)
class CoordinateMatrix:
    """Rows of train, sorted by user; what is padded stands last with user = num_users and value 0."""

    user: Array  # int32 [n]
    item: Array  # int32 [n]
    value: Array  # float32 [n]
    mask: Array  # bool [n]
    starts: Array  # int32 [num_users + 1]
    num_users: int
    num_items: int
    bound: SliceBound

    def rows(self, start: Array | int, size: int) -> Array:
        length = min(self.bound(size), self.user.shape[0])
        first = self.starts[jnp.minimum(start, self.num_users)]
        user, item, value = (
            jax.lax.dynamic_slice_in_dim(column, first, length) for column in (self.user, self.item, self.value)
        )
        # A slice near the end begins earlier than asked; users before the block must not wrap around to its end.
        local = jnp.where((user >= start) & (user < self.num_users), user - start, size)
        return jnp.zeros((size, self.num_items), jnp.float32).at[local, item].set(value, mode="drop")

    def gram(self) -> Array:
        return _blocked_gram(self.rows, num_users=self.num_users, num_items=self.num_items)

    def user_sums(self, values: Array) -> Array:
        return jax.ops.segment_sum(jnp.where(self.mask, values, 0), self.user, self.num_users + 1)[:-1]

    def item_sums(self, values: Array) -> Array:
        return jax.ops.segment_sum(jnp.where(self.mask, values, 0), self.item, self.num_items)


@partial(jax.tree_util.register_dataclass, data_fields=["matrix"], meta_fields=[])
@dataclass(frozen=True, slots=True)
class DenseMatrix:
    """Fake users, each a dense row of weights; every entry is a coordinate."""

    matrix: Array  # float32 [fake_users, num_items]

    @property
    def num_users(self) -> int:
        return int(self.matrix.shape[0])

    @property
    def num_items(self) -> int:
        return int(self.matrix.shape[1])

    @property
    def user(self) -> Array:
        return jnp.repeat(jnp.arange(self.num_users, dtype=jnp.int32), self.num_items)

    @property
    def item(self) -> Array:
        return jnp.tile(jnp.arange(self.num_items, dtype=jnp.int32), self.num_users)

    @property
    def value(self) -> Array:
        return self.matrix.ravel()

    @property
    def mask(self) -> Array:
        return self.value != 0

    def rows(self, start: Array | int, size: int) -> Array:
        index = start + jnp.arange(size)
        return jnp.where((index < self.num_users)[:, None], self.matrix[jnp.minimum(index, self.num_users - 1)], 0)

    def gram(self) -> Array:
        return jnp.matmul(self.matrix.T, self.matrix, precision="highest")

    def user_sums(self, values: Array) -> Array:
        return jnp.where(self.mask, values, 0).reshape(self.matrix.shape).sum(1)

    def item_sums(self, values: Array) -> Array:
        return jnp.where(self.mask, values, 0).reshape(self.matrix.shape).sum(0)


def _blocked_gram(rows: Callable[[Array, int], Array], *, num_users: int, num_items: int) -> Array:
    """X'X as a sum over blocks of users: 2 users items^2 operations at the speed of a dense product."""
    size = max(1, min(num_users, max(64, _GRAM_BLOCK_ELEMENTS // num_items)))

    def add(block: Array, total: Array) -> Array:
        x = rows(block * size, size)
        return total + jnp.matmul(x.T, x, precision="highest")

    return jax.lax.fori_loop(0, -(-num_users // size), add, jnp.zeros((num_items, num_items), jnp.float32))

"""The train rows of one run as a matrix: coordinates of real users, or the dense rows of fake ones."""

from __future__ import annotations

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
        local, item, value = self._slice(start, size)
        return jnp.zeros((size, self.num_items), jnp.float32).at[local, item].set(value, mode="drop")

    def observed(self, start: Array | int, size: int) -> Array:
        local, item, _ = self._slice(start, size)
        return jnp.zeros((size, self.num_items), bool).at[local, item].set(True, mode="drop")

    def gram(self, *, shift: Array | None = None) -> Array:
        return _blocked_gram(self, shift)

    def user_sums(self, values: Array) -> Array:
        return jax.ops.segment_sum(_real(values, self.mask), self.user, self.num_users + 1)[:-1]

    def item_sums(self, values: Array) -> Array:
        return jax.ops.segment_sum(_real(values, self.mask), self.item, self.num_items)

    def _slice(self, start: Array | int, size: int) -> tuple[Array, Array, Array]:
        """Place in the block (``size``: none), item and value of a run of coordinates that holds the block."""
        length = min(self.bound(size), self.user.shape[0])
        first = self.starts[jnp.minimum(start, self.num_users)]
        user, item, value = (
            jax.lax.dynamic_slice_in_dim(column, first, length) for column in (self.user, self.item, self.value)
        )
        # A slice near the end begins earlier than asked; users before the block must not wrap around to its end.
        return jnp.where((user >= start) & (user < self.num_users), user - start, size), item, value


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

    def observed(self, start: Array | int, size: int) -> Array:
        return self.rows(start, size) != 0

    def gram(self, *, shift: Array | None = None) -> Array:
        shifted = _shifted(self.matrix, self.matrix != 0, shift)
        return jnp.matmul(shifted.T, shifted, precision="highest")

    def user_sums(self, values: Array) -> Array:
        return self._square(values).sum(1)

    def item_sums(self, values: Array) -> Array:
        return self._square(values).sum(0)

    def _square(self, values: Array) -> Array:
        return _real(values, self.mask).reshape(self.matrix.shape + values.shape[1:])


def _real(values: Array, mask: Array) -> Array:
    return jnp.where(mask.reshape(mask.shape + (1,) * (values.ndim - 1)), values, 0)


def _shifted(rows: Array, observed: Array, shift: Array | None) -> Array:
    return rows if shift is None else jnp.where(observed, rows - shift[None, :], 0)


def _blocked_gram(matrix: CoordinateMatrix, shift: Array | None) -> Array:
    """X'X as a sum over blocks of users: 2 users items^2 operations at the speed of a dense product."""
    items = matrix.num_items
    size = max(1, min(matrix.num_users, max(64, _GRAM_BLOCK_ELEMENTS // items)))

    def add(block: Array, total: Array) -> Array:
        rows = matrix.rows(block * size, size)
        if shift is not None:
            rows = _shifted(rows, matrix.observed(block * size, size), shift)
        return total + jnp.matmul(rows.T, rows, precision="highest")

    return jax.lax.fori_loop(0, -(-matrix.num_users // size), add, jnp.zeros((items, items), jnp.float32))

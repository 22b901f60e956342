"""The train rows of one run as a matrix: coordinates of real users, or the dense rows of fake ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

_GRAM_BLOCK_ELEMENTS = 2**21
_CHUNK = 4096
"""Coordinates taken at a time: what they gather stays in a core's cache until it is added up."""

State = TypeVar("State")


class SliceBound:
    """How many coordinates any run of ``size`` consecutive users has at most: a static bound for slices.

    Equal for equal histories, so that a program traced for a split is found again for every sample of it, and for
    every split of the same shape.
    """

    def __init__(self, degrees: NDArray[np.int64]) -> None:
        self._ends = np.concatenate([[0], np.cumsum(degrees)])
        self._digest = hashlib.sha256(self._ends.tobytes()).digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SliceBound) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

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

    def with_values(self, values: Array) -> CoordinateMatrix:
        return replace(self, value=_real(values, self.mask))

    def gram(self) -> Array:
        return _blocked_gram(self)

    def fold(self, start: State, add: Callable[[State, Array, Array, Array], State]) -> State:
        n = self.user.shape[0]
        size = min(_CHUNK, n)

        def chunk(number: Array, state: State) -> State:
            first = jnp.minimum(number * size, n - size)
            user, item, value = (
                jax.lax.dynamic_slice_in_dim(column, first, size) for column in (self.user, self.item, self.value)
            )
            new = first + jnp.arange(size, dtype=jnp.int32) >= number * size  # the last chunk overlaps the one before
            return add(state, jnp.where(new, user, self.num_users), item, jnp.where(new, value, 0))

        return jax.lax.fori_loop(0, (self.starts[-1] + size - 1) // size, chunk, start)

    def matmul(self, x: Array) -> Array:
        return _matmul(self, x)

    def rmatmul(self, y: Array) -> Array:
        return _rmatmul(self, y)

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

    def with_values(self, values: Array) -> DenseMatrix:
        return DenseMatrix(self._square(values))

    def gram(self) -> Array:
        return jnp.matmul(self.matrix.T, self.matrix, precision="highest")

    def fold(self, start: State, add: Callable[[State, Array, Array, Array], State]) -> State:
        item = jnp.arange(self.num_items, dtype=jnp.int32)

        def row(number: Array, state: State) -> State:
            value = self.matrix[number]
            return add(state, jnp.where(value != 0, number, self.num_users), item, value)

        return jax.lax.fori_loop(0, self.num_users, row, start)

    def matmul(self, x: Array) -> Array:
        return jnp.matmul(self.matrix, x, precision="highest")

    def rmatmul(self, y: Array) -> Array:
        return jnp.matmul(self.matrix.T, y, precision="highest")

    def user_sums(self, values: Array) -> Array:
        return self._square(values).sum(1)

    def item_sums(self, values: Array) -> Array:
        return self._square(values).sum(0)

    def _square(self, values: Array) -> Array:
        return _real(values, self.mask).reshape(self.matrix.shape + values.shape[1:])


@jax.custom_vjp
def _matmul(matrix: CoordinateMatrix, x: Array) -> Array:
    """X x, a sum over each user's coordinates: linear, with X' as its derivative, so nothing is kept between them."""

    def add(total: Array, user: Array, item: Array, value: Array) -> Array:
        return total.at[user].add(value[:, None] * x[item], mode="drop")

    return matrix.fold(jnp.zeros((matrix.num_users, x.shape[1]), x.dtype), add)


@jax.custom_vjp
def _rmatmul(matrix: CoordinateMatrix, y: Array) -> Array:
    """X' y."""

    def add(total: Array, user: Array, item: Array, value: Array) -> Array:
        return total.at[item].add(value[:, None] * y[jnp.minimum(user, matrix.num_users - 1)])

    return matrix.fold(jnp.zeros((matrix.num_items, y.shape[1]), y.dtype), add)


def _keeping_matrix(product: Callable[[CoordinateMatrix, Array], Array]) -> Any:
    def forward(matrix: CoordinateMatrix, vectors: Array) -> tuple[Array, CoordinateMatrix]:
        return product(matrix, vectors), matrix

    return forward


_matmul.defvjp(_keeping_matrix(_matmul), lambda matrix, gradient: (None, _rmatmul(matrix, gradient)))
_rmatmul.defvjp(_keeping_matrix(_rmatmul), lambda matrix, gradient: (None, _matmul(matrix, gradient)))


def _real(values: Array, mask: Array) -> Array:
    return jnp.where(mask.reshape(mask.shape + (1,) * (values.ndim - 1)), values, 0)


def _blocked_gram(matrix: CoordinateMatrix) -> Array:
    """X'X as a sum over blocks of users: 2 users items^2 operations at the speed of a dense product."""
    items = matrix.num_items
    size = max(1, min(matrix.num_users, max(64, _GRAM_BLOCK_ELEMENTS // items)))

    def add(block: Array, total: Array) -> Array:
        rows = matrix.rows(block * size, size)
        return total + jnp.matmul(rows.T, rows, precision="highest")

    return jax.lax.fori_loop(0, -(-matrix.num_users // size), add, jnp.zeros((items, items), jnp.float32))

"""What an algorithm is handed on the device: batches, queries, the train matrix. The one contract that imports JAX.

All are pytrees; every array is padded, and a mask says what is real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import jax
import jax.numpy as jnp
from jax import Array

_pytree = jax.tree_util.register_dataclass

State = TypeVar("State")


@_pytree
@dataclass(frozen=True, slots=True)
class RatingsBatch:
    """Rated pairs."""

    users: Array  # int32 [batch]
    items: Array  # int32 [batch]
    ratings: Array  # float32 [batch]
    mask: Array  # bool [batch]


@_pytree
@dataclass(frozen=True, slots=True)
class PairsBatch:
    """Positives, each with items that its user has not been observed with."""

    users: Array  # int32 [batch]
    items: Array  # int32 [batch]
    negatives: Array  # int32 [batch, negatives], uniform over the user's unobserved items
    mask: Array  # bool [batch]


@_pytree
@dataclass(frozen=True, slots=True)
class RowsBatch:
    """Whole users as dense rows, real or fake."""

    users: Array  # int32 [batch], -1 for a fake user
    rows: Array  # float32 [batch, items]: 1 (or the rating, for explicit feedback) where observed
    observed: Array  # bool [batch, items]: a rating of 0 is not a missing one
    mask: Array  # bool [batch]


@_pytree
@dataclass(frozen=True, slots=True)
class SequencesBatch:
    """Histories, oldest first, aligned to the left; the most recent ``length`` rows of each."""

    users: Array  # int32 [batch]
    items: Array  # int32 [batch, length]
    item_mask: Array  # bool [batch, length]
    negatives: Array  # int32 [batch, length, negatives], uniform over the user's unobserved items
    mask: Array  # bool [batch]


@partial(jax.tree_util.register_dataclass, data_fields=["users", "items", "values", "mask"], meta_fields=["num_items"])
@dataclass(frozen=True, slots=True)
class Query:
    """Users to score for, with what may be known of them."""

    users: Array  # int32 [users], -1 for a user the algorithm has not seen
    items: Array  # int32 [users, history], oldest first, aligned to the left
    values: Array  # float32 [users, history]: 1, or the rating for explicit feedback
    mask: Array  # bool [users, history]
    num_items: int

    def dense(self) -> Array:
        """The histories as rows of the user-item matrix, float32 [users, num_items]; of repeats the largest stays."""
        return scatter_rows(self.items, jnp.where(self.mask, self.values, 0), num_items=self.num_items)

    def observed(self) -> Array:
        """1 where an item is in the history, float32 [users, num_items]."""
        return scatter_rows(self.items, self.mask.astype(jnp.float32), num_items=self.num_items)


def scatter_rows(items: Array, values: Array, *, num_items: int) -> Array:
    """Dense rows from padded lists: float32 [rows, num_items]; a repeated item keeps the value farthest from zero.

    Args:
      items: int32 [rows, width].
      values: float32 [rows, width], 0 where padded.
    """
    rows = jnp.arange(items.shape[0], dtype=jnp.int32)[:, None]
    empty = jnp.zeros((items.shape[0], num_items), values.dtype)
    return empty.at[rows, items].max(values) + empty.at[rows, items].min(values)


class TrainMatrix(Protocol):
    """The train rows of one run as a matrix of users x items that is never held whole."""

    @property
    def num_users(self) -> int:
        """Rows of the matrix: real users, or fake ones."""
        ...

    @property
    def num_items(self) -> int: ...

    def with_values(self, values: Array) -> TrainMatrix:
        """The same coordinates with other values, float32 [coordinates]: weighted ones, or centred ratings."""
        ...

    def gram(self) -> Array:
        """X'X of the matrix of ones (ratings, for explicit feedback), float32 [num_items, num_items]."""
        ...

    def rows(self, start: Array | int, size: int) -> Array:
        """Rows [start, start + size) as float32 [size, num_items]; zero beyond the last user."""
        ...

    def observed(self, start: Array | int, size: int) -> Array:
        """Where the rows [start, start + size) have a coordinate, bool [size, num_items]."""
        ...

    def fold(self, start: State, add: Callable[[State, Array, Array, Array], State]) -> State:
        """Goes over the coordinates a chunk at a time, in order; the loop is as long as the sample, not as the padding.

        Args:
          start: any pytree of arrays.
          add: (state, user int32 [chunk], item int32 [chunk], value float32 [chunk]) -> state; what is padded has
            user = num_users and value 0. Not differentiable by itself: see :meth:`matmul`.
        """
        ...

    def matmul(self, x: Array) -> Array:
        """X x, float32 [num_items, d] to [num_users, d]; differentiable in x."""
        ...

    def rmatmul(self, y: Array) -> Array:
        """X' y, float32 [num_users, d] to [num_items, d]; differentiable in y."""
        ...

    def user_sums(self, values: Array) -> Array:
        """Sum over each user's rows of values per coordinate: [coordinates, ...] to [num_users, ...]."""
        ...

    def item_sums(self, values: Array) -> Array:
        """Sum over each item's rows of values per coordinate: [coordinates, ...] to [num_items, ...]."""
        ...

    @property
    def user(self) -> Array:
        """int32 [coordinates], user of each, num_users where padded; row number of the fake user in a synthesis."""
        ...

    @property
    def item(self) -> Array:
        """int32 [coordinates]."""
        ...

    @property
    def value(self) -> Array:
        """float32 [coordinates]: 1 or the rating; the weight in a synthesis; 0 where padded."""
        ...

    @property
    def mask(self) -> Array:
        """bool [coordinates], what is real."""
        ...


@_pytree
@dataclass(frozen=True, slots=True)
class RankedTest:
    """Where the test items of a block of users ended up in the full ranking."""

    rank: Array  # int32 [users, test], 0 is the top; 2**31 - 1 for a masked test row: a miss everywhere
    outranked: Array  # float32 [users, test], share of the user's negatives ranked below, ties one half; 0 if masked
    mask: Array  # bool [users, test], what is real
    weight: Array  # float32 [users, test], inverse propensity of each test item
    count: Array  # int32 [users], distinct test items

"""Updates of the rows that a batch touches: what makes a step cost the same however large the tables are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from recbench.contracts.batches import PairsBatch, RatingsBatch
from recbench.engine.tables import ItemTable, UserTable


@jax.tree_util.register_dataclass
@dataclass(frozen=True, slots=True)
class TouchedRows:
    """The rows of one side's tables that a batch reads, one place for each of its ids."""

    ids: Array  # int32 [places]
    owner: Array  # int32 [places], the place that stands for an id wherever it comes again
    written: Array  # bool [places], whether the place is its id's owner and a real example's

    def take(self, table: Array) -> Array:
        """[rows, ...] to [places, ...]."""
        return table[self.ids]

    def put(self, table: Array, rows: Array) -> Array:
        """The table with the rows that were touched."""
        where = jnp.where(self.written, self.ids, table.shape[0])
        return table.at[where].set(rows, mode="drop", unique_indices=True)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, slots=True)
class Touched:
    """What a batch reads of both sides, and the batch with places for ids."""

    users: TouchedRows
    items: TouchedRows
    batch: RatingsBatch | PairsBatch

    def take(self, state: Any) -> Any:
        """A state, of parameters or of an optimiser, whose tables are cut down to the places."""
        return self._on_tables(lambda rows, variable: variable.replace(rows.take(variable[...])), state)

    def put(self, state: Any, cut: Any) -> Any:
        """The state with what became of its cut; leaves that are no tables are the cut's."""

        def put(variable: Any, new: Any) -> Any:
            rows = self._rows(variable)
            return new if rows is None else variable.replace(rows.put(variable[...], new[...]))

        return jax.tree.map(put, state, cut, is_leaf=_is_variable)

    def _on_tables(self, change: Callable[[TouchedRows, Any], Any], state: Any) -> Any:
        def one(leaf: Any) -> Any:
            rows = self._rows(leaf)
            return leaf if rows is None else change(rows, leaf)

        return jax.tree.map(one, state, is_leaf=_is_variable)

    def _rows(self, leaf: Any) -> TouchedRows | None:
        match leaf:
            case UserTable():
                return self.users
            case ItemTable():
                return self.items
            case _:
                return None


def touched_by(batch: RatingsBatch | PairsBatch, *, num_users: int, num_items: int) -> Touched:
    """Which rows a batch reads. The gradients of a row that is read twice meet at one place."""
    users = _touched_rows(batch.users, batch.mask, count=num_users)
    if isinstance(batch, RatingsBatch):
        items = _touched_rows(batch.items, batch.mask, count=num_items)
        return Touched(users, items, replace(batch, users=users.owner, items=items.owner))
    negatives = batch.negatives.shape
    ids = jnp.concatenate([batch.items, batch.negatives.ravel()])
    real = jnp.concatenate([batch.mask, jnp.repeat(batch.mask, negatives[1])])
    items = _touched_rows(ids, real, count=num_items)
    own, others = items.owner[: negatives[0]], items.owner[negatives[0] :].reshape(negatives)
    return Touched(users, items, replace(batch, users=users.owner, items=own, negatives=others))


def _touched_rows(ids: Array, real: Array, *, count: int) -> TouchedRows:
    places = jnp.arange(len(ids), dtype=jnp.int32)
    owners = jnp.zeros(count, jnp.int32).at[jnp.where(real, ids, count)].max(places, mode="drop")
    return TouchedRows(ids, owners[ids], real & (owners[ids] == places))


def _is_variable(leaf: Any) -> bool:
    return isinstance(leaf, nnx.Variable)

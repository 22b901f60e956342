"""Variables with one row per user or item: what the core must know of a module's parameters."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array


class UserTable(nnx.Param[Array]):
    """A parameter whose leading axis is users. Rows of users without a kept interaction are zero when scoring."""


class ItemTable(nnx.Param[Array]):
    """A parameter whose leading axis is items. Rows of items without a kept interaction are zero when scoring."""


def look_up(table: Array, index: Array) -> Array:
    """Rows of a table, zero where the index is -1 (an unseen user).

    Args:
      table: float32 [entries, ...].
      index: int32 [n].

    Returns:
      float32 [n, ...].
    """
    known = (index >= 0).reshape(index.shape + (1,) * (table.ndim - 1))
    return jnp.where(known, table[jnp.maximum(index, 0)], 0)


def forget_cold(state: Any, *, seen_users: Array, seen_items: Array) -> Any:
    """The state with zero rows for users and items that have no kept interaction.

    Args:
      state: an NNX state.
      seen_users: bool [num_users].
      seen_items: bool [num_items].
    """

    def forget(variable: Any) -> Any:
        match variable:
            case UserTable():
                seen = seen_users
            case ItemTable():
                seen = seen_items
            case _:
                return variable
        value = variable[...]
        return variable.replace(jnp.where(seen.reshape((-1,) + (1,) * (value.ndim - 1)), value, 0))

    return jax.tree.map(forget, state, is_leaf=lambda leaf: isinstance(leaf, nnx.Variable))

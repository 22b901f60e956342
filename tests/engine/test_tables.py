"""Tables with one row a user or item: what is looked up, what is forgotten."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from flax import nnx

from recbench import ItemTable, UserTable
from recbench.engine.tables import forget_cold, look_up


def test_look_up_gives_zero_for_unseen_users():
    table = jnp.arange(1, 7, dtype=jnp.float32).reshape(3, 2)
    index = jnp.array([2, -1, 0])
    np.testing.assert_array_equal(look_up(table, index), [[5, 6], [0, 0], [1, 2]])
    np.testing.assert_array_equal(look_up(table[:, 0], index), [5, 0, 1])


class Tables(nnx.Module):
    """One of each kind of variable."""

    def __init__(self):
        self.user = UserTable(jnp.ones((3, 2)))
        self.item = ItemTable(jnp.ones(2))
        self.deep = nnx.List([ItemTable(jnp.ones((2, 2, 2)))])
        self.weight = nnx.Param(jnp.ones((3, 2)))
        self.constant = nnx.Variable(jnp.ones(3))


def test_only_tables_forget_and_only_cold_rows():
    state = nnx.state(Tables())
    seen_users, seen_items = jnp.array([True, False, True]), jnp.array([False, True])
    left = nnx.to_pure_dict(forget_cold(state, seen_users=seen_users, seen_items=seen_items))
    np.testing.assert_array_equal(left["user"], [[1, 1], [0, 0], [1, 1]])
    np.testing.assert_array_equal(left["item"], [0, 1])
    np.testing.assert_array_equal(left["deep"][0], [np.zeros((2, 2)), np.ones((2, 2))])
    assert np.all(left["weight"] == 1) and np.all(left["constant"] == 1)


def test_tables_are_trained_like_any_parameter():
    assert issubclass(UserTable, nnx.Param) and issubclass(ItemTable, nnx.Param)

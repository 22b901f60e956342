"""Whole users as dense rows, filled in a chunk of interactions at a time: the cost is that of the batch's own rows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from recbench.engine.batch import Replica, SplitArrays

_CHUNK = 4096


def dense_rows(data: SplitArrays, replica: Replica, users: Array, *, real: Array) -> tuple[Array, Array]:
    """The kept rows of some users of a run.

    Args:
      data: the split.
      replica: the run.
      users: int32 [b].
      real: bool [b]; the other rows stay empty.

    Returns:
      Values float32 [b, num_items], of repeated pairs the one farthest from zero; what is observed, bool of that shape.
    """
    begin = replica.starts[users]
    length = jnp.where(real, replica.starts[users + 1] - begin, 0)
    ends = jnp.cumsum(length)
    first = begin - (ends - length)  # an interaction's number in the batch plus this is its number in the run

    def fill(number: Array, planes: tuple[Array, ...]) -> tuple[Array, ...]:
        place = number * _CHUNK + jnp.arange(_CHUNK, dtype=jnp.int32)
        inside = place < ends[-1]
        row = jnp.minimum(jnp.searchsorted(ends, place, side="right", method="scan_unrolled"), len(users) - 1)
        kept = replica.rows[jnp.where(inside, first[row] + place, 0)]
        at = jnp.where(inside, row, len(users)).astype(jnp.int32), data.item[kept]
        if data.binary:
            (ones,) = planes
            return (ones.at[at].set(1, mode="drop"),)
        value = data.value[kept]
        largest, smallest, known = planes
        return (
            largest.at[at].max(value, mode="drop"),
            smallest.at[at].min(value, mode="drop"),
            known.at[at].set(1, mode="drop"),
        )

    empty = jnp.zeros((len(users), data.num_items), jnp.float32)
    planes = jax.lax.fori_loop(0, (ends[-1] + _CHUNK - 1) // _CHUNK, fill, (empty,) if data.binary else (empty,) * 3)
    return (planes[0] if data.binary else planes[0] + planes[1]), planes[-1] > 0

"""Whole users as dense rows, filled in a chunk of interactions at a time: the cost is that of the batch's own rows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from recbench.engine.batch import Replica, SplitArrays

_WINDOWS, _WINDOW = 256, 16
"""A chunk is so many windows of so many consecutive interactions; whose a window is, is looked up once."""


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
    windows = (length + _WINDOW - 1) // _WINDOW
    ends = jnp.cumsum(windows)
    before = ends - windows
    step = jnp.arange(_WINDOW, dtype=jnp.int32)[None, :]

    def fill(number: Array, planes: tuple[Array, ...]) -> tuple[Array, ...]:
        window = number * _WINDOWS + jnp.arange(_WINDOWS, dtype=jnp.int32)
        owner = jnp.searchsorted(ends, window, side="right", method="scan_unrolled")
        row = jnp.minimum(owner, len(users) - 1).astype(jnp.int32)
        place = ((window - before[row]) * _WINDOW)[:, None] + step
        inside = (place < length[row][:, None]) & (window < ends[-1])[:, None]
        kept = replica.rows[jnp.where(inside, begin[row][:, None] + place, 0)]
        at = jnp.where(inside, row[:, None], len(users)), data.item[kept]
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
    planes = jax.lax.fori_loop(
        0, (ends[-1] + _WINDOWS - 1) // _WINDOWS, fill, (empty,) if data.binary else (empty,) * 3
    )
    return (planes[0] if data.binary else planes[0] + planes[1]), planes[-1] > 0

"""What models of the next item share: what is to be predicted where, and the softmax over all items.

Only real positions cost: they are packed to the front, and the scores of all items exist for one block of them at a
time, in the forward as in the backward pass; positions x items is never held.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Query, SequencesBatch
from recbench_algorithms.blockwise import Function, Piece, block_size, by_blocks, may_skip


class NextItems(NamedTuple):
    """The positions of a batch that have a successor."""

    inputs: Array  # int32 [batch, length - 1]
    targets: Array  # int32 [batch, length - 1], the item after each
    real: Array  # bool [batch, length - 1], True up to a history's end
    weight: Array  # float32 scalar: a user's summed losses by it average over positions when averaged over users


def next_items(batch: SequencesBatch) -> NextItems:
    """Each row but the last of a history, with the row after it."""
    real = batch.item_mask[:, 1:] & batch.mask[:, None]
    weight = batch.mask.sum().astype(jnp.float32) / jnp.maximum(real.sum(), 1).astype(jnp.float32)
    return NextItems(batch.items[:, :-1], batch.items[:, 1:], real, weight)


def most_recent(query: Query) -> Array:
    """Place of each history's last row, int32 [users]; 0 for an empty one."""
    return jnp.maximum(query.mask.sum(axis=1, dtype=jnp.int32) - 1, 0)


def logits_of(hidden: Array, items: Array, table: Array, bias: Array | None = None) -> Array:
    """<h, q_i> + b_i of an item at each position.

    Args:
      hidden: float32 [rows, columns, width].
      items: int32 [rows, columns].
      table: float32 [items, width].
      bias: float32 [items]; None: zero.

    Returns:
      float32 [rows, columns].
    """
    affinity = (hidden * table[items]).sum(axis=2)
    return affinity if bias is None else affinity + bias[items]


def log_partition(hidden: Array, real: Array, table: Array, bias: Array | None = None, *, axis: int) -> Array:
    """ln of the sum over all items of exp(<h, q_i> + b_i): what a score lacks of being a log-probability.

    Args:
      hidden: float32 [rows, columns, width].
      real: bool [rows, columns], True up to some place along ``axis``.
      table: float32 [items, width].
      bias: float32 [items]; None: zero.
      axis: along which positions of a history stand, 0 or 1.

    Returns:
      float32 [rows, columns], 0 where not real.
    """
    shift = jnp.zeros(table.shape[0]) if bias is None else bias
    return over_positions(_block, table.shape[0], (table.T, shift), hidden, ((), ()), real, axis=axis)


def over_positions(
    function: Function, elements: int, params: Any, rows: Any, given: tuple[Any, Any], real: Array, *, axis: int
) -> Array:
    """A number for each real position, computed a block of real positions at a time.

    Args:
      function: as :func:`by_blocks` takes it, of packed positions.
      elements: what a position takes on the way.
      params: as :func:`by_blocks` takes it.
      rows: float32 pytree [rows, columns, ...]; differentiated.
      given: (pytree [rows, columns, ...], pytree that all positions share), not differentiated.
      real: bool [rows, columns], True up to some place along ``axis``.
      axis: along which positions of a history stand, 0 or 1.

    Returns:
      float32 [rows, columns], 0 where not real.
    """
    packed, place = pack(real, axis=axis)

    def take(leaf: Array) -> Array:
        return leaf.reshape(real.size, *leaf.shape[2:])[packed]

    last = real.sum(dtype=jnp.int32) if may_skip() else jnp.int32(real.size)
    pieces = (Piece(function, block_size(elements, real.size)),)
    own, shared = given
    found = by_blocks(
        pieces,
        jnp.stack([jnp.int32(0), last]),
        params,
        jax.tree.map(take, rows),
        (jax.tree.map(take, own), shared),
    )
    return jnp.where(real, found[place], 0)


def pack(real: Array, *, axis: int) -> tuple[Array, Array]:
    """Where packing real positions to the front takes them from, and puts them.

    Args:
      real: bool [rows, columns], True up to some place along ``axis``.
      axis: 0 or 1.

    Returns:
      Flat number of the position that comes to each place, int32 [rows * columns] (0 beyond the real ones); the place
      of each position, int32 [rows, columns] (0 where not real).
    """
    length = real.sum(axis=axis, dtype=jnp.int32)
    begin = jnp.expand_dims(jnp.cumsum(length) - length, axis)
    place = begin + jax.lax.broadcasted_iota(jnp.int32, real.shape, axis)
    kept = jnp.where(real, place, real.size).ravel()
    packed = jnp.zeros(real.size, jnp.int32).at[kept].set(jnp.arange(real.size, dtype=jnp.int32), mode="drop")
    return packed, jnp.where(real, place, 0)


def _block(params: tuple[Array, Array], rows: Array, given: object, first: Array) -> Array:
    return _log_sum_exp(rows, *params)


@jax.custom_vjp
def _log_sum_exp(rows: Array, table: Array, bias: Array) -> Array:
    """[block] from [block, width], [width, items] and [items]."""
    return _forward(rows, table, bias)[0]


def _forward(rows: Array, table: Array, bias: Array) -> tuple[Array, tuple[Array, ...]]:
    scores = rows @ table + bias[None, :]
    top = scores.max(axis=1)
    odds = jnp.exp(scores - top[:, None])
    total = odds.sum(axis=1)
    return jnp.log(total) + top, (rows, table, odds, total)


def _backward(residuals: tuple[Array, ...], cotangent: Array) -> tuple[Array, Array, Array]:
    rows, table, odds, total = residuals
    share = (cotangent / total)[:, None]  # on the narrow sides of the products, not on all odds
    return (odds @ table.T) * share, (rows * share).T @ odds, (share.T @ odds)[0]


_log_sum_exp.defvjp(_forward, _backward)

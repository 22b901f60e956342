"""Draws on the device: permutations without sorting, negatives without rejection, dropout."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array

from recbench.engine.parallel import in_turn
from recbench.engine.prng import mix

_ROUNDS = 8


def grid_sides(size: int) -> tuple[int, int]:
    """Sides (a, b) of the smallest near-square grid that holds ``size`` cells; a, b at most 2**16.

    The grid has fewer than a cells too many, so that walking it instead of the rows costs next to nothing.
    """
    a = max(1, math.isqrt(max(size, 1) - 1) + 1)
    return a, max(1, -(-size // a))


def permuted(slots: Array, *, key: Array, size: Array, a: Array, b: Array) -> Array:
    """Where a keyed permutation of [0, size) sends each slot.

    An alternating (unbalanced Feistel) network over a grid of a rows and b columns: every round shifts one coordinate
    cyclically by a hash of the other, which is a bijection whatever the hash. What lands on a cell beyond ``size`` is
    sent on until it does not (cycle walking). Each slot is computed by itself: no sort, no memory, and the result
    depends on nothing but the key and the size. With at least four rounds of a good hash this is a pseudo-random
    permutation (Luby and Rackoff, 1988); eight are taken because the grids are small.

    Args:
      slots: uint32 [n]; those not below ``size`` come out as they are.
      key: a JAX key.
      size: int32 scalar, at most a*b.
      a: uint32 scalar, at most 2**16.
      b: uint32 scalar, at most 2**16.

    Returns:
      uint32 [n].
    """
    keys = jax.random.bits(key, (_ROUNDS,), jnp.uint32)
    limit = size.astype(jnp.uint32)

    def walk(place: Array) -> Array:
        row, column = place // b, place % b
        for index in range(0, _ROUNDS, 2):
            row = _shift(row, mix(column ^ keys[index]), a)
            column = _shift(column, mix(row ^ keys[index + 1]), b)
        return row * b + column

    def outside(place: Array) -> Array:
        return (place >= limit) & (slots < limit)

    first = jnp.where(slots < limit, walk(jnp.minimum(slots, a * b - 1)), slots)
    return jax.lax.while_loop(
        lambda place: outside(place).any(), lambda place: jnp.where(outside(place), walk(place), place), first
    )


def unobserved(
    users: Array, *, key: Array, thresholds: Array, starts: Array, num_items: int, count: int, steps: int
) -> Array:
    """Items drawn uniformly from those that each user has not been observed with.

    Exact, without rejection: with the user's observed items p_0 < p_1 < ... the number of unobserved items below p_j is
    p_j - j, so the r-th unobserved item is r + j with j the number of thresholds p_j - j that are at most r, found by
    binary search. A user who was observed with every item gets uniform items.

    Args:
      users: int32 [n].
      key: a JAX key.
      thresholds: int32 [pairs], p_j - j for each user's distinct items in increasing order, user after user.
      starts: int32 [num_users + 1], where each user's thresholds begin.
      num_items: size of the item universe.
      count: draws a user.
      steps: binary-search steps: bits of the length of the longest list.

    Returns:
      int32 [n, count].
    """
    begin, end = starts[users][:, None], starts[users + 1][:, None]
    free = num_items - (end - begin)
    pool = jnp.where(free > 0, free, num_items)
    uniform = jax.random.uniform(key, (users.shape[0], count))
    rank = jnp.minimum((uniform * pool.astype(jnp.float32)).astype(jnp.int32), pool - 1)

    def halve(number: Array, place: Array) -> Array:
        ahead = place + (1 << (steps - 1 - number))
        inside = jnp.minimum(ahead, thresholds.shape[0]) - 1
        passed = thresholds.at[inside].get(mode="promise_in_bounds", wrap_negative_indices=False) <= rank
        return jnp.where((ahead <= end) & passed, ahead, place)

    # On a CPU a loop, whose ranks are read from memory: unrolled, each gather would make them anew.
    place = jax.lax.fori_loop(0, steps, halve, jnp.broadcast_to(begin, rank.shape), unroll=not in_turn())
    return jnp.where(free > 0, rank + (place - begin), rank)


def dropout(x: Array, *, rate: Array | float, key: Array) -> Array:
    """Entries set to zero with probability ``rate``, which may be traced; the others scaled by 1/(1 - rate).

    Args:
      x: float32, any shape.
      rate: from 0 to below 1.
      key: a JAX key, a fresh one for each call.
    """
    bits = _entry_bits(x.shape, jax.random.bits(key, (2,), jnp.uint32))
    kept = bits >= jnp.asarray(rate * 2.0**32).astype(jnp.uint32)
    return jnp.where(kept, x / (1 - rate), 0)


def _entry_bits(shape: tuple[int, ...], words: Array) -> Array:
    """Random bits of each entry, uint32, from two words of a key, at half of the price of :func:`mix`.

    XLA makes them anew in the forward and in the backward pass, where they are much of the cost of a narrow model. The
    last factor is drawn, which keeps two entries all but independent (multiply-shift, Dietzfelbinger et al., 1997).
    """
    number = jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape)
    number = number * jnp.uint32(0x9E3779B9) + words[0]
    number = (number ^ (number >> 16)) * jnp.uint32(0x85EBCA6B)
    return (number ^ (number >> 13)) * (words[1] | 1)


def _shift(x: Array, bits: Array, modulus: Array) -> Array:
    """(x + u) mod modulus with u in [0, modulus) from the top 16 bits, by multiplication: division is slow."""
    moved = x + (((bits >> 16) * modulus) >> 16)
    return jnp.where(moved >= modulus, moved - modulus, moved)

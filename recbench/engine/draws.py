"""Draws on the device: permutations without sorting, negatives without rejection."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array

_ROUNDS = 8


def grid_sides(size: int) -> tuple[int, int]:
    """Sides (a, b) of the smallest near-square grid that holds ``size`` cells; a, b at most 2**16.

    The grid has fewer than a cells too many, so that walking it instead of the rows costs next to nothing.
    """
    a = max(1, math.isqrt(max(size, 1) - 1) + 1)
    return a, max(1, -(-size // a))


def permuted(slots: Array, *, key: Array, a: Array, b: Array) -> Array:
    """Where a keyed permutation of [0, a*b) sends each slot.

    An alternating (unbalanced Feistel) network over a grid of a rows and b columns: every round shifts one coordinate
    cyclically by a hash of the other, which is a bijection whatever the hash. Each slot is computed by itself: no
    sort, no memory, and the result depends on nothing but the key and the grid. With at least four rounds of a good
    hash this is a pseudo-random permutation (Luby and Rackoff, 1988); eight are taken because the grids are small.

    Args:
      slots: uint32 [n], below a*b (others come out as some other slot: mask them).
      key: a JAX key.
      a: uint32 scalar, at most 2**16.
      b: uint32 scalar, at most 2**16.

    Returns:
      uint32 [n].
    """
    keys = jax.random.bits(key, (_ROUNDS,), jnp.uint32)
    row, column = slots // b, slots % b
    for index in range(0, _ROUNDS, 2):
        row = _shift(row, _mix(column ^ keys[index]), a)
        column = _shift(column, _mix(row ^ keys[index + 1]), b)
    return row * b + column


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
    place = jnp.broadcast_to(begin, rank.shape)
    for power in reversed(range(steps)):
        ahead = place + 2**power
        inside = jnp.minimum(ahead, thresholds.shape[0]) - 1
        passed = thresholds.at[inside].get(mode="promise_in_bounds", wrap_negative_indices=False) <= rank
        place = jnp.where((ahead <= end) & passed, ahead, place)
    return jnp.where(free > 0, rank + (place - begin), rank)


def _mix(x: Array) -> Array:
    """The finaliser of MurmurHash3: every input bit reaches every output bit."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)


def _shift(x: Array, bits: Array, modulus: Array) -> Array:
    """(x + u) mod modulus with u in [0, modulus) from the top 16 bits, by multiplication: division is slow."""
    moved = x + (((bits >> 16) * modulus) >> 16)
    return jnp.where(moved >= modulus, moved - modulus, moved)

"""What the neighbourhood methods share: similarities of columns, and the cut to the nearest."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

_ROWS_A_TIME = 64
_EQUAL = 1 - 1e-6


def asymmetric_cosine(gram: Array, lengths: Array, *, asymmetry: Array, shrink: Array) -> Array:
    """Similarity of every two items, float32 [num_items (scored), num_items (history)], diagonal 0.

    s(i, j) = G_ij / (l_i^(2 - 2a) l_j^(2a) + shrink): the cosine at a = 1/2; above it, a popular j counts for less.

    Args:
      gram: inner products G, [num_items, num_items].
      lengths: l, the norm of each item or what stands for it, [num_items].
      asymmetry: a, scalar from 0 to 1.
      shrink: scalar.
    """
    lengths = jnp.maximum(lengths, 1e-6)
    scored, history = lengths ** (2 - 2 * asymmetry), lengths ** (2 * asymmetry)
    off = ~jnp.eye(gram.shape[0], dtype=bool)
    return jnp.where(off, gram / (scored[:, None] * history[None, :] + shrink), 0)


def nearest(similarity: Array, k: Array) -> Array:
    """Each row's k largest entries, the others 0, transposed: float32 [columns, rows].

    Entries that equal the k-th but for rounding count alike, so that the neighbours are the same on every device and
    under other names of the items.

    Args:
      similarity: float32 [rows, columns]; what is not positive is no neighbour.
      k: scalar.
    """

    def cut(row: Array) -> Array:
        return jnp.where(row >= kth_largest(row, k), row, 0)

    return jax.lax.map(cut, similarity, batch_size=_ROWS_A_TIME).T


def kth_largest(values: Array, k: Array) -> Array:
    """The k-th largest of ``values``, less what rounding may change: see :func:`bisect_kth`. Scalar."""
    return bisect_kth(lambda threshold: jnp.sum(values >= threshold, dtype=jnp.int32), k, ())


def bisect_kth(at_least: Callable[[Array], Array], k: Array, shape: tuple[int, ...]) -> Array:
    """The k-th largest of some values, found by counting, less what rounding may change; tiny if there are fewer.

    The bits of positive floats are ordered as they are, so the threshold is built bit by bit: 31 counts, which
    vectorise, are many times faster than a sort, and k can differ from run to run.

    Args:
      at_least: thresholds float32 -> how many values each is reached by, int32; both of the shape.
      k: scalar.
      shape: how many thresholds are sought at once.
    """
    count = jnp.asarray(k).astype(jnp.int32)

    def bit(place: Array, known: Array) -> Array:
        tried = known | (jnp.int32(1) << (30 - place))
        return jnp.where(at_least(jax.lax.bitcast_convert_type(tried, jnp.float32)) >= count, tried, known)

    bits = jax.lax.fori_loop(0, 31, bit, jnp.zeros(shape, jnp.int32))
    return jnp.maximum(jax.lax.bitcast_convert_type(bits, jnp.float32) * _EQUAL, 1e-12)

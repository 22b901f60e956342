"""Item-based nearest neighbours on cosine similarity, for rankings and for ratings.

Rankings: score(u, i) = sum of s(i, j) over the items j of u's history that are among the k most similar to i.
Ratings: mean_i + sum of s(i, j) (r_uj - mean_j) / sum of |s(i, j)| over the k items of u's history most similar to i
with s > 0, s the cosine of item-centred ratings.
Source: Sarwar et al., WWW 2001; Deshpande and Karypis, TOIS 2004. Shrinkage: Bell and Koren, ICDM 2007.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix
from recbench_algorithms.means import item_means


class ItemKNN:
    """State: similarities cut to each item's k nearest, float32 [num_items (history), num_items (scored)]."""

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array) -> Array:
        similarity = _cosine(train.gram(), shrink=hyper["shrink"])
        k = min(hyper["neighbours"], train.num_items)
        # Cosines that are equal but for rounding count alike, so that the neighbours are the same on every device.
        threshold = jax.lax.top_k(similarity, k)[0][:, -1:] * (1 - 1e-6)
        return jnp.where(similarity >= jnp.maximum(threshold, 1e-12), similarity, 0).T

    def score(self, state: Array, query: Query) -> Array:
        return query.observed() @ state


class RatingNeighbours(NamedTuple):
    """State of :class:`ItemKNNRatings`."""

    similarity: Array  # float32 [num_items, num_items], zero diagonal
    means: Array  # float32 [num_items]
    neighbours: Array  # int32 scalar shape [neighbours]: its length is k


class ItemKNNRatings:
    """Predicts ratings; the neighbours are chosen among what each user has rated."""

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array) -> RatingNeighbours:
        means = item_means(train)
        similarity = _cosine(train.gram(shift=means), shrink=hyper["shrink"])
        return RatingNeighbours(similarity, means, jnp.zeros(hyper["neighbours"], jnp.int8))

    def predict(self, state: RatingNeighbours, query: Query, rows: Array, items: Array) -> Array:
        history, real = query.items[rows], query.mask[rows]
        nearness = jnp.where(real, state.similarity[items[:, None], history], 0)
        k = min(state.neighbours.shape[0], history.shape[1])
        near, place = jax.lax.top_k(nearness, k)
        near = jnp.maximum(near, 0)
        rated = jnp.take_along_axis(query.values[rows] - state.means[history], place, axis=1)
        weight = near.sum(axis=1)
        shift = (near * rated).sum(axis=1) / jnp.maximum(weight, 1e-9)
        return state.means[items] + jnp.where(weight > 1e-9, shift, 0)

    def score(self, state: RatingNeighbours, query: Query) -> Array:
        count = query.users.shape[0]
        rows = jnp.repeat(jnp.arange(count), query.num_items)
        items = jnp.tile(jnp.arange(query.num_items), count)
        return self.predict(state, query, rows, items).reshape(count, query.num_items)


def _cosine(gram: Array, *, shrink: Array) -> Array:
    """Cosine of every two columns from their inner products, the norms' product enlarged by ``shrink``; diagonal 0."""
    norm = jnp.sqrt(jnp.diagonal(gram))
    scale = norm[:, None] * norm[None, :] + shrink
    off = ~jnp.eye(gram.shape[0], dtype=bool)
    return jnp.where(off, gram / jnp.maximum(scale, 1e-12), 0)

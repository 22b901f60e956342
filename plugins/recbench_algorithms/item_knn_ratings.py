"""Item-based nearest neighbours, for ratings.

prediction(u, i) = b_ui + sum of s(i, j) (r_uj - b_uj) / sum of s(i, j) over the k items j of u's history most similar
to i with s > 0. b: the item's mean, or a baseline (see ``baseline``). s(i, j) = n_ij / (n_ij + shrink) times the cosine
of what i's and j's ratings deviate from b, n_ij the users who rated both.
Source: Sarwar et al., WWW 2001 (means); Koren, KDD 2008, section 2.2 (baselines, shrinkage).
Grid: neighbours 20 to 80, shrink 0 to 100. Baselines are worth 0.013 RMSE on ml-100k.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix
from recbench_algorithms.baseline import Baseline, fit_baseline
from recbench_algorithms.similarity import bisect_kth


class Deviations(NamedTuple):
    """What the similarities of a grid are made of."""

    baseline: Baseline
    gram: Array  # of deviations, float32 [num_items, num_items]
    common: Array  # users who rated both, float32 [num_items, num_items]


class RatingNeighbours(NamedTuple):
    """State of :class:`ItemKNNRatings`."""

    baseline: Baseline
    similarity: Array  # float32 [num_items, num_items], zero diagonal
    neighbours: Array  # k, scalar


class ItemKNNRatings:
    """Predicts ratings; the neighbours are chosen among what each user has rated.

    ``damping`` is static, so that a grid over the others shares two products.
    """

    def prepare(self, train: TrainMatrix, *, hyper: Hyper) -> Deviations:
        baseline = fit_baseline(train, centre=hyper["centre"], damping=hyper["damping"])

        user = jnp.minimum(train.user, train.num_users - 1)
        above = baseline.deviations(train.value, baseline.users[user], train.item)
        common = train.with_values(jnp.ones_like(train.value))
        return Deviations(baseline, train.with_values(above).gram(), common.gram())

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array, prepared: Deviations) -> RatingNeighbours:
        baseline, gram, common = prepared
        norm = jnp.maximum(jnp.sqrt(jnp.diagonal(gram)), 1e-6)
        cosine = gram / (norm[:, None] * norm[None, :])
        similarity = cosine * common / jnp.maximum(common + hyper["shrink"], 1)
        similarity = jnp.where(jnp.eye(len(gram), dtype=bool), 0, similarity)
        return RatingNeighbours(baseline, similarity, jnp.asarray(hyper["neighbours"]))

    def predict(self, state: RatingNeighbours, query: Query, rows: Array, items: Array) -> Array:
        return _predict(state, query, state.baseline.user_bias(query), rows, items)

    def score(self, state: RatingNeighbours, query: Query) -> Array:
        bias, items = state.baseline.user_bias(query), jnp.arange(query.num_items)

        def user(row: Array) -> Array:
            return _predict(state, query, bias, jnp.full_like(items, row), items)

        return jax.lax.map(user, jnp.arange(len(bias)))


def _predict(state: RatingNeighbours, query: Query, bias: Array, rows: Array, items: Array) -> Array:
    """Ratings of pairs, [pairs], given b_u of the users of the query."""
    baseline = state.baseline
    # The rows of the items are copied first: to pick from a copy is faster than to pick from all of the matrix.
    near = jnp.take_along_axis(state.similarity[items], query.items[rows], axis=1)
    near = jnp.where(query.mask[rows], jnp.maximum(near, 0), 0)
    threshold = bisect_kth(
        lambda tried: jnp.sum(near >= tried[:, None], axis=1, dtype=jnp.int32), state.neighbours, rows.shape
    )
    near = jnp.where(near >= threshold[:, None], near, 0)
    above = baseline.deviations(query.values, bias[:, None], query.items)[rows]
    weight = near.sum(axis=1)
    shift = (near * above).sum(axis=1) / jnp.maximum(weight, 1e-9)
    return baseline.mean + bias[rows] + baseline.items[items] + jnp.where(weight > 1e-9, shift, 0)

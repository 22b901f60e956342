"""Item-based nearest neighbours, for rankings.

score(u, i) = sum of s(i, j) over the items j of u's history that are among the k most similar to i.
s(i, j) = <x_i, x_j> / (l_i^(2 - 2a) l_j^(2a) + shrink), x the columns of the train matrix with its users weighted, l
their lengths (see ``weighting``): the cosine at a = 1/2.
Source: Deshpande and Karypis, TOIS 2004. Asymmetry: Aiolli, RecSys 2013, section 4. Shrinkage: Bell and Koren, ICDM
2007.
Grid: weighting all three, neighbours 50 to 200, asymmetry 0.5 to 0.8; a shrinkage gains little beside them.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix
from recbench_algorithms.similarity import asymmetric_cosine, nearest
from recbench_algorithms.weighting import filled, lengths, term_weights


class Columns(NamedTuple):
    """What the similarities of a grid are made of."""

    gram: Array  # float32 [num_items, num_items]
    lengths: Array  # float32 [num_items]


class ItemKNN:
    """State: similarities cut to each item's k nearest, float32 [num_items (history), num_items (scored)]."""

    def prepare(self, train: TrainMatrix, *, hyper: Hyper) -> Columns:
        by_user, by_item = train.user_sums(train.value), train.item_sums(train.value)
        weighting, items = hyper["weighting"], filled(by_item)
        weights = term_weights(by_user, documents=items, weighting=weighting)
        user = jnp.minimum(train.user, train.num_users - 1)
        gram = train.with_values(train.value * weights[user]).gram()
        mean = by_item.sum() / jnp.maximum(items, 1)
        return Columns(gram, lengths(jnp.diagonal(gram), by_item, mean=mean, weighting=weighting))

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array, prepared: Columns) -> Array:
        similarity = asymmetric_cosine(*prepared, asymmetry=hyper["asymmetry"], shrink=hyper["shrink"])
        return nearest(similarity, hyper["neighbours"])

    def score(self, state: Array, query: Query) -> Array:
        return jnp.matmul(query.observed(), state, precision="highest")

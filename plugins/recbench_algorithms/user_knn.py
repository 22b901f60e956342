"""User-based nearest neighbours, for rankings.

score(u, i) = sum of s(u, v) x_vi over the k train users v most similar to u, u itself left out.
s(u, v) = <x_u, x_v> / (l_u^(2 - 2a) l_v^(2a)), x the rows of the train matrix with its items weighted, l their lengths
(see ``weighting``): the cosine at a = 1/2; above it, users with long histories count for less. The factor of u orders
nothing and is left out.
Source: Sarwar et al., EC 2000, section 3. Asymmetry: Aiolli, RecSys 2013, section 4.
Grid: weighting all three, neighbours 50 to 200, asymmetry 0.5 to 0.8.

Nothing is learned: the train rows are what scores. A slice of the query is compared with all train users at once, so
that no array is larger than the slice allows.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix
from recbench_algorithms.similarity import bisect_kth
from recbench_algorithms.weighting import filled, lengths, term_weights

_SLICE_ELEMENTS = 2**24


class TrainUsers(NamedTuple):
    """State: the train users and what it takes to compare others with them."""

    train: TrainMatrix
    weights: Array  # float32 [num_items], squared weight of each item
    scale: Array  # float32 [num_users], l_v^(2a)
    totals: Array  # float32 [num_users], sum of the squared weights of the user's items
    neighbours: Array  # k, scalar


class UserKNN:
    """State: :class:`TrainUsers`."""

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array) -> TrainUsers:
        by_user, by_item = train.user_sums(train.value), train.item_sums(train.value)
        weighting, users = hyper["weighting"], filled(by_user)
        weights = term_weights(by_item, documents=users, weighting=weighting) ** 2
        mean = by_user.sum() / jnp.maximum(users, 1)
        squares = train.user_sums(weights[train.item] * train.value**2)
        length = lengths(squares, by_user, mean=mean, weighting=weighting)
        return TrainUsers(
            train=train,
            weights=weights,
            scale=jnp.maximum(length, 1e-6) ** (2 * hyper["asymmetry"]),
            totals=train.user_sums(weights[train.item] * train.value),
            neighbours=jnp.asarray(hyper["neighbours"]),
        )

    def score(self, state: TrainUsers, query: Query) -> Array:
        users, items = query.users.shape[0], query.num_items
        size = max(1, min(users, _SLICE_ELEMENTS // max(1, state.train.num_users)))
        missing = -users % size
        rows = jnp.pad(query.observed(), ((0, missing), (0, 0))).reshape(-1, size, items)
        numbers = jnp.pad(query.users, (0, missing), constant_values=-1).reshape(-1, size)
        scores = jax.lax.map(lambda part: _scores_of_slice(state, *part), (rows, numbers))
        return scores.reshape(-1, items)[:users]


def _scores_of_slice(state: TrainUsers, rows: Array, users: Array) -> Array:
    """Scores of some users with histories ``rows`` [size, num_items], [size, num_items]."""
    near = _similarities(state, rows, users)
    threshold = bisect_kth(
        lambda tried: jnp.sum(near >= tried[None, :], axis=0, dtype=jnp.int32), state.neighbours, users.shape
    )
    return state.train.rmatmul(jnp.where(near >= threshold[None, :], near, 0)).T


def _similarities(state: TrainUsers, rows: Array, users: Array) -> Array:
    """Similarity of every train user to every user of the slice, float32 [num_users, size]; 0 to oneself."""
    common = state.train.matmul((rows * state.weights[None, :]).T)
    place, column = jnp.clip(users, 0, state.train.num_users - 1), jnp.arange(users.shape[0])
    # The number of a fake user is nobody's: a row is the user's own only if all of it stands in the history.
    whole = common[place, column] >= state.totals[place] * (1 - 1e-5)
    own = (users == place) & whole
    return (common / state.scale[:, None]).at[place, column].multiply(jnp.where(own, 0.0, 1.0))

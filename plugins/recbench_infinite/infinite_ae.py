"""The infinite autoencoder: kernel ridge regression of users' rows on themselves, with the tangent kernel.

X_hat = K(X', X) (K(X, X) + l2 mean(diag K) I)^-1 X, X the train rows of users and X' the histories to score, both of
zeros and ones. Nothing is learned but the ridge. Fake users are rows of weights.

``users`` bounds the kernel where all users are too many: so many are drawn that have rows, as the paper does for
Netflix; a sample of whole users, by any sampler, does the same with users of its choice.

Source: Sachdeva et al., Infinite Recommendation Networks: A Data-Centric Approach, NeurIPS 2022, sections 3 and 5.
Grid: l2 0, 1, 5, 20, 50, 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix
from recbench_infinite.kernel import Network, diagonals, tangents
from recbench_infinite.ridge import weights


class Prepared(NamedTuple):
    """What a grid over the ridge shares."""

    rows: Array  # float32 [users, num_items]
    place: Array  # int32 [train users], where each stands in rows; users: nowhere
    kernel: Array  # float32 [users, users]; an empty row is a unit vector, apart from all others
    mean: Array  # of the diagonal, over the users that have a row


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["rows", "place", "weights", "ridge"],
    meta_fields=["network", "repeats"],
)
@dataclass(frozen=True, slots=True)
class FittedUsers:
    """State: the users that the kernel is of, and what they are weighed with."""

    rows: Array  # float32 [users, num_items]
    place: Array  # int32 [train users]
    weights: Array  # float32 [users, num_items]
    ridge: Array  # what was added to the kernel's diagonal
    network: Network
    repeats: str


class InfiniteAutoencoder:
    """State: :class:`FittedUsers`."""

    def prepare(self, train: TrainMatrix, *, hyper: Hyper) -> Prepared:
        size = hyper["users"] or train.num_users
        place = _places(train, size=size, seed=hyper["users_seed"])
        rows = _train_rows(train, place, size=size, repeats=hyper["repeats"])
        squares = jnp.square(rows).sum(axis=1)
        there = squares > 0
        network = _network(hyper)
        diagonal = jnp.where(there, diagonals(squares, num_items=train.num_items, network=network).tangent, 0)
        kernel = tangents(rows, rows, network)
        apart = jnp.where(there[:, None] & there[None, :], kernel, 0)
        one = jnp.arange(size)
        apart = apart.at[one, one].set(jnp.where(there, diagonal, 1))
        return Prepared(rows, place, apart, diagonal.sum() / jnp.maximum(there.sum(), 1))

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array, prepared: Prepared) -> FittedUsers:
        ridge = hyper["l2"] * prepared.mean
        return FittedUsers(
            rows=prepared.rows,
            place=prepared.place,
            weights=weights(prepared.kernel, prepared.rows, ridge),
            ridge=ridge,
            network=_network(hyper),
            repeats=hyper["repeats"],
        )

    def score(self, state: FittedUsers, query: Query) -> Array:
        rows = _history_rows(query, repeats=state.repeats)
        size = len(state.rows)
        known = (query.users >= 0) & (query.users < len(state.place))
        place = jnp.where(known, state.place[jnp.where(known, query.users, 0)], size)
        own = jnp.minimum(place, size - 1)
        # A row that the weights were fitted to has its prediction already, and one without a history is not asked for.
        fitted = ((place < size) & (rows == state.rows[own]).all(axis=1)) | ~query.mask.any(axis=1)
        return jax.lax.cond(
            fitted.all(),
            lambda: state.rows[own] - state.ridge * state.weights[own],
            lambda: _predicted(state, rows),
        )


def _predicted(state: FittedUsers, rows: Array) -> Array:
    """K(rows, users) weights, float32 [rows, num_items]."""
    kernel = tangents(rows, state.rows, state.network)
    return jnp.matmul(kernel, state.weights, precision="highest")


def _network(hyper: Hyper) -> Network:
    return Network(hyper["depth"], hyper["weight_std"] ** 2, hyper["bias_std"] ** 2)


def _places(train: TrainMatrix, *, size: int, seed: int) -> Array:
    """Which users the kernel is of: all, or ``size`` drawn from those that have rows, int32 [train users]."""
    if size >= train.num_users:
        return jnp.arange(train.num_users, dtype=jnp.int32)
    empty = train.user_sums(train.mask.astype(jnp.float32)) == 0
    _, chosen = jax.lax.top_k(jax.random.uniform(jax.random.key(seed), empty.shape) - empty, size)
    return jnp.full(train.num_users, size, jnp.int32).at[jnp.sort(chosen)].set(jnp.arange(size, dtype=jnp.int32))


def _train_rows(train: TrainMatrix, place: Array, *, size: int, repeats: str) -> Array:
    """The rows of the chosen users, float32 [size, num_items]: ones, weights of fake users, or counts."""
    where = jnp.where(train.mask, place[jnp.minimum(train.user, train.num_users - 1)], size)
    empty = jnp.zeros((size, train.num_items), jnp.float32)
    if repeats == "counted":
        return empty.at[where, train.item].add(train.value, mode="drop")
    return empty.at[where, train.item].max(train.value, mode="drop")


def _history_rows(query: Query, *, repeats: str) -> Array:
    if repeats == "counted":
        users = jnp.arange(len(query.users))[:, None]
        empty = jnp.zeros((len(query.users), query.num_items), jnp.float32)
        return empty.at[users, query.items].add(query.mask.astype(jnp.float32))
    return query.observed()

"""The infinite autoencoder: kernel ridge regression of users' rows on themselves, with the tangent kernel.

X_hat = K(X', X) (K(X, X) + l2 mean(diag K) I)^-1 X, X the train rows of users and X' the histories to score, both of
zeros and ones. Nothing is learned but the ridge. Fake users are rows of weights.

``users`` bounds the kernel where all users are too many: so many are drawn that have rows, as the paper does for
Netflix; a sample of whole users, by any sampler, does the same with users of its choice. With ``inducing`` those who
were drawn are a basis, and the weights fit all users' rows: with M of the basis and U all,
X_hat = K(X', M) (K(M, U) K(U, M) + l2 mean(diag K) K(M, M))^-1 K(M, U) X.

Source: Sachdeva et al., Infinite Recommendation Networks: A Data-Centric Approach, NeurIPS 2022, sections 3 and 5; of
inducing users: Williams, Seeger, Using the Nystrom Method to Speed Up Kernel Machines, NIPS 2000; Smola, Bartlett,
Sparse Greedy Gaussian Process Regression, NIPS 2000 (the subset of regressors).
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
from recbench_infinite.ridge import of_first, weights

_BLOCK = 1024  # users at a time, where inducing users meet all of them
_JITTER = 1e-5  # relative, on the kernel of inducing users: two of them may have the same row


class Prepared(NamedTuple):
    """What a grid over the ridge shares."""

    rows: Array  # float32 [users, num_items]
    place: Array  # int32 [train users], where each stands in rows; users: nowhere
    kernel: Array  # float32 [users, users]; an empty row is a unit vector, apart from all others
    targets: Array  # float32 [users, num_items], what the weights of the kernel are to give
    basis: Array | None  # of inducing users: float32 [users, users], lower triangle; weights are of its transpose
    mean: Array  # of the diagonal, over the users that have a row
    known: Array  # int32, how many have one: they stand first


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["rows", "place", "weights", "ridge", "known"],
    meta_fields=["network", "repeats"],
)
@dataclass(frozen=True, slots=True)
class FittedUsers:
    """State: the users that the kernel is of, and what they are weighed with."""

    rows: Array  # float32 [users, num_items]
    place: Array  # int32 [train users]
    weights: Array  # float32 [users, num_items]
    ridge: Array  # what was added to the kernel's diagonal
    known: Array  # int32, how many rows are not empty: they stand first
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
        known = there.sum()
        kernel = of_first(known, size, lambda first: _placed(tangents(rows[:first], rows[:first], network), size))
        apart = jnp.where(there[:, None] & there[None, :], kernel, 0)
        one = jnp.arange(size)
        apart = apart.at[one, one].set(jnp.where(there, diagonal, 1))
        mean = diagonal.sum() / jnp.maximum(known, 1)
        chosen = Prepared(rows, place, apart, rows, None, mean, known)
        return _inducing(train, chosen, hyper) if hyper["inducing"] else chosen

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array, prepared: Prepared) -> FittedUsers:
        ridge = hyper["l2"] * prepared.mean
        found = weights(prepared.kernel, prepared.targets, ridge, prepared.known)
        return FittedUsers(
            rows=prepared.rows,
            place=prepared.place,
            weights=found if prepared.basis is None else _solved(prepared.basis, found, transposed=True),
            ridge=ridge,
            known=prepared.known,
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
        return _scores(state, rows, own, fitted.all())


@jax.custom_batching.sequential_vmap  # side by side, runs would be predicted in full whether they need that or not
def _scores(state: FittedUsers, rows: Array, own: Array, fitted: Array) -> Array:
    return jax.lax.cond(
        fitted,
        lambda: state.rows[own] - state.ridge * state.weights[own],
        lambda: _predicted(state, rows),
    )


def _inducing(train: TrainMatrix, chosen: Prepared, hyper: Hyper) -> Prepared:
    """The chosen users as a basis in which the kernel of all users is K(U, M) K(M, M)^-1 K(M, U)."""
    if hyper["repeats"] == "counted":
        raise ValueError("inducing users are for rows of ones: take repeats=once, or inducing=false")
    diagonal = jnp.diagonal(chosen.kernel)
    basis = jnp.linalg.cholesky(chosen.kernel + _JITTER * jnp.diag(diagonal))
    products, targets, mean = _of_all_users(train, chosen.rows, _network(hyper))
    kernel = _solved(basis, _solved(basis, products).T)
    nowhere = jnp.full_like(chosen.place, len(chosen.rows))  # nobody's own row was fitted exactly
    kernel, targets = (kernel + kernel.T) / 2, _solved(basis, targets)
    return Prepared(chosen.rows, nowhere, kernel, targets, basis, mean, chosen.known)


def _of_all_users(train: TrainMatrix, rows: Array, network: Network) -> tuple[Array, Array, Array]:
    """Of the kernel K of inducing users and all users: K K', K X, and the mean of the diagonal of all users' kernel."""
    num_items, size = train.num_items, min(_BLOCK, train.num_users)
    there = rows.any(axis=1)

    def add(number: Array, sums: tuple[Array, ...]) -> tuple[Array, ...]:
        block = train.rows(number * size, size)
        squares = jnp.square(block).sum(axis=1)
        known = squares > 0
        kernel = jnp.where(known[:, None] & there[None, :], tangents(block, rows, network), 0)
        diagonal = diagonals(squares, num_items=num_items, network=network).tangent
        products = (jnp.matmul(kernel.T, each, precision="highest") for each in (kernel, block))
        new = (*products, jnp.where(known, diagonal, 0).sum(), known.sum())
        return tuple(map(jnp.add, sums, new))

    empty = (jnp.zeros((len(rows), len(rows))), jnp.zeros_like(rows), jnp.zeros(()), jnp.zeros((), jnp.int32))
    products, targets, total, count = jax.lax.fori_loop(0, -(-train.num_users // size), add, empty)
    return products, targets, total / jnp.maximum(count, 1)


def _solved(basis: Array, targets: Array, *, transposed: bool = False) -> Array:
    return jax.lax.linalg.triangular_solve(basis, targets, left_side=True, lower=True, transpose_a=transposed)


def _predicted(state: FittedUsers, rows: Array) -> Array:
    """K(rows, users) weights, float32 [rows, num_items]."""

    def predicted(first: int) -> Array:
        kernel = tangents(rows, state.rows[:first], state.network)
        return jnp.matmul(kernel, state.weights[:first], precision="highest")

    return of_first(state.known, len(state.rows), predicted)


def _placed(block: Array, size: int) -> Array:
    """A square matrix as the first rows and columns of a larger one of zeros."""
    return jnp.pad(block, (0, size - len(block)))


def _network(hyper: Hyper) -> Network:
    return Network(hyper["depth"], hyper["weight_std"] ** 2, hyper["bias_std"] ** 2)


def _places(train: TrainMatrix, *, size: int, seed: int) -> Array:
    """Which users the kernel is of, int32 [train users]: all, or ``size`` drawn; those that have rows stand first."""
    empty = train.user_sums(train.mask.astype(jnp.float32)) == 0
    chosen = jnp.arange(train.num_users)
    if size < train.num_users:
        _, drawn = jax.lax.top_k(jax.random.uniform(jax.random.key(seed), empty.shape) - empty, size)
        chosen = jnp.sort(drawn)
    ordered = chosen[jnp.argsort(empty[chosen], stable=True)]
    return jnp.full(train.num_users, size, jnp.int32).at[ordered].set(jnp.arange(len(ordered), dtype=jnp.int32))


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

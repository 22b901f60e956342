"""iALS: factors of implicit feedback by alternating least squares over all pairs.

Minimises  sum over observed (u, i) of w_ui (1 - <p_u, q_i>)^2  +  alpha0 x sum over all (u, i) of <p_u, q_i>^2
         + l2 x sum over u of (n_u + alpha0 |I|)^nu |p_u|^2  +  l2 x sum over i of (n_i + alpha0 |U|)^nu |q_i|^2
with w_ui how often the pair was observed (a fake user's weight), n the sums of w over a row or column. Given the items,
p_u = (sum_i w_ui q_i q_i' + alpha0 Q'Q + c_u I)^-1 sum_i w_ui q_i, and likewise the items given the users.
A user is scored by this one solve from the history of the query.
Source: Hu, Koren, Volinsky, ICDM 2008; in this form Rendle, Krichene, Zhang, Koren, Revisiting the Performance of iALS
on Item Recommendation Benchmarks, RecSys 2022, section 3; solved by warm-started conjugate gradients (Takacs, Pilaszy,
Tikk, RecSys 2011). Three steps a solve leave a residual below 0.001 of the right side from the eighth iteration on, and
more change no metric (measured on MovieLens-1M).
Worth searching: unobserved_weight in {0.15, 0.5, 1.5}, l2 in {0.0025, 0.005, 0.01, 0.02}, 128 and 256 factors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix
from recbench_algorithms.conjugate_gradients import solve_rows

_INITIAL = 0.1
"""Standard deviation of the items' initial factors, times the root of their number."""

_FOLD_IN_STEPS = 8
"""From zero, after so many steps the residual is below 1e-4 of the right side (measured on MovieLens-1M)."""


class Weights(NamedTuple):
    """The objective's scalars."""

    unobserved: Array  # alpha0
    l2: Array
    exponent: Array  # nu

    def ridge(self, observed: Array, others: int) -> Array:
        """c of each row, [rows, 1], from the sum of its weights and the number of columns."""
        return (self.l2 * (observed + self.unobserved * others) ** self.exponent)[:, None]


class Factors(NamedTuple):
    """State of :class:`IALS`: all that a user is solved from."""

    items: Array  # float32 [num_items, latent]
    gram: Array  # Q'Q, float32 [latent, latent]
    inverse: Array  # the preconditioner, float32 [latent, latent]
    weights: Weights


class IALS:
    """Alternating solves, users first."""

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array) -> Factors:
        weights = Weights(hyper["unobserved_weight"], hyper["l2"], hyper["exponent"])
        steps, latent = hyper["steps"], hyper["latent"]
        per_user, per_item = train.user_sums(train.value), train.item_sums(train.value)
        of_users, of_items = weights.ridge(per_user, train.num_items), weights.ridge(per_item, train.num_users)

        def iteration(_: Array, factors: tuple[Array, Array]) -> tuple[Array, Array]:
            users, items = factors
            system = partial(_systems, weights=weights)
            inverse = _mean_inverse(items, per_item, of_users, weights=weights)
            observed = partial(_user_products, train, items)
            users = solve_rows(
                system(observed, items, of_users), train.matmul(items), users, inverse=inverse, steps=steps
            )
            inverse = _mean_inverse(users, per_user, of_items, weights=weights)
            observed = partial(_item_products, train, users)
            items = solve_rows(
                system(observed, users, of_items), train.rmatmul(users), items, inverse=inverse, steps=steps
            )
            return users, items

        items = _INITIAL / latent**0.5 * jax.random.normal(key, (train.num_items, latent))
        items = jnp.where((per_item > 0)[:, None], items, 0)
        users = jnp.zeros((train.num_users, latent))
        _, items = jax.lax.fori_loop(0, hyper["iterations"], iteration, (users, items))
        inverse = _mean_inverse(items, per_item, of_users, weights=weights)
        return Factors(items, _gram(items), inverse, weights)

    def score(self, state: Factors, query: Query) -> Array:
        history = _counts(query)
        ridge = state.weights.ridge(history.sum(axis=1), query.num_items)

        def apply(users: Array) -> Array:
            seen = _product(history * _product(users, state.items.T), state.items)
            return seen + state.weights.unobserved * _product(users, state.gram) + ridge * users

        right = _product(history, state.items)
        users = solve_rows(apply, right, jnp.zeros_like(right), inverse=state.inverse, steps=_FOLD_IN_STEPS)
        return _product(users, state.items.T)


def _systems(
    observed: Callable[[Array], Array], others: Array, ridge: Array, *, weights: Weights
) -> Callable[[Array], Array]:
    """The matrix of every row's normal equations, as what it does to a vector a row."""
    gram = weights.unobserved * _gram(others)
    return lambda rows: observed(rows) + _product(rows, gram) + ridge * rows


def _mean_inverse(others: Array, observed: Array, ridge: Array, *, weights: Weights) -> Array:
    """Inverse of the mean of all rows' matrices: one preconditioner for all."""
    gram = weights.unobserved * _gram(others) + _product((observed[:, None] * others).T, others) / ridge.shape[0]
    return jnp.linalg.inv(gram + ridge.mean() * jnp.eye(others.shape[1]))


def _user_products(train: TrainMatrix, items: Array, users: Array) -> Array:
    """sum over i of w_ui <p_u, q_i> q_i for every user."""

    def add(total: Array, user: Array, item: Array, value: Array) -> Array:
        user = jnp.minimum(user, train.num_users - 1)
        mine = items[item]
        return total.at[user].add(_scaled(value, users[user], mine) * mine)

    return train.fold(jnp.zeros_like(users), add)


def _item_products(train: TrainMatrix, users: Array, items: Array) -> Array:
    """sum over u of w_ui <p_u, q_i> p_u for every item."""

    def add(total: Array, user: Array, item: Array, value: Array) -> Array:
        mine = users[jnp.minimum(user, train.num_users - 1)]
        return total.at[item].add(_scaled(value, mine, items[item]) * mine)

    return train.fold(jnp.zeros_like(items), add)


def _scaled(value: Array, x: Array, y: Array) -> Array:
    """w <x, y> of each coordinate, [chunk, 1]; a product with ones sums a row faster than a reduction does."""
    return value[:, None] * _product(x * y, jnp.ones((x.shape[1], 1)))


def _counts(query: Query) -> Array:
    """How often each item stands in each history, float32 [users, num_items]."""
    rows, values = jnp.arange(query.items.shape[0])[:, None], jnp.where(query.mask, query.values, 0)
    return jnp.zeros((query.items.shape[0], query.num_items)).at[rows, query.items].add(values)


def _gram(factors: Array) -> Array:
    return _product(factors.T, factors)


def _product(x: Array, y: Array) -> Array:
    return jnp.matmul(x, y, precision="highest")

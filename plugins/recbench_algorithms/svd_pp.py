"""SVD++: factors of ratings that also learn from which items a user has rated at all.

prediction(u, i) = mean + b_u + b_i + <q_i, p_u + |N(u)|^-1/2 sum over j in N(u) of y_j>, N(u) the items that u rated.
Each train rating adds (prediction - rating)^2 + l2 (b_u^2 + b_i^2 + |p_u|^2 + |q_i|^2 + sum over j in N(u) of |y_j|^2).
Source: Koren, Factorization Meets the Neighborhood, KDD 2008, section 4 (equation 15), with one l2 for all.
The sums over N(u) are taken anew in every step, one pass over the train rows: batches are large to make few of them.
When scoring, N(u) is the history of the query.
Worth searching: l2 from 0.01 to 0.1, 20 to 100 factors.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from recbench import (
    Feedback,
    Hyper,
    ItemTable,
    ModelShape,
    Query,
    RatingsBatch,
    Stage,
    StepContext,
    UserTable,
    look_up,
)
from recbench_algorithms.pairwise import dots, squares

_SCALE = 0.01
"""Standard deviation of the initial factors: from small ones the strongest structure is learned first."""


class ImpliedModule(nnx.Module):
    """Tables float32 [num_users] or [num_items] (biases), [num_users, latent] or [num_items, latent] (factors)."""

    def __init__(self, shape: ModelShape, *, latent: int, key: Array) -> None:
        users, items, implied = jax.random.split(key, 3)
        self.mean = nnx.Variable(jnp.asarray(shape.mean_rating))
        self.user_bias = UserTable(jnp.zeros(shape.num_users))
        self.item_bias = ItemTable(jnp.zeros(shape.num_items))
        self.user_factors = UserTable(_SCALE * jax.random.normal(users, (shape.num_users, latent)))
        self.item_factors = ItemTable(_SCALE * jax.random.normal(items, (shape.num_items, latent)))
        self.implied = ItemTable(_SCALE * jax.random.normal(implied, (shape.num_items, latent)))

    def loss(self, batch: RatingsBatch, context: StepContext) -> Array:
        implied, penalty = self._implied(batch.users, context)
        own, factors = self.user_factors[batch.users], self.item_factors[batch.items]
        user_bias, item_bias = self.user_bias[batch.users], self.item_bias[batch.items]
        prediction = self.mean[...] + user_bias + item_bias + dots(own + implied, factors)
        penalty += squares(user_bias, item_bias, own, factors)
        return jnp.square(prediction - batch.ratings) + context.hyper["l2"] * penalty

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        affinity = dots(self._users(query)[rows], self.item_factors[items])
        return self.mean[...] + look_up(self.user_bias[...], query.users[rows]) + self.item_bias[items] + affinity

    def score(self, query: Query) -> Array:
        user_bias = look_up(self.user_bias[...], query.users)[:, None]
        affinity = self._users(query) @ self.item_factors[...].T
        return self.mean[...] + user_bias + self.item_bias[...][None, :] + affinity

    def _implied(self, users: Array, context: StepContext) -> tuple[Array, Array]:
        """|N(u)|^-1/2 sum of y_j, [batch, latent], and the sum of |y_j|^2, [batch]."""
        train, table = context.train, self.implied[...]
        rated = train.mask.astype(table.dtype)
        sums = train.with_values(rated).matmul(jnp.concatenate([table, squares(table)[:, None]], axis=1))[users]
        count = train.user_sums(rated)[users]
        return sums[:, :-1] * _inverse_root(count), sums[:, -1]

    def _users(self, query: Query) -> Array:
        """What meets the items' factors: p_u and what the history implies, [users, latent]."""
        history = query.observed()
        implied = (history @ self.implied[...]) * _inverse_root(history.sum(axis=1))
        return look_up(self.user_factors[...], query.users) + implied


class SVDPP:
    """One stage, Adam."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        return [Stage(self._build, "ratings", batch_size=hyper["batch_size"])]

    def _build(self, shape: ModelShape, *, hyper: Hyper, key: Array, earlier: tuple[nnx.Module, ...]) -> ImpliedModule:
        return ImpliedModule(shape, latent=hyper["latent"], key=key)


def _inverse_root(count: Array) -> Array:
    """|N|^-1/2 as a column; an empty N has an empty sum, whatever it is multiplied with."""
    return jax.lax.rsqrt(jnp.maximum(count, 1))[:, None]

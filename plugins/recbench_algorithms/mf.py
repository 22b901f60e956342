"""Matrix factorisation with biases.

Explicit: squared error on mean + b_u + b_i + <p_u, q_i>. Implicit and sequential: BPR. To each example's loss is added
l2 times the squares of the biases and factors that it is predicted from.
Source: Koren, Bell, Volinsky, IEEE Computer 2009; BPR-MF: Rendle et al., UAI 2009, section 5.1; dropout on the factors
as in Sachdeva, Wu, McAuley, WSDM 2022.
Worth searching: l2 in {0.02, 0.05, 0.08} on ratings and {0.001, 0.003, 0.01} on pairs; learning rate 0.001 to 0.003
for 50 factors and more, 0.008 for few.
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
    PairsBatch,
    Query,
    RatingsBatch,
    Stage,
    StepContext,
    UserTable,
    dropout,
    look_up,
)
from recbench_algorithms.pairwise import bpr, dots, one_stage, squares

_SCALE = 0.01
"""Standard deviation of the initial factors: from small ones the strongest structure is learned first."""


class FactorModule(nnx.Module):
    """prediction(u, i) = mean + b_u + b_i + <p_u, q_i>."""

    def __init__(self, shape: ModelShape, *, latent: int, key: Array) -> None:
        users, items = jax.random.split(key)
        self.mean = nnx.Variable(jnp.asarray(shape.mean_rating))
        self.user_bias = UserTable(jnp.zeros(shape.num_users))
        self.item_bias = ItemTable(jnp.zeros(shape.num_items))
        self.user_factors = UserTable(_SCALE * jax.random.normal(users, (shape.num_users, latent)))
        self.item_factors = ItemTable(_SCALE * jax.random.normal(items, (shape.num_items, latent)))

    def loss(self, batch: RatingsBatch | PairsBatch, context: StepContext) -> Array:
        user_key, item_key = jax.random.split(context.key)
        rate, l2 = context.hyper["dropout"], context.hyper["l2"]
        user, item, bias = self.user_factors[batch.users], self.item_factors[batch.items], self.item_bias[batch.items]
        kept = dropout(user, rate=rate, key=user_key)
        own = dots(kept, dropout(item, rate=rate, key=item_key)) + bias
        if isinstance(batch, RatingsBatch):
            user_bias = self.user_bias[batch.users]
            error = jnp.square(self.mean[...] + user_bias + own - batch.ratings)
            return error + l2 * squares(user, item, user_bias, bias)
        negatives, biases = self.item_factors[batch.negatives], self.item_bias[batch.negatives]
        others = jnp.einsum("bd,bnd->bn", kept, negatives) + biases
        return bpr(own[:, None] - others) + l2 * squares(user, item, negatives, bias, biases)

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        users = query.users[rows]
        affinity = dots(look_up(self.user_factors[...], users), self.item_factors[items])
        return self.mean[...] + look_up(self.user_bias[...], users) + self.item_bias[items] + affinity

    def score(self, query: Query) -> Array:
        factors = look_up(self.user_factors[...], query.users)
        return factors @ self.item_factors[...].T + self.item_bias[...][None, :]


class MF:
    """One stage, Adam."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        return one_stage(self._build, feedback, hyper)

    def _build(self, shape: ModelShape, *, hyper: Hyper, key: Array, earlier: tuple[nnx.Module, ...]) -> FactorModule:
        return FactorModule(shape, latent=hyper["latent"], key=key)

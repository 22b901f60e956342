"""Matrix factorisation with biases.

Explicit: squared error on mean + b_u + b_i + <p_u, q_i>. Implicit and sequential: BPR.
Source: Koren, Bell, Volinsky, IEEE Computer 2009; BPR-MF: Rendle et al., UAI 2009, section 5.1; dropout on the factors
as in Sachdeva, Wu, McAuley, WSDM 2022.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from recbench import (
    BatchKind,
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
)
from recbench_algorithms.pairwise import adam, bpr, dropout

_SCALE = 0.1


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
        rate = context.hyper["dropout"]
        user = dropout(self.user_factors[batch.users], rate=rate, key=user_key)
        item = dropout(self.item_factors[batch.items], rate=rate, key=item_key)
        own = jnp.sum(user * item, axis=1) + self.item_bias[batch.items]
        if isinstance(batch, RatingsBatch):
            return jnp.square(self.mean[...] + self.user_bias[batch.users] + own - batch.ratings)
        others = jnp.einsum("bd,bnd->bn", user, self.item_factors[batch.negatives]) + self.item_bias[batch.negatives]
        return bpr(own[:, None] - others)

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        users = query.users[rows]
        known, index = users >= 0, jnp.maximum(users, 0)
        personal = jnp.sum(self.user_factors[index] * self.item_factors[items], axis=1) + self.user_bias[index]
        return self.mean[...] + jnp.where(known, personal, 0) + self.item_bias[items]

    def score(self, query: Query) -> Array:
        known, index = (query.users >= 0)[:, None], jnp.maximum(query.users, 0)
        factors = jnp.where(known, self.user_factors[index], 0)
        return factors @ self.item_factors[...].T + self.item_bias[...][None, :]


class MF:
    """One stage, Adam with L2."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        loss_on: BatchKind = "ratings" if feedback == "explicit" else "pairs"
        return [Stage(self._build, loss_on, batch_size=hyper["batch_size"], optimizer=adam)]

    def _build(self, shape: ModelShape, *, hyper: Hyper, key: Array, earlier: tuple[nnx.Module, ...]) -> FactorModule:
        return FactorModule(shape, latent=hyper["latent"], key=key)

"""Bias-only: a user bias plus an item bias.

Explicit: squared error on mean + b_u + b_i. Implicit and sequential: BPR, where only the item bias can matter. To each
example's loss is added l2 times the squares of its biases.
Source: Sachdeva, Wu, McAuley, WSDM 2022, section 4; BPR: Rendle et al., UAI 2009.
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
    look_up,
)
from recbench_algorithms.pairwise import bpr, one_stage, squares


class BiasModule(nnx.Module):
    """prediction(u, i) = mean + b_u + b_i."""

    def __init__(self, shape: ModelShape) -> None:
        self.mean = nnx.Variable(jnp.asarray(shape.mean_rating))
        self.user_bias = UserTable(jnp.zeros(shape.num_users))
        self.item_bias = ItemTable(jnp.zeros(shape.num_items))

    def loss(self, batch: RatingsBatch | PairsBatch, context: StepContext) -> Array:
        l2, bias = context.hyper["l2"], self.item_bias[batch.items]
        if isinstance(batch, RatingsBatch):
            user_bias = self.user_bias[batch.users]
            return jnp.square(self.mean[...] + user_bias + bias - batch.ratings) + l2 * squares(user_bias, bias)
        others = self.item_bias[batch.negatives]
        return bpr(bias[:, None] - others) + l2 * squares(bias, others)

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        return self.mean[...] + look_up(self.user_bias[...], query.users[rows]) + self.item_bias[items]

    def score(self, query: Query) -> Array:
        return jnp.broadcast_to(self.item_bias[...][None, :], (query.users.shape[0], query.num_items))


class BiasOnly:
    """One stage, Adam."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        return one_stage(self._build, feedback, hyper)

    def _build(self, shape: ModelShape, *, hyper: Hyper, key: jax.Array, earlier: tuple[nnx.Module, ...]) -> BiasModule:
        return BiasModule(shape)

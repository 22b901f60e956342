"""Bias-only: a user bias plus an item bias.

Explicit: squared error on mean + b_u + b_i. Implicit and sequential: BPR, where only the item bias can matter.
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
from recbench_algorithms.pairwise import bpr, one_stage


class BiasModule(nnx.Module):
    """prediction(u, i) = mean + b_u + b_i."""

    def __init__(self, shape: ModelShape) -> None:
        self.mean = nnx.Variable(jnp.asarray(shape.mean_rating))
        self.user_bias = UserTable(jnp.zeros(shape.num_users))
        self.item_bias = ItemTable(jnp.zeros(shape.num_items))

    def loss(self, batch: RatingsBatch | PairsBatch, context: StepContext) -> Array:
        if isinstance(batch, RatingsBatch):
            return jnp.square(self._pairs(batch.users, batch.items) - batch.ratings)
        return bpr(self.item_bias[batch.items][:, None] - self.item_bias[batch.negatives])

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        return self._pairs(query.users[rows], items)

    def score(self, query: Query) -> Array:
        return jnp.broadcast_to(self.item_bias[...][None, :], (query.users.shape[0], query.num_items))

    def _pairs(self, users: Array, items: Array) -> Array:
        return self.mean[...] + look_up(self.user_bias[...], users) + self.item_bias[items]


class BiasOnly:
    """One stage, Adam with L2."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        return one_stage(self._build, feedback, hyper)

    def _build(self, shape: ModelShape, *, hyper: Hyper, key: jax.Array, earlier: tuple[nnx.Module, ...]) -> BiasModule:
        return BiasModule(shape)

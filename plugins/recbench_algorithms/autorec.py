"""AutoRec: an autoencoder of users' ratings.

prediction(u, i) = mean + w_i . sigmoid(sum over the items j of u's history of (r_uj - mean) v_j + a) + b_i. Loss: the
squared error over the ratings that there are, the mean over all of them; L2 in the gradient, of biases too.
Source: Sedhain, Menon, Sanner, Xie: AutoRec, WWW 2015, section 2, in its user-based form, around the mean rating, and
with dropout of hidden units, which is not in the paper.
Worth searching: latent 50 to 500, l2 0.0001 to 0.01, learning rate 0.001 to 0.01.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from recbench import Feedback, Hyper, ItemTable, ModelShape, Query, RowsBatch, Stage, StepContext, dropout
from recbench_algorithms.pairwise import adam, dots

_GLOROT = nnx.initializers.glorot_uniform()


class AutoRecModule(nnx.Module):
    """Tables float32 [num_items, latent] and [num_items]."""

    def __init__(self, shape: ModelShape, *, latent: int, key: Array) -> None:
        inner, outer = jax.random.split(key)
        self.mean = nnx.Variable(jnp.asarray(shape.mean_rating))
        self.inner = ItemTable(_GLOROT(inner, (shape.num_items, latent)))
        self.inner_bias = nnx.Param(jnp.zeros(latent))
        self.outer = ItemTable(_GLOROT(outer, (shape.num_items, latent)))
        self.outer_bias = ItemTable(jnp.zeros(shape.num_items))

    def loss(self, batch: RowsBatch, context: StepContext) -> Array:
        above = jnp.where(batch.observed, batch.rows - self.mean[...], 0)
        hidden = dropout(self._encode(above), rate=context.hyper["dropout"], key=context.key)
        error = jnp.where(batch.observed, self._decode(hidden) - above, 0)
        ratings = (batch.observed & batch.mask[:, None]).sum()
        return jnp.square(error).sum(axis=1) * (batch.mask.sum() / jnp.maximum(ratings, 1)).astype(jnp.float32)

    def score(self, query: Query) -> Array:
        return self.mean[...] + self._decode(self._hidden(query))

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        affinity = dots(self._hidden(query)[rows], self.outer[items])
        return self.mean[...] + affinity + self.outer_bias[items]

    def _hidden(self, query: Query) -> Array:
        return self._encode(query.observed() * (query.dense() - self.mean[...]))

    def _encode(self, above: Array) -> Array:
        return jax.nn.sigmoid(above @ self.inner[...] + self.inner_bias[...][None, :])

    def _decode(self, hidden: Array) -> Array:
        return hidden @ self.outer[...].T + self.outer_bias[...][None, :]


class AutoRec:
    """One stage, Adam with betas (0.9, 0.98)."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        return [Stage(self._build, "rows", batch_size=hyper["batch_size"], optimizer=adam)]

    def _build(self, shape: ModelShape, *, hyper: Hyper, key: Array, earlier: tuple[Any, ...]) -> AutoRecModule:
        return AutoRecModule(shape, latent=hyper["latent"], key=key)

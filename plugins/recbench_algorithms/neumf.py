"""NeuMF: generalised matrix factorisation beside a multilayer perceptron, each trained alone and then fused.

    GMF(u, i) = h_G . (p_u * q_i) + b_G
    MLP(u, i) = h_M . a_L(... a_1(W_1 [p_u; q_i] + c_1) ...) + b_M,  a = ReLU, widths halving down to ``latent``
    NeuMF(u, i) = h . [p_u * q_i; a_L] + b,  at first h = [alpha h_G; (1 - alpha) h_M], alpha = 1/2

The towers have tables of their own (equations 9 to 12; section 3.4.1 for how the fused stage starts). Explicit: squared
error on mean + NeuMF. Implicit and sequential: BPR, as in Sachdeva, Wu, McAuley, WSDM 2022, or the published log loss
with sampled negatives (equation 7). The fused stage is trained by Adam too.
Source: He, Liao, Zhang, Nie, Hu, Chua: Neural Collaborative Filtering, WWW 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

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
    dropout,
    look_up,
)
from recbench_algorithms.pairwise import adam, bpr
from recbench_algorithms.perceptron import PairPerceptron, half_width

ALPHA = 0.5
"""Weight of the GMF tower when the fused stage starts; the perceptron has the rest."""

_SCALE = 0.1


class NeuralFactors(nnx.Module):
    """The module of all three stages; a tower of no width is not there.

    A user's row holds the GMF vector and then the perceptron's, so that a step gathers both at once; so does an item's.
    """

    def __init__(self, shape: ModelShape, *, gmf: int, widths: tuple[int, ...], hyper: Hyper, key: Array) -> None:
        """``gmf`` is the width of the GMF vectors, ``widths`` are those of the perceptron's layers."""
        users, items, output, layers = jax.random.split(key, 4)
        width = gmf + (half_width(widths) if widths else 0)
        features = gmf + (widths[-1] if widths else 0)
        self.gmf, self.log_loss = gmf, hyper["loss"] == "log"
        self.mean = nnx.Variable(jnp.asarray(shape.mean_rating))
        self.users = UserTable(_SCALE * jax.random.normal(users, (shape.num_users, width)))
        self.items = ItemTable(_SCALE * jax.random.normal(items, (shape.num_items, width)))
        self.perceptron = PairPerceptron(widths, key=layers) if widths else None
        self.output = nnx.Param(jax.random.normal(output, (features,)) / features**0.5)
        self.bias = nnx.Param(jnp.zeros(()))

    def loss(self, batch: RatingsBatch | PairsBatch, context: StepContext) -> Array:
        user_key, item_key = jax.random.split(context.key)
        rate = context.hyper["dropout"]
        items = batch.items[:, None]
        if isinstance(batch, PairsBatch):
            items = jnp.concatenate([items, batch.negatives], axis=1)
        user = dropout(self.users[batch.users], rate=rate, key=user_key)
        affinity = self._affinity(user, dropout(self.items[items], rate=rate, key=item_key))
        if isinstance(batch, RatingsBatch):
            return jnp.square(self.mean[...] + affinity[:, 0] - batch.ratings)
        own, others = affinity[:, :1], affinity[:, 1:]
        if self.log_loss:
            return (jax.nn.softplus(-own[:, 0]) + jax.nn.softplus(others).sum(axis=1)) / items.shape[1]
        return bpr(own - others)

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        user = look_up(self.users[...], query.users)[rows]
        return self.mean[...] + self._affinity(user, self.items[items][:, None, :])[:, 0]

    def score(self, query: Query) -> Array:
        user, items = look_up(self.users[...], query.users), self.items[...]
        output = self.output[...]
        scores = (user[:, : self.gmf] * output[: self.gmf][None, :]) @ items[:, : self.gmf].T + self.bias[...]
        if self.perceptron is None:
            return scores
        rest = self.perceptron.score(user[:, self.gmf :], items[:, self.gmf :], output=output[self.gmf :])
        return scores + rest

    def _affinity(self, user: Array, items: Array) -> Array:
        """NeuMF of each user's items, [batch, n], from [batch, width] and [batch, n, width]."""
        features = user[:, None, : self.gmf] * items[..., : self.gmf]
        if self.perceptron is not None:
            deep = self.perceptron(user[:, self.gmf :], items[..., self.gmf :])
            features = jnp.concatenate([features, deep], axis=2)
        return features @ self.output[...] + self.bias[...]


def fuse(fused: NeuralFactors, *, gmf: NeuralFactors, mlp: NeuralFactors) -> NeuralFactors:
    """The fused module with the weights of its towers: at first it predicts their mean, weighted by alpha."""
    fused.users[...] = jnp.concatenate([gmf.users[...], mlp.users[...]], axis=1)
    fused.items[...] = jnp.concatenate([gmf.items[...], mlp.items[...]], axis=1)
    fused.output[...] = jnp.concatenate([ALPHA * gmf.output[...], (1 - ALPHA) * mlp.output[...]])
    fused.bias[...] = ALPHA * gmf.bias[...] + (1 - ALPHA) * mlp.bias[...]
    fused.perceptron = nnx.clone(mlp.perceptron)
    return fused


class NeuMF:
    """Three stages: GMF, the perceptron, both fused; or the last alone, from its own initial values."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        latent = hyper["latent"]
        widths = tuple(latent * 2**level for level in reversed(range(hyper["layers"])))
        towers = [(latent, ()), (0, widths)] if hyper["pretrain"] else []
        batch: BatchKind = "ratings" if feedback == "explicit" else "pairs"

        def stage(gmf: int, widths: tuple[int, ...]) -> Stage:
            build = partial(self._build, gmf=gmf, widths=widths)
            return Stage(
                build,
                batch,
                batch_size=hyper["batch_size"],
                negatives=hyper["negatives"],
                optimizer=adam,
                updates=hyper["updates"],
            )

        return [stage(*tower) for tower in (*towers, (latent, widths))]

    def _build(
        self,
        shape: ModelShape,
        *,
        hyper: Hyper,
        key: Array,
        earlier: tuple[Any, ...],
        gmf: int,
        widths: tuple[int, ...],
    ) -> NeuralFactors:
        module = NeuralFactors(shape, gmf=gmf, widths=widths, hyper=hyper, key=key)
        if gmf and widths and earlier:
            return fuse(module, gmf=earlier[0], mlp=earlier[1])
        return module

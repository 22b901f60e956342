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


class Tower(nnx.Module):
    """The vectors that one tower has of users and items, float32 [num_users, width] and [num_items, width]."""

    def __init__(self, shape: ModelShape, *, width: int, key: Array) -> None:
        users, items = jax.random.split(key)
        self.users = UserTable(_SCALE * jax.random.normal(users, (shape.num_users, width)))
        self.items = ItemTable(_SCALE * jax.random.normal(items, (shape.num_items, width)))

    def of_batch(self, users: Array, items: Array, *, rate: Array, key: Array) -> tuple[Array, Array]:
        """Vectors of a batch after dropout, [width, batch] and [width, n * batch]."""
        user_key, item_key = jax.random.split(key)
        user, item = self.users[users], self.items[items]
        return dropout(user, rate=rate, key=user_key).T, dropout(item, rate=rate, key=item_key).T


class NeuralFactors(nnx.Module):
    """The module of all three stages; a tower of no width is not there."""

    def __init__(self, shape: ModelShape, *, gmf: int, widths: tuple[int, ...], hyper: Hyper, key: Array) -> None:
        """``gmf`` is the width of the GMF vectors, ``widths`` are those of the perceptron's layers."""
        factors, vectors, output, layers = jax.random.split(key, 4)
        features = gmf + (widths[-1] if widths else 0)
        self.width, self.log_loss = gmf, hyper["loss"] == "log"
        self.mean = nnx.Variable(jnp.asarray(shape.mean_rating))
        self.gmf = Tower(shape, width=gmf, key=factors) if gmf else None
        self.mlp = Tower(shape, width=half_width(widths), key=vectors) if widths else None
        self.perceptron = PairPerceptron(widths, key=layers) if widths else None
        self.output = nnx.Param(jax.random.normal(output, (features,)) / features**0.5)
        # BPR compares scores with each other: all that a bias could learn is what rounding leaves of its gradient.
        learned = shape.feedback == "explicit" or self.log_loss
        self.bias = (nnx.Param if learned else nnx.Variable)(jnp.zeros(()))

    def loss(self, batch: RatingsBatch | PairsBatch, context: StepContext) -> Array:
        items = batch.items[None, :]
        if isinstance(batch, PairsBatch):
            items = jnp.concatenate([items, batch.negatives.T])
        keys, rate = jax.random.split(context.key), context.hyper["dropout"]
        gmf, mlp = (
            None if tower is None else tower.of_batch(batch.users, items.ravel(), rate=rate, key=key)
            for tower, key in zip((self.gmf, self.mlp), keys, strict=True)
        )
        affinity = self._affinity(gmf, mlp)
        if isinstance(batch, RatingsBatch):
            return jnp.square(self.mean[...] + affinity[0] - batch.ratings)
        own, others = affinity[:1], affinity[1:]
        if self.log_loss:
            return (jax.nn.softplus(-own[0]) + jax.nn.softplus(others).sum(axis=0)) / items.shape[0]
        return bpr((own - others).T)

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        users = query.users[rows]
        gmf, mlp = (
            None if tower is None else (look_up(tower.users[...], users).T, tower.items[items].T)
            for tower in (self.gmf, self.mlp)
        )
        return self.mean[...] + self._affinity(gmf, mlp)[0]

    def score(self, query: Query) -> Array:
        scores, output = self.bias[...], self.output[...]
        if self.gmf is not None:
            factors = look_up(self.gmf.users[...], query.users) * output[: self.width][None, :]
            scores += factors @ self.gmf.items[...].T
        if self.mlp is not None and self.perceptron is not None:
            vectors = look_up(self.mlp.users[...], query.users)
            scores += self.perceptron.score(vectors, self.mlp.items[...], output=output[self.width :])
        return scores

    def _affinity(self, gmf: tuple[Array, Array] | None, mlp: tuple[Array, Array] | None) -> Array:
        """NeuMF of each user with its items, [n, batch], from vectors [width, batch] and [width, n * batch].

        Width first: the layers are narrow, and batches fill a CPU's vectors.
        """
        affinity, output = self.bias[...], self.output[...]
        if gmf is not None:
            users, items = gmf
            product = users[:, None, :] * items.reshape(self.width, -1, users.shape[1])
            affinity += (output[: self.width] @ product.reshape(self.width, -1)).reshape(product.shape[1:])
        if mlp is not None and self.perceptron is not None:
            affinity += (output[self.width :] @ self.perceptron(*mlp)).reshape(-1, mlp[0].shape[1])
        return affinity


def fuse(fused: NeuralFactors, *, gmf: NeuralFactors, mlp: NeuralFactors) -> NeuralFactors:
    """The fused module with the weights of its towers: at first it predicts their mean, weighted by alpha."""
    fused.gmf, fused.mlp, fused.perceptron = nnx.clone((gmf.gmf, mlp.mlp, mlp.perceptron))
    fused.output[...] = jnp.concatenate([ALPHA * gmf.output[...], (1 - ALPHA) * mlp.output[...]])
    fused.bias[...] = ALPHA * gmf.bias[...] + (1 - ALPHA) * mlp.bias[...]
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

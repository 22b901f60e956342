"""LightGCN: embeddings smoothed over the graph of users and items, and nothing else.

With A the 0/1 train matrix and D the degrees, a layer sends the embeddings of items to users and back:
e_u(k+1) = sum over i of u of e_i(k) / sqrt(D_u D_i), and likewise e_i(k+1); what scores is the mean over layers 0..K.
Loss: BPR on the scores <e_u, e_i>, plus l2/2 times the squared layer-0 embeddings of each example's user and items.
Source: He, Deng, Wang, Li, Zhang, Wang, LightGCN, SIGIR 2020, section 3.
A step costs 2K products with A forward and as many backward, whatever the batch: large batches with a large learning
rate train many times faster than the published 1,024 at 0.001.
Worth searching: l2 from 1e-5 to 1e-2, 2 to 4 layers, learning rate 0.005 to 0.02 for batches of tens of thousands.
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
    Stage,
    StepContext,
    TrainMatrix,
    UserTable,
    look_up,
)
from recbench_algorithms.pairwise import bpr, dots, squares

_SCALE = 0.1
"""Standard deviation of the initial embeddings, as in the authors' code."""


def propagate(train: TrainMatrix, users: Array, items: Array, *, layers: int) -> tuple[Array, Array]:
    """Mean over the layers 0..K of the embeddings of users, [num_users, d], and of items, [num_items, d].

    Linear in the embeddings; those of users and items without an interaction only shrink, by 1/(K + 1).
    """
    of_users = _inverse_root(train.user_sums(train.value))
    of_items = _inverse_root(train.item_sums(train.value))
    total_users, total_items = users, items
    for _ in range(layers):
        users, items = of_users * train.matmul(of_items * items), of_items * train.rmatmul(of_users * users)
        total_users, total_items = total_users + users, total_items + items
    return total_users / (layers + 1), total_items / (layers + 1)


class Embeddings(nnx.Module):
    """What scores: the inner product of two embeddings, float32 [num_users, latent] and [num_items, latent]."""

    def __init__(self, users: nnx.Variable[Array], items: nnx.Variable[Array]) -> None:
        self.users, self.items = users, items

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        return dots(look_up(self.users[...], query.users[rows]), self.items[items])

    def score(self, query: Query) -> Array:
        return look_up(self.users[...], query.users) @ self.items[...].T


class GraphModule(Embeddings):
    """What is learned: the embeddings before propagation."""

    def __init__(self, shape: ModelShape, *, latent: int, layers: int, key: Array) -> None:
        users, items = jax.random.split(key)
        super().__init__(
            UserTable(_SCALE * jax.random.normal(users, (shape.num_users, latent))),
            ItemTable(_SCALE * jax.random.normal(items, (shape.num_items, latent))),
        )
        self.layers = layers

    def loss(self, batch: PairsBatch, context: StepContext) -> Array:
        users, items = self._propagated(context)
        own = dots(users[batch.users], items[batch.items])
        others = jnp.einsum("bd,bnd->bn", users[batch.users], items[batch.negatives])
        learned = squares(self.users[batch.users], self.items[batch.items], self.items[batch.negatives])
        return bpr(own[:, None] - others) + context.hyper["l2"] / 2 * learned

    def finish(self, context: StepContext) -> Embeddings:
        users, items = self._propagated(context)
        return Embeddings(nnx.Variable(users), nnx.Variable(items))

    def _propagated(self, context: StepContext) -> tuple[Array, Array]:
        return propagate(context.train, self.users[...], self.items[...], layers=self.layers)


class LightGCN:
    """One stage, Adam."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        return [Stage(self._build, "pairs", batch_size=hyper["batch_size"])]

    def _build(self, shape: ModelShape, *, hyper: Hyper, key: Array, earlier: tuple[nnx.Module, ...]) -> GraphModule:
        return GraphModule(shape, latent=hyper["latent"], layers=hyper["layers"], key=key)


def _inverse_root(degrees: Array) -> Array:
    """D^-1/2 as a column, 0 where there is no edge."""
    return jnp.where(degrees > 0, jax.lax.rsqrt(jnp.maximum(degrees, 1e-12)), 0)[:, None]

"""GRU4Rec: a recurrent network over a user's history, with the item embeddings shared by input and output.

h_t = GRU(E[items up to t]); r_i = <h_t, E_i> + b_i. loss = "cross-entropy": -ln softmax(r) at the next item, over all
items or over it and ``samples`` others; "bpr-max": -ln sum_j s_j sigmoid(r_next - r_j) + penalty * sum_j s_j r_j^2 with
s the softmax over the sampled items j. The samples of a step are shared by its positions and drawn with probability
proportional to count^alpha. All positions of a history are trained at once, by backpropagation through time.
Source: Hidasi, Karatzoglou, Baltrunas, Tikk, ICLR 2016; losses and samples: Hidasi, Karatzoglou, CIKM 2018, section 3;
over all items where they fit: Petrov, Macdonald, RecSys 2022.
Grid worth searching: latent 32-128, dropout 0-0.5, learning_rate 0.001-0.01.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    RecbenchError,
    SequencesBatch,
    Stage,
    StepContext,
    TrainMatrix,
    dropout,
)
from recbench_algorithms.gru import GRU
from recbench_algorithms.next_item import log_partition, logits_of, most_recent, next_items, over_positions
from recbench_algorithms.pairwise import adam


class GRU4RecModule(nnx.Module):
    """Arrays of positions are [length, batch, ...], as the recurrence goes."""

    def __init__(self, shape: ModelShape, *, hyper: Hyper, key: Array) -> None:
        width, self.loss_name, self.samples = hyper["latent"], hyper["loss"], hyper["samples"]
        rngs = nnx.Rngs(key)
        self.items = ItemTable(nnx.initializers.glorot_uniform()(rngs.params(), (shape.num_items, width)))
        self.bias = ItemTable(jnp.zeros(shape.num_items))
        self.recurrent = GRU(width, width, rngs=rngs)

    def loss(self, batch: SequencesBatch, context: StepContext) -> Array:
        following = next_items(batch)
        real, targets = following.real.T, following.targets.T
        input_key, hidden_key, sample_key = jax.random.split(context.key, 3)
        rate = context.hyper["dropout"]
        states = self.recurrent(dropout(self.items[following.inputs.T], rate=rate, key=input_key))
        hidden = dropout(states, rate=rate, key=hidden_key)
        table, bias = self.items[...], self.bias[...]
        score = logits_of(hidden, targets, table, bias)
        if self.samples:
            samples = draw_samples(context.train, self.samples, alpha=context.hyper["alpha"], key=sample_key)
            function = _cross_entropy if self.loss_name == "cross-entropy" else _bpr_max
            shared = samples, context.hyper["penalty"]
            params = table[samples].T, bias[samples]
            losses = over_positions(function, self.samples, params, (hidden, score), (targets, shared), real, axis=0)
        else:
            losses = jnp.where(real, log_partition(hidden, real, table, bias, axis=0) - score, 0)
        return following.weight * losses.sum(axis=0)

    def score(self, query: Query) -> Array:
        return self._last(query) @ self.items[...].T + self.bias[...][None, :]

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        return (self._last(query)[rows] * self.items[items]).sum(axis=1) + self.bias[items]

    def _last(self, query: Query) -> Array:
        """State at each history's end, float32 [users, width]; zero for an empty history."""
        states = self.recurrent(self.items[query.items.T])
        last = states[most_recent(query), jnp.arange(query.items.shape[0])]
        return jnp.where(query.mask[:, :1], last, 0)


class GRU4Rec:
    """One stage, Adam with betas (0.9, 0.98)."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        if hyper["loss"] == "bpr-max" and not hyper["samples"]:
            raise RecbenchError("gru4rec's loss bpr-max compares with sampled items, but samples is 0: ask for some")
        length = hyper["length"] + 1  # the last row is only a target
        return [Stage(self._build, "sequences", hyper["batch_size"], negatives=0, length=length, optimizer=adam)]

    def _build(self, shape: ModelShape, *, hyper: Hyper, key: Array, earlier: tuple[nnx.Module, ...]) -> GRU4RecModule:
        return GRU4RecModule(shape, hyper=hyper, key=key)


def draw_samples(train: TrainMatrix, samples: int, *, alpha: Array, key: Array) -> Array:
    """Items of the train rows, drawn with probability proportional to count^alpha, int32 [samples]."""
    counts = train.item_sums(train.mask.astype(jnp.float32))
    upto = jnp.cumsum(jnp.where(counts > 0, counts**alpha, 0))
    place = jax.random.uniform(key, (samples,)) * upto[-1]
    return jnp.minimum(jnp.searchsorted(upto, place, side="right"), train.num_items - 1).astype(jnp.int32)


def _sampled_scores(params: tuple[Array, Array], hidden: Array, targets: Array, samples: Array) -> Array:
    """Scores of the samples, -inf where one is the target itself, [block, samples]."""
    table, bias = params
    return jnp.where(samples[None, :] == targets[:, None], -jnp.inf, hidden @ table + bias[None, :])


def _cross_entropy(params: tuple[Array, Array], rows: tuple[Array, Array], given: Any, first: Array) -> Array:
    (hidden, score), (targets, (samples, _)) = rows, given
    others = jax.nn.logsumexp(_sampled_scores(params, hidden, targets, samples), axis=1)
    return jax.nn.softplus(others - score)


def _bpr_max(params: tuple[Array, Array], rows: tuple[Array, Array], given: Any, first: Array) -> Array:
    (hidden, score), (targets, (samples, penalty)) = rows, given
    others = _sampled_scores(params, hidden, targets, samples)
    alone = jnp.isneginf(others).all(axis=1)  # every sample is the target: there is nothing to compare with
    others = jnp.where(alone[:, None], 0, others)
    weights = jax.nn.softmax(others, axis=1)
    finite = jnp.where(weights > 0, others, 0)
    better = (weights * jax.nn.sigmoid(score[:, None] - finite)).sum(axis=1)
    loss = penalty * (weights * jnp.square(finite)).sum(axis=1) - jnp.log(better + 1e-24)
    return jnp.where(alone, 0, loss)

"""SASRec: causal self-attention over a user's history, with the item embeddings shared by input and output.

x = dropout(sqrt(d) E[items] + P[positions]); in each block q = norm(x), x = q + attention(q, x, x), x = norm(x),
x = x + W_2 relu(W_1 x); h = norm(x); the score of item i after position t is <h_t, E_i>. Positions are counted from the
most recent item back, as in the published code, which aligns histories to the right.
loss = "bce": -ln sigmoid(<h_t, E_next>) - sum over negatives j of ln(1 - sigmoid(<h_t, E_j>)), the mean over all
positions; "cross-entropy": -ln softmax over all items.
Source: Kang, McAuley, ICDM 2018, section III; cross-entropy: Klenitskiy, Vasilev, RecSys 2023.
Grid worth searching: latent 8-64, dropout 0.2-0.5, length 50-200.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
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
)
from recbench_algorithms.blockwise import Piece, block_size, by_blocks, may_skip
from recbench_algorithms.next_item import NextItems, log_partition, logits_of, most_recent, next_items
from recbench_algorithms.pairwise import adam
from recbench_algorithms.transformer import GLOROT, Encoder, Noise, flat

_CLASSES = 2
"""Lengths that histories are cut to while training; a history takes the shortest that holds it."""


class SASRecModule(nnx.Module):
    """Embeddings, encoder, and the loss over all positions of a batch of histories."""

    def __init__(self, shape: ModelShape, *, hyper: Hyper, key: Array) -> None:
        width, self.loss_name = hyper["latent"], hyper["loss"]
        rngs = nnx.Rngs(key)
        self.items = ItemTable(GLOROT(rngs.params(), (shape.num_items, width)))
        self.positions = nnx.Param(jnp.zeros((hyper["length"], width)))
        self.encoder = Encoder(width, blocks=hyper["blocks"], heads=hyper["heads"], rngs=rngs)

    def loss(self, batch: SequencesBatch, context: StepContext) -> Array:
        order = jnp.argsort(next_items(batch).real.sum(axis=1))  # a block's histories are of about the same length
        batch = jax.tree.map(lambda leaf: leaf[order], batch)
        following = next_items(batch)
        noise = self.encoder.noise(*following.real.shape, rate=context.hyper["dropout"], key=context.key)
        losses = self._binary(batch, following, noise) if self.loss_name == "bce" else self._softmax(following, noise)
        return jnp.zeros_like(losses).at[order].set(losses * following.weight)

    def score(self, query: Query) -> Array:
        return self._last(query) @ self.items[...].T

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        return (self._last(query)[rows] * self.items[items]).sum(axis=1)

    def _last(self, query: Query) -> Array:
        """Hidden state at each history's end, float32 [users, width]; zero for an empty history."""
        graph, state = nnx.split(self.encoder)

        def function(state: Any, rows: Array, given: Any, first: Array) -> Array:
            hidden = nnx.merge(graph, state)(rows, None)
            return hidden.reshape(rows.shape[2], *rows.shape[:2])[:, jnp.arange(rows.shape[0]), given[0]].T

        (users, length), last = query.items.shape, most_recent(query)
        piece = Piece(function, block_size(self._elements(length), users))
        bounds = jnp.array([0, users], jnp.int32)
        hidden = by_blocks((piece,), bounds, state, self._embed(query.items, last + 1), (last, ()))
        return jnp.where(query.mask[:, :1], hidden, 0)

    def _embed(self, items: Array, count: Array) -> Array:
        """float32 [histories, length, width] of rows of which ``count`` are real."""
        back = count[:, None] - 1 - jnp.arange(items.shape[1])[None, :]
        width = self.items.shape[1]
        return width**0.5 * self.items[items] + self.positions[jnp.clip(back, 0, self.positions.shape[0] - 1)]

    def _binary(self, batch: SequencesBatch, following: NextItems, noise: Noise) -> Array:
        """Binary cross-entropy of each history, summed over its positions, [batch]."""
        graph, state = nnx.split(self.encoder)

        def function(state: Any, rows: Any, given: Any, first: Array, *, length: int) -> Array:
            (real, queries), shared = given
            embedded, targets, negatives = (leaf[:, :length] for leaf in rows)
            hidden = nnx.merge(graph, state)(embedded, shared.of_block(queries, first=first, length=length))
            positive = (hidden * flat(targets)).sum(axis=0)
            against = jnp.moveaxis(negatives, 2, 0)  # [negatives, histories, length, width]
            losses = jax.nn.softplus(-positive)
            for other in against:
                losses += jax.nn.softplus((hidden * flat(other)).sum(axis=0))
            return jnp.where(real[:, :length], losses.reshape(-1, length), 0).sum(axis=1)

        count = following.real.sum(axis=1)
        rows = self._embed(following.inputs, count), self.items[following.targets], self.items[batch.negatives[:, 1:]]
        own = following.real, noise.queries
        return by_blocks(*self._pieces(function, following.real), state, rows, (own, noise))

    def _softmax(self, following: NextItems, noise: Noise) -> Array:
        """Cross-entropy over all items of each history, summed over its positions, [batch]."""
        graph, state = nnx.split(self.encoder)
        full = following.real.shape[1]

        def function(state: Any, rows: Array, given: Any, first: Array, *, length: int) -> Array:
            own, shared = given
            hidden = nnx.merge(graph, state)(rows[:, :length], shared.of_block(own, first=first, length=length))
            states = hidden.T.reshape(-1, length, rows.shape[2])
            return jnp.pad(states, ((0, 0), (0, full - length), (0, 0)))

        embedded = self._embed(following.inputs, following.real.sum(axis=1))
        hidden = by_blocks(*self._pieces(function, following.real), state, embedded, (noise.queries, noise))
        table = self.items[...]
        losses = log_partition(hidden, following.real, table, axis=1) - logits_of(hidden, following.targets, table)
        return jnp.where(following.real, losses, 0).sum(axis=1)

    def _pieces(self, function: Callable[..., Array], real: Array) -> tuple[tuple[Piece, ...], Array]:
        """The function at a few lengths, and which histories, in order of their length, each of them takes."""
        rows, full = real.shape
        parts = _CLASSES if may_skip() else 1
        lengths = sorted({-(-full * part // parts) for part in range(1, parts + 1)})
        pieces = tuple(Piece(partial(function, length=cut), block_size(self._elements(cut), rows)) for cut in lengths)
        if not may_skip():
            return pieces, jnp.array([0, rows], jnp.int32)
        return pieces, jnp.searchsorted(real.sum(axis=1), jnp.array([0, *lengths]), side="right").astype(jnp.int32)

    def _elements(self, length: int) -> int:
        """What a history takes while its attention is computed: four arrays of weights a head."""
        return 4 * self.encoder.blocks[0].heads * length * length


class SASRec:
    """One stage, Adam with betas (0.9, 0.98)."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        if hyper["latent"] % hyper["heads"]:
            raise RecbenchError(
                f"sasrec shares its latent size among its heads, but {hyper['latent']} is no multiple of "
                f"{hyper['heads']}: choose one that is"
            )
        negatives = hyper["negatives"] if hyper["loss"] == "bce" else 0
        length = hyper["length"] + 1  # the last row is only a target
        return [Stage(self._build, "sequences", hyper["batch_size"], negatives, length, optimizer=adam)]

    def _build(self, shape: ModelShape, *, hyper: Hyper, key: Array, earlier: tuple[nnx.Module, ...]) -> SASRecModule:
        return SASRecModule(shape, hyper=hyper, key=key)

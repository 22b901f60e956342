"""An encoder trained without labels: what a node's vector tells of its own graph, and not of others.

With h_v and H_g the vectors of a node and of a graph behind a head each, the loss over a minibatch of graphs is

  mean over v of softplus(-<h_v, H_g(v)>)  +  mean over v and other graphs g of softplus(<h_v, H_g>),

the Jensen-Shannon estimator of the mutual information of the two, negated, up to a constant.
Source: Sun, Hoffmann, Verma, Tang, InfoGraph, ICLR 2020, section 3.3; for logs: Sachdeva, Wu, McAuley, On Sampling
Collaborative Filtering Datasets, WSDM 2022, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array

from recbench import RecbenchError
from recbench_genie.encoder import Encoder
from recbench_genie.graphs import Graph, GraphBatch, Room, join, least_room

if TYPE_CHECKING:
    from numpy.typing import NDArray

Report = Callable[[int, int, float], None]
"""Steps done, steps in all, and the loss of the last one."""

_REPORTED_EVERY = 10  # steps: the device need not wait for the host at each


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How an encoder is made and trained."""

    hidden: int = 32
    layers: int = 3
    steps: int = 300  # from 1
    batch_graphs: int = 16  # graphs a step, at most; three where two would leave one alone
    learning_rate: float = 3e-3


class Head(nnx.Module):
    """Three layers of ReLU, and a linear map around them."""

    def __init__(self, inputs: int, width: int, *, rngs: nnx.Rngs) -> None:
        self.layers = nnx.List([nnx.Linear(width if place else inputs, width, rngs=rngs) for place in range(3)])
        self.skip = nnx.Linear(inputs, width, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        hidden = x
        for layer in self.layers:
            hidden = jax.nn.relu(layer(hidden))
        return hidden + self.skip(x)


class InfoGraph(nnx.Module):
    """An encoder with what trains it: a head for nodes and one for graphs, as wide as a layer."""

    def __init__(self, settings: EncoderSettings, *, key: Array) -> None:
        own, heads = jax.random.split(key)
        rngs = nnx.Rngs(heads)
        self.encoder = Encoder(hidden=settings.hidden, layers=settings.layers, key=own)
        self.of_node = Head(self.encoder.width // 2, settings.hidden, rngs=rngs)
        self.of_graph = Head(self.encoder.width, settings.hidden, rngs=rngs)

    def loss(self, batch: GraphBatch) -> Array:
        """float32 scalar; see the top of this file."""
        nodes = self.encoder.nodes(batch)
        scores = self.of_node(nodes) @ self.of_graph(self.encoder.readout(batch, nodes)).T
        graphs = jnp.arange(batch.num_graphs)
        own = batch.graph[:, None] == graphs[None, :]
        other = ~own & (batch.weights > 0)[:, None] & own.any(axis=0)[None, :]
        losses = jax.nn.softplus(jnp.where(own, -scores, scores))
        return _mean(losses, own) + _mean(losses, other)


def _mean(values: Array, of: Array) -> Array:
    return jnp.where(of, values, 0).sum() / jnp.maximum(of.sum(), 1).astype(values.dtype)


class _State(NamedTuple):
    weights: Any
    moments: Any  # of Adam


def train_encoder(
    graphs: Sequence[Graph], settings: EncoderSettings, *, seed: int, progress: Report | None = None
) -> Encoder:
    """Learns an encoder by Adam; the seed gives the same one, on the same kind of device.

    Memory is that of one minibatch: some tens of times 4 * hidden bytes for each of its nodes, and little for an edge.

    Args:
      graphs: two and more.
      progress: called after every tenth step and the last one.

    Raises:
      RecbenchError: there are fewer than two graphs.
    """
    if len(graphs) < 2:
        raise RecbenchError(f"an encoder learns to tell graphs apart, and there are {len(graphs)}: give two or more")
    structure, weights = nnx.split(InfoGraph(settings, key=jax.random.key(seed)))
    state = _State(weights, optax.adam(settings.learning_rate).init(weights))
    minibatches = [[graphs[place] for place in part] for part in _minibatches(len(graphs), settings, seed)]
    room = Room(*map(max, zip(*map(least_room, minibatches), strict=True)))  # of the largest one: one program for all
    for step, minibatch in enumerate(minibatches, start=1):
        state, loss = _step(state, join(minibatch, room), structure, settings.learning_rate)
        if progress is not None and (step % _REPORTED_EVERY == 0 or step == settings.steps):
            progress(step, settings.steps, float(loss))
    encoder: Encoder = nnx.merge(structure, state.weights).encoder
    return encoder


@partial(jax.jit, static_argnames=("structure", "learning_rate"))
def _step(state: _State, batch: GraphBatch, structure: Any, learning_rate: float) -> tuple[_State, Array]:
    loss, slope = jax.value_and_grad(lambda weights: nnx.merge(structure, weights).loss(batch))(state.weights)
    updates, moments = optax.adam(learning_rate).update(slope, state.moments)
    return _State(optax.apply_updates(state.weights, updates), moments), loss


def _minibatches(count: int, settings: EncoderSettings, seed: int) -> Iterator[NDArray[np.int64]]:
    """The graphs of each step: epoch after epoch a permutation of all, in parts of nearly one size."""
    rng = np.random.default_rng(seed)
    parts = min(-(-count // settings.batch_graphs), count // 2)  # none alone: it would have no others
    epochs = (np.array_split(rng.permutation(count), parts) for _ in range(-(-settings.steps // parts)))
    return islice(chain.from_iterable(epochs), settings.steps)

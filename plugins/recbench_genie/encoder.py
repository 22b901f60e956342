"""A graph network that turns the graph of a log, of any size, into a short vector.

A layer is that of GIN with a bounded sum, x_v <- MLP(A x_v + B s_v m_v): m_v is the mean over v's neighbours and s_v
the scaled log degree, in the place of the sum, which is the degree times m_v. The degree is among the features, so what
a sum tells is not lost, and neither it nor its gradient grows to thousands on popular items. LayerNorm within the MLP
bounds the rest, node by node: what else is in a batch changes nothing. A, in the place of 1 + epsilon, keeps the sides
apart, which cancel in a sum over a node and its one neighbour. A graph is read out as the mean and the maximum of its
nodes' vectors from all layers; where a log was sampled, the mean weighs a node by those it stands for.

Source: Xu, Hu, Leskovec, Jegelka, How Powerful are Graph Neural Networks?, ICLR 2019, equation 4.1 and section 4.2; log
degrees as a scale: Corso et al., Principal Neighbourhood Aggregation for Graph Nets, NeurIPS 2020, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from recbench import RecbenchError
from recbench_genie.graphs import CHUNK, FEATURES, Graph, GraphBatch, batches, few_rooms, join

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_GRAPHS = 64  # embedded together


class Layer(nnx.Module):
    """New vectors of nodes, from their own and the mean over their neighbours'."""

    def __init__(self, inputs: int, hidden: int, *, rngs: nnx.Rngs) -> None:
        self.own = nnx.Linear(inputs, hidden, rngs=rngs)
        self.near = nnx.Linear(inputs, hidden, use_bias=False, rngs=rngs)
        self.norm = nnx.LayerNorm(hidden, rngs=rngs)
        self.out = nnx.Linear(hidden, hidden, rngs=rngs)

    def __call__(self, nodes: Array, near: Array) -> Array:
        return jax.nn.relu(self.out(jax.nn.relu(self.norm(self.own(nodes) + self.near(near)))))


class Encoder(nnx.Module):
    """Vectors of nodes and of graphs.

    Args:
      hidden: width of a layer.
      layers: how many; so far does a node see.
      key: of the initial weights.
    """

    def __init__(self, *, hidden: int, layers: int, key: Array) -> None:
        rngs = nnx.Rngs(key)
        self.hidden = hidden
        self.layers = nnx.List([Layer(hidden if place else FEATURES, hidden, rngs=rngs) for place in range(layers)])

    @property
    def width(self) -> int:
        """Numbers that a graph is embedded in: mean and maximum of each channel of each layer."""
        return 2 * self.hidden * len(self.layers)

    def nodes(self, batch: GraphBatch) -> Array:
        """Outputs of all layers, float32 [nodes, layers * hidden]."""
        scale = batch.features[:, :1] / jnp.maximum(_neighbour_sums(batch, jnp.ones_like(batch.weights))[:, None], 1)
        outputs = [batch.features]
        for layer in self.layers:
            outputs.append(layer(outputs[-1], scale * _neighbour_sums(batch, outputs[-1])))
        return jnp.concatenate(outputs[1:], axis=1)

    def readout(self, batch: GraphBatch, nodes: Array) -> Array:
        """Mean and maximum over each graph's nodes, float32 [num_graphs, width]; 0 for an empty place."""
        # Padded nodes belong to a graph of their own, the last one.
        places = batch.num_graphs + 1
        sums = jax.ops.segment_sum(batch.weights[:, None] * nodes, batch.graph, places, indices_are_sorted=True)
        total = jax.ops.segment_sum(batch.weights, batch.graph, places, indices_are_sorted=True)[:, None]
        largest = jax.ops.segment_max(nodes, batch.graph, places, indices_are_sorted=True)
        both = jnp.concatenate([sums / jnp.maximum(total, 1), jnp.where(total > 0, largest, 0)], axis=1)
        return both[:-1]


def _neighbour_sums(batch: GraphBatch, values: Array) -> Array:
    """Sum over each node's neighbours, [nodes, ...] to [nodes, ...]: along the edges, and against them.

    A chunk of edges at a time: what it gathers stays in cache, and nothing is as large as all edges times the width.
    """

    def add(total: Array, ends: tuple[Array, Array]) -> tuple[Array, None]:
        users, items = ends
        return total.at[users].add(values[items]).at[items].add(values[users]), None

    chunks = batch.users.reshape(-1, CHUNK), batch.items.reshape(-1, CHUNK)
    return jax.lax.scan(add, jnp.zeros_like(values), chunks)[0]


def embed(encoder: Encoder, graphs: Sequence[Graph]) -> NDArray[np.float32]:
    """Embeddings of graphs, float32 [n, encoder.width]; that of a graph does not depend on the others."""
    made = [np.zeros((0, encoder.width), np.float32)]
    for part in batches(graphs, most_graphs=_MOST_GRAPHS):
        read = _read(encoder, join(part, few_rooms(part, most_graphs=_MOST_GRAPHS)))
        made.append(np.asarray(read)[: len(part)])
    return np.concatenate(made)


@jax.jit
def _read(encoder: Encoder, batch: GraphBatch) -> Array:
    return encoder.readout(batch, encoder.nodes(batch))


def encoder_arrays(encoder: Encoder) -> dict[str, NDArray[np.float32]]:
    """The weights by name, for a file."""
    return {_name(path): np.asarray(weight[...]) for path, weight in nnx.to_flat_state(nnx.state(encoder))}


def encoder_from(arrays: Mapping[str, NDArray[Any]]) -> Encoder:
    """The encoder of weights from a file.

    Raises:
      RecbenchError: an array is missing, is not one of an encoder's, or has another shape, type or infinite values.
    """
    hidden, layers = _sizes(arrays)
    structure, state = nnx.split(
        nnx.eval_shape(lambda: Encoder(hidden=hidden, layers=layers, key=jax.random.key(0)))  # allocates nothing
    )
    wanted = {_name(path): (path, weight) for path, weight in nnx.to_flat_state(state)}
    if wanted.keys() != arrays.keys():
        missing, foreign = sorted(wanted.keys() - arrays.keys()), sorted(arrays.keys() - wanted.keys())
        raise _refusal(f"it lacks {missing[0]}" if missing else f"it has an array {foreign[0]}, which none has")
    for name, (_, weight) in wanted.items():
        found = arrays[name]
        if found.dtype != np.float32 or found.shape != weight.shape:
            raise _refusal(f"{name} is {found.dtype}{list(found.shape)}, not float32{list(weight.shape)}")
        if not np.isfinite(found).all():
            raise _refusal(f"{name} has values that are not finite")
    filled = [(path, weight.replace(arrays[name])) for name, (path, weight) in wanted.items()]
    encoder: Encoder = nnx.merge(structure, nnx.from_flat_state(filled))
    return encoder


def _sizes(arrays: Mapping[str, NDArray[Any]]) -> tuple[int, int]:
    """Hidden width and number of layers that the arrays are of, if they are an encoder's."""
    first = arrays.get("layers.0.out.bias")
    if first is None or first.ndim != 1 or not len(first):
        raise _refusal("it has no layers.0.out.bias of one axis")
    return len(first), sum(name.startswith("layers.") and name.endswith(".out.bias") for name in arrays)


def _name(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


def _refusal(found: str) -> RecbenchError:
    return RecbenchError(f"these arrays are not those of a graph encoder: {found}; give those that a trained one wrote")

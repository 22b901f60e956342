"""The bipartite graph of a log as a network reads it, and several graphs as one batch.

Users and items that have a row are nodes, every row is an edge, a repeated one too. What a node is known by is its log
degree and its side: nothing that depends on a name. Of a log with too many rows, users are drawn with all their rows.
A user's degree and neighbours then stay as they were; edges drawn one by one would thin both sides, and leave most
users of a large log with a neighbour or none. Items do lose neighbours: so the degree that is a feature is always that
in the whole log, and means over neighbours, not sums, are taken of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from recbench import Interactions, RecbenchError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEATURES = 2
"""Of a node: scaled log degree, side."""
MOST_EDGES = 2**17
"""Of a graph; a log with more rows is sampled."""
_LOG_SCALE = 5.0  # features are about 1 in size: a degree of 147 is 1
CHUNK = 2**12
"""The edges of a batch are a multiple of it: so many are added up at a time."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes, users before items, and the rows between them."""

    users: NDArray[np.int32]  # [edges], the node of each edge's user
    items: NDArray[np.int32]  # [edges], the node of its item
    features: NDArray[np.float32]  # [nodes, 2]: log(1 + rows in the whole log) / 5; 1 for a user, -1 for an item
    weights: NDArray[np.float32]  # [nodes], nodes of the whole log that each stands for; 1 unless it was sampled


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["users", "items", "features", "weights", "graph"],
    meta_fields=["num_graphs"],
)
@dataclass(frozen=True, slots=True)
class GraphBatch:
    """Graphs side by side; what is padded stands last. A padded edge joins the last node, itself padded, to itself."""

    users: Array  # int32 [edges]
    items: Array  # int32 [edges]
    features: Array  # float32 [nodes, 2]
    weights: Array  # float32 [nodes], 0 where padded
    graph: Array  # int32 [nodes], the graph of each node, num_graphs where padded
    num_graphs: int  # places for graphs; the last ones may be empty


def build_graph(interactions: Interactions, *, seed: int = 0, most_edges: int = MOST_EDGES) -> Graph:
    """The graph of a log.

    Args:
      seed: what draws the users of a log with more than ``most_edges`` rows.
      most_edges: from 1; of a larger log exactly so many rows are kept, those of whole users except for the last one.

    Raises:
      RecbenchError: there is no row.
    """
    if not len(interactions):
        raise RecbenchError("the log has no rows, and a graph is made of rows: give a log with at least one")
    lengths = np.bincount(interactions.user, minlength=interactions.num_users)
    popularity = np.bincount(interactions.item, minlength=interactions.num_items)
    user, item = interactions.user, interactions.item
    if len(interactions) > most_edges:
        rows = _rows_of_some(user, lengths, most_edges, np.random.default_rng(seed))
        user, item = user[rows], item[rows]
    users, user_node = np.unique(user, return_inverse=True)
    items, item_node = np.unique(item, return_inverse=True)
    degrees = np.concatenate([lengths[users], popularity[items]])
    sides = np.repeat([1.0, -1.0], [len(users), len(items)])
    share = len(user) / len(interactions)
    return Graph(
        users=user_node.astype(np.int32),
        items=(item_node + len(users)).astype(np.int32),
        features=np.column_stack([np.log1p(degrees) / _LOG_SCALE, sides]).astype(np.float32),
        weights=np.concatenate(
            [
                np.full(len(users), np.count_nonzero(lengths) / len(users)),
                1 / (1 - (1 - share) ** popularity[items]),  # an item is in the sample if one of its rows is
            ]
        ).astype(np.float32),
    )


def _rows_of_some(
    user: NDArray[np.int32], lengths: NDArray[np.int64], size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of users in random order, of the last one as many as there is room for, int64 [size]."""
    order = rng.permutation(len(lengths))
    last = np.searchsorted(np.cumsum(lengths[order]), size)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    turn = place[user]
    whole, cut = np.flatnonzero(turn < last), np.flatnonzero(turn == last)
    return np.concatenate([whole, rng.permutation(cut)[: size - len(whole)]])


class Room(NamedTuple):
    """The shape of a batch: one shape, one program."""

    nodes: int
    edges: int
    graphs: int


def least_room(graphs: Sequence[Graph]) -> Room:
    """The smallest shape that holds graphs: one node to spare, and edges in whole chunks."""
    nodes, edges = sum(len(graph.weights) for graph in graphs), sum(len(graph.users) for graph in graphs)
    return Room(nodes + 1, -(-edges // CHUNK) * CHUNK, len(graphs))


def few_rooms(graphs: Sequence[Graph], *, most_graphs: int) -> Room:
    """A larger shape, with a power of two of nodes and one of edges: batches of any size share a few programs."""
    nodes, edges, _ = least_room(graphs)
    return Room(1 << (nodes - 1).bit_length(), 1 << (edges - 1).bit_length(), most_graphs)


def join(graphs: Sequence[Graph], room: Room) -> GraphBatch:
    """One batch of the given shape."""
    sizes = [len(graph.weights) for graph in graphs]
    own = np.repeat(np.arange(len(graphs), dtype=np.int32), sizes)
    placed = list(zip(np.cumsum([0, *sizes[:-1]], dtype=np.int32), graphs, strict=True))
    spare = room.nodes - 1
    return GraphBatch(
        users=_padded([graph.users + start for start, graph in placed], room.edges, spare),
        items=_padded([graph.items + start for start, graph in placed], room.edges, spare),
        features=_padded([graph.features for graph in graphs], room.nodes, 0),
        weights=_padded([graph.weights for graph in graphs], room.nodes, 0),
        graph=_padded([own], room.nodes, room.graphs),
        num_graphs=room.graphs,
    )


def batches(graphs: Sequence[Graph], *, most_graphs: int, most_edges: int = MOST_EDGES) -> Iterator[Sequence[Graph]]:
    """Graphs in turn, so many together as stay within both bounds, and at least one."""
    start, edges = 0, 0
    for place, graph in enumerate(graphs):
        if place > start and (place - start == most_graphs or edges + len(graph.users) > most_edges):
            yield graphs[start:place]
            start, edges = place, 0
        edges += len(graph.users)
    if start < len(graphs):
        yield graphs[start:]


def _padded(parts: Sequence[NDArray[Any]], length: int, filler: int) -> Array:
    joined = np.concatenate(parts)
    widths = [(0, length - len(joined)), *[(0, 0)] * (joined.ndim - 1)]
    return jnp.asarray(np.pad(joined, widths, constant_values=filler))

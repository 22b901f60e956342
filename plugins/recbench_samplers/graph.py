"""The bipartite graph of a log: users and items are nodes, every row an edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from recbench import Interactions
from recbench_samplers.histories import first_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recbench_samplers.compiled import Visit


@dataclass(frozen=True, slots=True)
class Graph:
    """Who is next to whom: users are nodes 0 to U - 1, items U to U + I - 1. A row that repeats is a further edge."""

    starts: NDArray[np.int64]  # [U + I + 1], where each node's neighbours start; without a row it has none
    neighbours: NDArray[np.int32]  # [2 n], nodes


def bipartite(train: Interactions) -> Graph:
    """The graph of train, in O(n): rows stand by user, and are counted once more by item."""
    by_user = first_rows(train)
    ones = np.ones(len(train), np.int8)
    shape = train.num_users, train.num_items
    by_item = sparse.csr_array((ones, train.item, by_user), shape=shape).tocsc()
    return Graph(
        starts=np.concatenate([by_user, len(train) + by_item.indptr[1:].astype(np.int64)]),
        neighbours=np.concatenate([train.item + np.int32(train.num_users), by_item.indices.astype(np.int32)]),
    )


def earlier_first(train: Interactions, visit: Visit, chance: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """The order that keeps the rows between the nodes that are reached first.

    Args:
      visit: gives the place of each node in the order of first visits, int64 [U + I], from the graph (starts and
        neighbours), the nodes that have an edge in random order, ``chance`` and ``rng``.

    Returns:
      The later of the two ends' places, negated, float32 [n].
    """
    graph = bipartite(train)
    seeds = rng.permutation(np.flatnonzero(np.diff(graph.starts)))
    reached = visit(graph.starts, graph.neighbours, seeds, chance, rng)
    later = np.maximum(reached[train.user], reached[train.num_users + train.item])
    return -later.astype(np.float32)

"""The rows between the users and items that a random walk with restart reaches first.

Source: Leskovec, Faloutsos, Sampling from Large Graphs, KDD 2006, section 3.3; on bipartite graphs as in Sachdeva, Wu,
McAuley, On Sampling Collaborative Filtering Datasets, WSDM 2022, section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recbench import Interactions, SamplerContext
from recbench_samplers.compiled import compiled
from recbench_samplers.graph import earlier_first

if TYPE_CHECKING:
    from numpy.typing import NDArray

PATIENCE = 1000
"""Steps without a new node after which the walk starts anew, among those not reached."""


def order(train: Interactions, context: SamplerContext, /) -> NDArray[np.float32]:
    """The later of the two ends' first visits, negated, float32 [n]."""
    return earlier_first(train, first_visits, float(context.parameters["restart"]), context.rng)


@compiled
def first_visits(
    starts: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    seeds: NDArray[np.int64],
    restart: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Walks until all nodes are reached.

    A step goes back to where the walk started with probability ``restart``, else along an edge of the node, all equally
    likely. The next start is the first of ``seeds`` that is not reached: uniform among these, as the order is random.

    Args:
      starts, neighbours: the graph, see :class:`~recbench_samplers.graph.Graph`.
      seeds: all nodes that have an edge, in random order.

    Returns:
      Place of each node in the order of first visits, int64 [nodes]; -1 without an edge.
    """
    reached = np.full(len(starts) - 1, -1, np.int64)
    count = 0
    for start in seeds:
        if reached[start] >= 0:
            continue
        node, idle = start, 0
        reached[start] = count
        count += 1
        while idle < PATIENCE and count < len(seeds):
            if rng.random() < restart:
                node = start
            else:
                first = starts[node]
                node = np.int64(neighbours[first + rng.integers(0, starts[node + 1] - first)])
            idle += 1
            if reached[node] < 0:
                reached[node] = count
                count += 1
                idle = 0
    return reached

"""The rows between the users and items that a forest fire burns first.

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

EMBERS = 100
"""How many of the neighbours that the fire passed over last can light it again."""


def order(train: Interactions, context: SamplerContext, /) -> NDArray[np.float32]:
    """The later of the two ends' places in the order of burning, negated, float32 [n]."""
    return earlier_first(train, burning, float(context.parameters["p"]), context.rng)


@compiled
def burning(
    starts: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    seeds: NDArray[np.int64],
    p: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Burns until all nodes are burnt; each looks at its edges once, so all is O(nodes + edges).

    A burning node lights a geometric number of its unburned neighbours (from 1, mean 1 / p), all equally likely, and
    passes over the others. A dead fire is lit again at the neighbour passed over last, of the latest ``EMBERS``, that
    is unburned; else at the first of ``seeds`` that is.

    Args:
      starts, neighbours: the graph, see :class:`~recbench_samplers.graph.Graph`.
      seeds: all nodes that have an edge, in random order.

    Returns:
      Place of each node in the order of burning, int64 [nodes]; -1 without an edge.
    """
    burnt = np.full(len(starts) - 1, -1, np.int64)
    fire = np.empty(len(seeds), np.int64)  # nodes in the order of burning: the front is what has not been looked at
    unburned = np.empty(np.diff(starts).max(), np.int64)
    embers = np.empty(EMBERS, np.int64)  # a ring
    passed = 0  # neighbours passed over so far, those that fell out of the ring too
    count = looked = next_seed = 0
    while count < len(seeds):
        # The fire is dead: light it.
        lit = -1
        for back in range(1, min(passed, EMBERS) + 1):
            if burnt[embers[(passed - back) % EMBERS]] < 0:
                lit = embers[(passed - back) % EMBERS]
                break
        while lit < 0:
            if burnt[seeds[next_seed]] < 0:
                lit = seeds[next_seed]
            next_seed += 1
        burnt[lit] = count
        fire[count] = lit
        count += 1
        while looked < count < len(seeds):
            node = fire[looked]
            looked += 1
            found = 0
            for edge in range(starts[node], starts[node + 1]):
                if burnt[neighbours[edge]] < 0:
                    unburned[found] = neighbours[edge]
                    found += 1
            # Random ones come to the front of the list one by one; of the rest no more become embers than can stay.
            wanted, first_passed = rng.geometric(p), passed
            for place in range(found):
                if passed - first_passed == EMBERS:
                    break
                other = place + rng.integers(0, found - place)
                each = unburned[other]
                unburned[other] = unburned[place]
                if burnt[each] >= 0:  # a further edge to one that was lit a moment ago
                    continue
                if wanted > 0:
                    burnt[each] = count
                    fire[count] = each
                    count += 1
                    wanted -= 1
                else:
                    embers[passed % EMBERS] = each
                    passed += 1
    return burnt

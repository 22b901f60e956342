"""The rows between users and items that are central in the graph of both: nodes of a low PageRank leave first.

Source: Sachdeva, Wu, McAuley, On Sampling Collaborative Filtering Datasets, WSDM 2022, section 3; PageRank: Page, Brin,
Motwani, Winograd, The PageRank Citation Ranking, 1999.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from recbench import Interactions, SamplerContext
from recbench_samplers.histories import first_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOLERANCE = 1e-10
"""Largest change of all ranks together, which sum to 1, in a round that counts as none."""


def order(train: Interactions, context: SamplerContext, /) -> NDArray[np.float32]:
    """The smaller PageRank of the two ends, times the number of nodes, float32 [n]; a node's rows leave with it."""
    users, items = pagerank(train, damping=float(context.parameters["damping"]))
    nodes = np.count_nonzero(users) + np.count_nonzero(items)
    return (nodes * np.minimum(users[train.user], items[train.item])).astype(np.float32)


def pagerank(train: Interactions, *, damping: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """PageRank of users and items on their bipartite graph, every row an edge; 0 where there is no row.

    Power iteration by sides: users are ranked from items, then items from these users. That has the fixed point of the
    plain iteration and comes near it by damping^2 a round, for the same two products with the matrix.

    Returns:
      float64 [U] and [I], summing to 1 together.
    """
    counts = np.ones(len(train))
    matrix = sparse.csr_array((counts, train.item, first_rows(train)), shape=(train.num_users, train.num_items))
    lengths, popularity = np.diff(matrix.indptr), np.bincount(train.item, minlength=train.num_items)
    nodes = np.count_nonzero(lengths) + np.count_nonzero(popularity)
    to_users, to_items = _shares(popularity, damping), _shares(lengths, damping)
    jump_users, jump_items = ((1 - damping) / nodes * (degree > 0) for degree in (lengths, popularity))
    items = (popularity > 0) / nodes
    while True:
        users = matrix @ (to_users * items) + jump_users
        latest = matrix.T @ (to_items * users) + jump_items
        change, items = float(np.abs(latest - items).sum()), latest
        if change < _TOLERANCE:
            return users, items


def _shares(degree: NDArray[np.int64], damping: float) -> NDArray[np.float64]:
    """What of a node's rank goes along each of its edges, float64 [nodes]."""
    return damping / np.maximum(degree, 1)

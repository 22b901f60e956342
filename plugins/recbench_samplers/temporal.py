"""The most recent share of every user's history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recbench import Interactions, SamplerContext
from recbench_samplers.histories import first_rows, same_share

if TYPE_CHECKING:
    from numpy.typing import NDArray


def order(train: Interactions, context: SamplerContext, /) -> NDArray[np.float32]:
    """-(rank within the history, newest first + offset of the user) / history length, float32 [n].

    Rows stand by user and time, tied times in a seeded order of their items: the rank is the distance to the last row.
    """
    starts = first_rows(train)
    rank = starts[train.user + 1] - 1 - np.arange(len(train))
    return same_share(train, rank, starts, rng=context.rng)

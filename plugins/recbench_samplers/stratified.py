"""The same share of every user's history, at random within it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recbench import Interactions, SamplerContext
from recbench_samplers.histories import first_rows, same_share

if TYPE_CHECKING:
    from numpy.typing import NDArray


def order(train: Interactions, context: SamplerContext, /) -> NDArray[np.float32]:
    """-(random rank within the history + offset of the user) / history length, float32 [n]."""
    starts = first_rows(train)
    draws = context.rng.integers(1 << 32, size=len(train), dtype=np.uint32)
    shuffled = np.argsort(train.user.astype(np.uint64) << np.uint64(32) | draws, kind="stable")
    rank = np.empty(len(train), dtype=np.int64)
    rank[shuffled] = np.arange(len(train)) - starts[train.user]  # rows of a user stay in the user's block
    return same_share(train, rank, starts, rng=context.rng)

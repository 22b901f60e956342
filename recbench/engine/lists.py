"""Lists that were made anywhere, judged by the metrics of rankings."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from recbench.contracts.batches import RankedTest
from recbench.engine.batch import DeviceSplit
from recbench.engine.blocks import Lists, RankingBlocks, full_mask
from recbench.engine.evaluate import UserValues, block_size, in_user_order, shared_ranking_blocks
from recbench.engine.score import MISSED, Column


def score_lists(
    data: DeviceSplit, users: NDArray[Any], items: NDArray[Any], *, columns: tuple[Column, ...]
) -> UserValues:
    """Every column for every test user; who has no list has no hit.

    Test items that the full mask hides (known from train or validation) count as missed, as in every ranking.

    Args:
      data: the split.
      users: int [n], non-decreasing.
      items: int [n], distinct within a user, best first.
      columns: what is computed; all with a cut-off, for what follows a list is unknown.
    """
    blocks = shared_ranking_blocks(data, "test", size=block_size(data, 1, 1))
    ranks = _ranks_of(data, _pairs(data, blocks.test), users, items)
    values = _program(columns)(blocks, Lists(ranks, blocks.test.starts, blocks.test.width))
    return in_user_order(blocks, np.asarray(values)[None], np.ones(1, bool), counts=None)


@lru_cache(maxsize=64)
def _program(columns: tuple[Column, ...]) -> Any:
    def judge(blocks: RankingBlocks, ranks: Lists) -> Array:
        def block(users: Array) -> Array:
            test, real = blocks.test.of(users)
            ranked = RankedTest(
                rank=jnp.where(real, ranks.of(users)[0], MISSED),
                outranked=jnp.zeros(test.shape, jnp.float32),
                mask=real,
                weight=blocks.weight[test],
                count=real.sum(1, dtype=jnp.int32),
            )
            return jnp.stack([column.function(ranked, column.cutoff) for column in columns], axis=1)

        return jax.lax.map(block, blocks.users)

    return jax.jit(judge)


def _ranks_of(
    data: DeviceSplit, wanted: NDArray[np.int64], users: NDArray[Any], items: NDArray[Any]
) -> NDArray[np.int32]:
    """The place of each wanted pair on its user's list, from 0; MISSED where it is not there, or masked."""
    places = np.arange(len(users)) - np.searchsorted(users, users)
    listed = users.astype(np.int64) * data.split.num_items + items
    order = np.argsort(listed)
    listed, places = np.append(listed[order], -1), np.append(places[order], MISSED)
    slot = np.searchsorted(listed[:-1], wanted)
    masked = np.isin(wanted, _pairs(data, full_mask(data, "test")))
    return np.where((listed[slot] == wanted) & ~masked, places[slot], MISSED).astype(np.int32)


def _pairs(data: DeviceSplit, lists: Lists) -> NDArray[np.int64]:
    """Every (user, item) of lists of items as one number, int64 [total]."""
    starts = np.asarray(lists.starts)
    users = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return users * data.split.num_items + np.asarray(lists.values)[: starts[-1]]

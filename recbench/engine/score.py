"""Scores and metrics of many runs at once, over blocks of users: memory is bounded by the block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array

from recbench.contracts.batches import Query, RankedTest
from recbench.engine.batch import SplitArrays
from recbench.engine.blocks import Lists, RankingBlocks, RatingBlocks

MISSED = 2**31 - 1
"""Rank of a test item that may not be listed: beyond every cut-off, those above the number of items included."""


class Scorer(Protocol):
    """What one fitted run can do; made inside the device program from the run's state."""

    def score(self, query: Query) -> Array: ...

    def predict(self, query: Query, rows: Array, items: Array) -> Array: ...


@dataclass(frozen=True, slots=True)
class Column:
    """One column of results: a metric at a cut-off."""

    name: str
    function: Callable[..., Any]
    cutoff: int | None


def rank_block(
    scores: Array,
    *,
    test: Array,
    test_mask: Array,
    longest: Array,
    excluded: Array,
    positive: Array,
    tie_break: Array,
    weight: Array,
) -> RankedTest:
    """Where each test item stands in the full ranking, and what share of the negatives it outranks.

    Positions are counted, not sorted for: 3 comparisons per (test item, item), which vectorise, give every cut-off and
    AUC at once. The loop runs over the test items of the block's busiest user; blocks hold users with alike numbers.

    Args:
      scores: float32 [users, items], finite.
      test: int32 [users, width], padded.
      test_mask: bool [users, width].
      longest: int32 scalar, the largest number of test items of a user.
      excluded: bool [users, items], what is not listed.
      positive: bool [users, items], what is no negative.
      tie_break: int32 [items], a permutation; of equal scores the lower stands first.
      weight: float32 [items], inverse propensities.
    """
    users = scores.shape[0]
    row = jnp.arange(users)
    listed = jnp.where(excluded, -jnp.inf, scores)
    negatives = jnp.where(positive, jnp.nan, scores)
    num_negatives = jnp.sum(~positive, axis=1)

    def place(slot: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        rank, outranked = state
        item = test[:, slot]
        mine = scores[row, item][:, None]
        first = tie_break[None, :] < tie_break[item][:, None]
        above = jnp.sum((listed > mine) | ((listed == mine) & first), axis=1, dtype=jnp.int32)
        below = jnp.sum(negatives < mine, axis=1, dtype=jnp.int32)
        tied = jnp.sum(negatives == mine, axis=1, dtype=jnp.int32)
        share = (below.astype(jnp.float32) + 0.5 * tied.astype(jnp.float32)) / jnp.maximum(num_negatives, 1).astype(
            jnp.float32
        )
        share = jnp.where(num_negatives > 0, share, 0.5)
        missed = excluded[row, item]
        rank = rank.at[:, slot].set(jnp.where(missed, MISSED, above))
        return rank, outranked.at[:, slot].set(jnp.where(missed, 0.0, share))

    start = (jnp.full(test.shape, MISSED, jnp.int32), jnp.zeros(test.shape, jnp.float32))
    rank, outranked = jax.lax.fori_loop(0, longest, place, start)
    return RankedTest(
        rank=rank, outranked=outranked, mask=test_mask, weight=weight[test], count=test_mask.sum(1, dtype=jnp.int32)
    )


def evaluate_rankings(
    scorer: Scorer,
    blocks: RankingBlocks,
    *,
    data: SplitArrays,
    history: Lists,
    mask: Lists,
    columns: Sequence[Column],
    at_once: int,
) -> tuple[Array, Array]:
    """Ranking metrics of one run for every block.

    Args:
      at_once: users to score in one go, several blocks of them where blocks are smaller.

    Returns:
      float32 [blocks, size, columns] and whether all scores were finite, bool scalar.
    """

    def block(inputs: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        scores, users, longest = inputs
        ranked = rank_lists(scores, users, longest, blocks=blocks, mask=mask, tie_break=data.tie_break)
        values = [column.function(ranked, column.cutoff) for column in columns]
        return jnp.stack(values, axis=1), jnp.all(jnp.isfinite(scores) | (users < 0)[:, None])

    def group(inputs: tuple[Array, Array]) -> tuple[Array, Array]:
        users, longest = inputs
        scores = scorer.score(make_query(users.ravel(), history, data=data))
        return jax.lax.map(block, (scores.reshape(*users.shape, -1), users, longest))

    count, size = blocks.users.shape
    together = max(1, at_once // size)
    grouped = (_grouped(blocks.users, together, fill=-1), _grouped(blocks.longest, together, fill=0))
    values, finite = jax.lax.map(group, grouped)
    return values.reshape(-1, *values.shape[2:])[:count], finite.all()


def _grouped(blocks: Array, together: int, *, fill: int) -> Array:
    """[blocks, ...] as [groups, blocks of a group, ...], equal groups of at most so many blocks; what is added last."""
    groups = -(-len(blocks) // together)
    each = -(-len(blocks) // groups)
    missing = [(0, groups * each - len(blocks))] + [(0, 0)] * (blocks.ndim - 1)
    return jnp.pad(blocks, missing, constant_values=fill).reshape(groups, each, *blocks.shape[1:])


def rank_lists(
    scores: Array, users: Array, longest: Array, *, blocks: RankingBlocks, mask: Lists, tie_break: Array
) -> RankedTest:
    """:func:`rank_block` for the users of a block."""
    test, test_mask = blocks.test.of(users)
    return rank_block(
        scores,
        test=test,
        test_mask=test_mask,
        longest=longest,
        excluded=membership(mask, users, scores.shape[1]),
        positive=membership(blocks.positives, users, scores.shape[1]),
        tie_break=tie_break,
        weight=blocks.weight,
    )


def evaluate_ratings(
    scorer: Scorer, blocks: RatingBlocks, *, data: SplitArrays, history: Lists, columns: Sequence[Column]
) -> tuple[Array, Array]:
    """Rating metrics of one run for every block, summed over each user's rows.

    Returns:
      float32 [blocks, size, columns] and whether all predictions were finite, bool scalar.
    """

    def block(inputs: RatingBlocks) -> tuple[Array, Array]:
        query = make_query(inputs.users, history, data=data)
        prediction = scorer.predict(query, inputs.rows, inputs.items)
        return rating_sums(prediction, inputs, columns=columns)

    values, finite = jax.lax.map(block, blocks)
    return values, finite.all()


def rating_sums(prediction: Array, block: RatingBlocks, *, columns: Sequence[Column]) -> tuple[Array, Array]:
    """Each column's sum over the rows of each user of a block, [size, columns], and whether all were finite."""
    size = block.users.shape[0]
    sums = [
        jax.ops.segment_sum(jnp.where(block.mask, column.function(prediction, block.ratings), 0), block.rows, size)
        for column in columns
    ]
    return jnp.stack(sums, axis=1), jnp.all(jnp.isfinite(prediction) | ~block.mask)


def make_query(users: Array, history: Lists, *, data: SplitArrays) -> Query:
    """Users with their padded histories. The lists hold event numbers."""
    events, real = history.of(users)
    return Query(
        users=users,
        items=jnp.where(real, data.event_item[events], 0),
        values=jnp.where(real, data.event_value[events], 0),
        mask=real,
        num_items=data.num_items,
    )


def membership(lists: Lists, users: Array, num_items: int) -> Array:
    """Whether an item is on a user's list, bool [users, num_items]."""
    items, real = lists.of(users)
    rows = jnp.arange(users.shape[0])[:, None]
    return (
        jnp.zeros((users.shape[0], num_items), bool).at[rows, jnp.where(real, items, num_items)].set(True, mode="drop")
    )

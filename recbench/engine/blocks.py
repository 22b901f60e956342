"""Blocks of users to score: which users, which test rows, what leaves the list. Built once per split and phase."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from recbench.contracts.records import Interactions, Sample, distinct_pairs
from recbench.engine.batch import DeviceSplit, Leaf, clean_train
from recbench.engine.parallel import place_shared
from recbench.engine.propensity import inverse_propensity

Phase = Literal["validation", "test"]


@partial(jax.tree_util.register_dataclass, data_fields=["values", "starts"], meta_fields=["width"])
@dataclass(frozen=True, slots=True)
class Lists:
    """A list of int32 for every user, end to end."""

    values: Leaf  # int32 [total, at least 1]
    starts: Leaf  # int32 [num_users + 1]
    width: int  # length of the longest list

    def of(self, users: Array) -> tuple[Array, Array]:
        """The lists of some users, padded: values int32 [users, width] and what is real, bool [users, width].

        The most recent values stay where a list is longer than ``width``.
        """
        known = jnp.maximum(users, 0)
        end = self.starts[known + 1]
        begin = jnp.maximum(self.starts[known], end - self.width)
        index = begin[:, None] + jnp.arange(self.width, dtype=jnp.int32)[None, :]
        real = (index < end[:, None]) & (users >= 0)[:, None]
        return self.values[jnp.where(real, index, 0)], real


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["users", "longest", "test", "positives", "weight"],
    meta_fields=[],
)
@dataclass(frozen=True, slots=True)
class RankingBlocks:
    """Users with a test item, in blocks of alike numbers of test items."""

    users: Leaf  # int32 [blocks, size], -1 padded
    longest: Leaf  # int32 [blocks], test items of the block's busiest user
    test: Lists  # distinct test items of each user
    positives: Lists  # all that a user is known to like: never a negative of AUC
    weight: Leaf  # float32 [num_items], inverse propensity


@jax.tree_util.register_dataclass
@dataclass(frozen=True, slots=True)
class RatingBlocks:
    """Test rows in blocks of whole users with alike numbers of rows a block."""

    users: Leaf  # int32 [blocks, size], -1 padded
    rows: Leaf  # int32 [blocks, pairs], position of each row's user in its block
    items: Leaf  # int32 [blocks, pairs]
    ratings: Leaf  # float32 [blocks, pairs]
    mask: Leaf  # bool [blocks, pairs]


def ranking_blocks(data: DeviceSplit, phase: Phase, *, size: int) -> RankingBlocks:
    """Blocks for ranking metrics on the phase's rows.

    At validation the test rows are not looked at, not even as positives.
    """
    split = data.split
    target, train = getattr(split, phase), clean_train(split)
    test = _item_lists([target], distinct=True)
    known = [train, split.validation] + ([split.test] if phase == "test" else [])
    counts = np.diff(test.starts)
    order = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
    users = _in_blocks(order, size)
    item_counts = np.bincount(train.item, minlength=split.num_items)
    blocks: RankingBlocks = place_shared(
        RankingBlocks(
            users=users,
            longest=np.where(users >= 0, counts[users], 0).max(axis=1).astype(np.int32),
            test=test,
            positives=_item_lists(known, distinct=True),
            weight=inverse_propensity(item_counts, num_interactions=len(train)).astype(np.float32),
        )
    )
    return blocks


def rating_blocks(data: DeviceSplit, phase: Phase, *, size: int) -> RatingBlocks:
    """Blocks for rating metrics on the phase's rows; busy and idle users are dealt out evenly."""
    target: Interactions = getattr(data.split, phase)
    counts = np.bincount(target.user, minlength=data.split.num_users)
    order = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
    num_blocks = max(1, -(-len(order) // size))
    users = np.full((num_blocks, size), -1, np.int32)
    users.T.flat[: len(order)] = order
    place = np.zeros((data.split.num_users, 2), np.int64)
    block, slot = np.nonzero(users >= 0)
    place[users[block, slot]] = np.stack([block, slot], axis=1)
    row_block, row_slot = place[target.user].T
    by_block = np.argsort(row_block, kind="stable")
    sizes = np.bincount(row_block, minlength=num_blocks)
    column = np.arange(len(by_block)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    where = (row_block[by_block], column)

    def spread(values: NDArray[Any]) -> NDArray[Any]:
        out = np.zeros((num_blocks, int(sizes.max(initial=1))), values.dtype)
        out[where] = values[by_block]
        return out

    blocks: RatingBlocks = place_shared(
        RatingBlocks(
            users=users,
            rows=spread(row_slot.astype(np.int32)),
            items=spread(target.item),
            ratings=spread(target.rating),
            mask=spread(np.ones(len(target), bool)),
        )
    )
    return blocks


def full_mask(data: DeviceSplit, phase: Phase) -> Lists:
    """What leaves every list under ``mask = full``: clean train positives, and validation at test time."""
    parts = [clean_train(data.split)] + ([data.split.validation] if phase == "test" else [])
    return _item_lists(parts, distinct=True)


def sample_mask(data: DeviceSplit, sample: Sample, phase: Phase) -> Lists:
    """What leaves the list under ``mask = sample``: clean positives that were kept, and validation at test time.

    Padded to the length and width of :func:`full_mask`'s parts, so that one program serves every sample.
    """
    parts = [clean_train(data.split)] + ([data.split.validation] if phase == "test" else [])
    longest = data.once(("longest mask", phase), lambda: _item_lists(parts, distinct=False).width)
    kept = _item_lists([parts[0].take(sample.rows), *parts[1:]], distinct=False)
    values = np.zeros(max(1, sum(map(len, parts))), np.int32)
    values[: kept.starts[-1]] = kept.values[: kept.starts[-1]]
    return Lists(values, kept.starts, longest)


def _item_lists(parts: list[Interactions], *, distinct: bool) -> Lists:
    users, items = parts[0].num_users, parts[0].num_items
    pair = distinct_pairs(*parts) if distinct else np.sort(np.concatenate([part.pairs() for part in parts]))
    counts = np.bincount(pair // items, minlength=users)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    values = (pair % items).astype(np.int32)
    return Lists(values if len(values) else np.zeros(1, np.int32), starts, int(max(1, counts.max(initial=1))))


def _in_blocks(users: NDArray[np.int64], size: int) -> NDArray[np.int32]:
    blocks = np.full((max(1, -(-len(users) // size)), size), -1, np.int32)
    blocks.flat[: len(users)] = users
    return blocks

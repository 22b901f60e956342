"""Noise: train rows whose item is replaced at random, a step between split and sample."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from recbench.contracts.errors import ParameterError
from recbench.contracts.records import Interactions, Split, distinct_pairs
from recbench.rng import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray


def corrupt(split: Split, *, share: float, seed: int = 0) -> Split:
    """Replaces the item of a share of train rows by one the user has not been observed with, uniformly at random.

    A user who has every item gets any that is not held out, and keeps the row where all are: no row ever becomes a
    pair of the user's validation or test rows. A row keeps its place, rating and time. The rows of a smaller share
    are among those of a larger one, with the same new items; two rows of a user may get the same one.

    Args:
      share: of the train rows, from 0 (the split itself) to 1; rounded to whole rows.
      seed: of the choice of rows and items; it does not depend on the share.

    Raises:
      ParameterError: the share is out of range, or the split has noise already.
    """
    if not 0 <= share <= 1:
        raise ParameterError(f"a noise share of {share:g} was given, but one from 0 to 1 is needed")
    if split.noise:
        raise ParameterError(f"the split has {split.noise:.0%} noise already: corrupt the clean split instead")
    if share == 0:
        return split
    train = split.train
    rng = generator(
        draw="noise", data=split.checksum, split=split.protocol, split_seed=split.seed, feedback=split.feedback,
        noise_seed=seed,
    )  # fmt: skip
    rows = np.sort(rng.permutation(len(train))[: round(share * len(train))])
    draw = rng.random(len(train))[rows]
    held_out = distinct_pairs(split.validation, split.test)
    item = _absent_item(train.user[rows], draw, distinct_pairs(train, split.validation, split.test), train)
    stuck = item < 0
    item[stuck] = _absent_item(train.user[rows[stuck]], draw[stuck], held_out, train)
    noisy = train.item.copy()
    noisy[rows] = np.where(item < 0, noisy[rows], item)
    log = replace(train, item=noisy)
    return replace(split, train=log, noise=float(share), noise_seed=seed, clean_item=train.item)


def _absent_item(
    user: NDArray[np.int32], draw: NDArray[np.float64], pairs: NDArray[np.int64], log: Interactions
) -> NDArray[np.int32]:
    """For each draw in [0, 1) an item that is in none of the user's pairs, -1 where there is none; int32 [k].

    Exact, without rejection: the r-th absent item of a user is r + j, where j is how many of the user's items,
    each lowered by its rank among them, are at most r.
    """
    owner = pairs // log.num_items
    start = np.searchsorted(owner, np.arange(log.num_users + 1))
    absent = log.num_items - np.diff(start)[user]
    lowered = pairs - (np.arange(len(pairs)) - start[owner])
    rank = np.minimum((draw * absent).astype(np.int64), np.maximum(absent - 1, 0))
    below = np.searchsorted(lowered, user * np.int64(log.num_items) + rank, side="right") - start[user]
    return np.where(absent > 0, rank + below, -1).astype(np.int32)

"""Places within the users' histories: what stratified and temporal samples share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recbench import Interactions

if TYPE_CHECKING:
    from numpy.typing import NDArray


def first_rows(train: Interactions) -> NDArray[np.int64]:
    """Where each user's history starts, int64 [num_users + 1]; rows stand by user, so it ends where the next starts."""
    return np.concatenate([[0], np.cumsum(np.bincount(train.user, minlength=train.num_users))])


def same_share(
    train: Interactions, rank: NDArray[np.int64], starts: NDArray[np.int64], *, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The order that keeps the same share of every history, by rank within it.

    At a share p, a user with m rows keeps the first p m of them, rounded down or up by chance: the offset, one uniform
    draw a user, keeps short histories from all being cut at the same moment.

    Args:
      rank: place of each row in its user's history, 0 is kept first, int64 [n].
      starts: first row of each user, see :func:`first_rows`.

    Returns:
      -(rank + offset) / history length, float32 [n], in (-1, 0].
    """
    offset = rng.random(train.num_users)
    lengths = np.diff(starts)
    return (-(rank + offset[train.user]) / lengths[train.user]).astype(np.float32)

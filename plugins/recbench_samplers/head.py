"""The users with the longest histories: the usual dense core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recbench import Interactions, SamplerContext

if TYPE_CHECKING:
    from numpy.typing import NDArray


def order(train: Interactions, context: SamplerContext, /) -> NDArray[np.float32]:
    """Length of the history that a row belongs to, float32 [n]."""
    return np.bincount(train.user, minlength=train.num_users).astype(np.float32)[train.user]

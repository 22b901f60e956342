"""Interactions, users or items at random: what every other sampler has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recbench import Interactions, SamplerContext

if TYPE_CHECKING:
    from numpy.typing import NDArray


def order(train: Interactions, context: SamplerContext, /) -> NDArray[np.float32]:
    """One uniform draw a unit, float32 [n]; all rows of a user (or an item) share its draw."""
    match context.unit:
        case "user":
            return context.rng.random(train.num_users, dtype=np.float32)[train.user]
        case "item":
            return context.rng.random(train.num_items, dtype=np.float32)[train.item]
        case _:
            return context.rng.random(len(train), dtype=np.float32)

"""From scores of rows to the rows that are kept: the part of sampling that is the same for every order sampler."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recbench.contracts.errors import ParameterError
from recbench.contracts.records import Budget, Interactions, Unit


def order_units(
    scores: NDArray[np.float32], train: Interactions, unit: Unit, *, rng: np.random.Generator
) -> NDArray[np.uint32]:
    """Rows, users or items from the first to keep to the last.

    A unit has the mean of its rows, in float64; equal units stand in a random order. O(n log n).

    Args:
      scores: one a train row, finite, float32 [n].
      rng: breaks the ties, and does nothing else.

    Returns:
      Numbers of the units that have a row, uint32 [units].
    """
    if unit == "interaction":
        drawn: NDArray[np.uint32] = rng.permutation(np.arange(len(train), dtype=np.uint32))
        return drawn[_descending(scores[drawn])]
    members, count = unit_members(train, unit)
    rows = np.bincount(members, minlength=count)
    sums = np.bincount(members, weights=scores, minlength=count)
    drawn = rng.permutation(np.arange(count, dtype=np.uint32))
    drawn = drawn[rows[drawn] > 0]
    means: NDArray[np.float64] = sums[drawn] / rows[drawn]
    return drawn[np.argsort(-means, kind="stable")]


def _descending(scores: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Places from the highest score to the lowest, equal ones in order: a stable argsort, several times faster.

    Score and place are packed into one integer, which NumPy sorts by vector instructions and in place.
    """
    bits = (-scores + np.float32(0)).view(np.uint32)  # adding 0 makes -0 equal to 0
    negative = bits >> np.uint32(31) == 1
    keys = np.where(negative, ~bits, bits | np.uint32(1 << 31)).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= np.arange(len(scores), dtype=np.uint64)
    keys.sort()
    keys &= np.uint64(0xFFFFFFFF)
    return keys.astype(np.uint32)


def keep(order: NDArray[np.uint32], train: Interactions, unit: Unit, budget: Budget) -> NDArray[np.int64]:
    """The rows of the units that fill the budget: the prefix of the order that comes nearest to it.

    Of two prefixes equally near, the smaller is taken, and at least one unit is kept. What is kept therefore lies
    within one unit of the budget, and is contained in what any larger budget of the same kind keeps.

    Args:
      order: units from the first to keep, uint32 [units], see :func:`order_units`.

    Returns:
      Row numbers into train, int64 [k], increasing.

    Raises:
      ParameterError: the budget asks for more than there is, or counts users where no users are kept whole.
    """
    if reason := out_of_reach(train, unit, budget):
        raise ParameterError(reason)
    target = wanted(train, budget)
    if unit == "interaction":
        return np.sort(order[: _nearest(None, target)]).astype(np.int64)
    members, count = unit_members(train, unit)
    sizes = np.bincount(members, minlength=count)[order] if budget.of in ("share", "rows") else None
    kept = np.zeros(count, dtype=bool)
    kept[order[: _nearest(sizes, target)]] = True
    return np.flatnonzero(kept[members])


def wanted(train: Interactions, budget: Budget) -> float:
    """How many rows a budget asks for, or how many users where it counts these; a share need not be a whole number."""
    match budget.of:
        case "share":
            return budget.amount * len(train)
        case "user-share":
            return budget.amount * np.count_nonzero(np.bincount(train.user))
        case _:
            return budget.amount


def out_of_reach(train: Interactions, unit: Unit, budget: Budget) -> str:
    """Why no sample of this unit can have this budget; empty when one can."""
    if budget.of in ("users", "user-share") and unit != "user":
        return f"the budget {budget} counts users, but whole {unit}s are kept: ask for a share or rows, or unit=user"
    if budget.of == "rows" and budget.amount > len(train):
        return f"the budget {budget} asks for more than the {len(train)} train rows"
    if budget.of == "users" and budget.amount > (present := len(np.unique(train.user))):
        return f"the budget {budget} asks for more than the {present} users of the train set"
    return ""


def unit_members(train: Interactions, unit: Unit) -> tuple[NDArray[np.int32], int]:
    """The user or item of each row, int32 [n], and how many users or items there are in all."""
    return (train.user, train.num_users) if unit == "user" else (train.item, train.num_items)


def _nearest(sizes: NDArray[np.int64] | None, target: float) -> int:
    """Units in the prefix whose total size is nearest to the target; None: every unit counts one."""
    if sizes is None:
        return max(1, int(np.ceil(target - 0.5)))
    totals = np.cumsum(sizes)
    place = min(int(np.searchsorted(totals, target)), len(totals) - 1)
    before = totals[place - 1] if place else 0
    return max(1, place + int(totals[place] - target < target - before))

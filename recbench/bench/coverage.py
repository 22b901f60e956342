"""What a sample leaves of the train set, and how far it leans."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recbench.contracts.records import Budget, Coverage, Interactions, Sample, Split, Synthesis

MIN_USERS, MIN_ITEMS, MIN_ROWS = 50, 50, 100
"""Below these a sample is not trained on."""


def coverage(split: Split, sample: Sample | Synthesis) -> Coverage:
    """What is left of the train set, and who of the test set went cold.

    Of a synthesis: rows are its non-zero entries, users its fake ones, and all test users are cold.
    """
    train, users, span = split.train, np.zeros(split.num_users, dtype=bool), None
    if isinstance(sample, Synthesis):
        rows, num_users = int(np.count_nonzero(sample.rows)), len(sample.rows)
        weights = sample.rows.sum(axis=0, dtype=np.float64)
    else:
        users[train.user[sample.rows]] = True
        weights = np.bincount(train.item[sample.rows], minlength=split.num_items).astype(np.float64)
        rows, num_users = len(sample.rows), int(users.sum())
        span = _time_span(train, sample)
    items = weights > 0
    return Coverage(
        rows=rows,
        users=num_users,
        items=int(items.sum()),
        cold_test_users=_cold(users, split.test.user),
        cold_test_items=_cold(items, split.test.item),
        popularity_shift=_popularity_shift(train, weights),
        time_span=span,
    )


def too_small(split: Split, sample: Sample | Synthesis) -> str:
    """Why a sample is not worth training on; empty when it is.

    All train rows are never too few, nor fake users, nor as many real ones as were asked for: those are what fake users
    are compared with.
    """
    if isinstance(sample, Synthesis) or len(sample.rows) == len(split.train):
        return ""
    left = coverage(split, sample)
    if not is_too_small(sample.budget, users=left.users, items=left.items, rows=left.rows):
        return ""
    found = f"{left.users} users, {left.items} items and {left.rows} rows"
    return f"too small: {found} are left, at least {MIN_USERS}, {MIN_ITEMS} and {MIN_ROWS} are needed"


def is_too_small(budget: Budget, *, users: int, items: int, rows: int) -> bool:
    """Whether so little is left of a budget for real rows that a sample is not trained on."""
    return budget.of != "users" and (users < MIN_USERS or items < MIN_ITEMS or rows < MIN_ROWS)


def _popularity_shift(train: Interactions, weights: NDArray[np.float64]) -> float:
    """Mean count, in train, of the items of kept rows over that of the items of train rows, less 1."""
    counts = np.bincount(train.item, minlength=len(weights)).astype(np.float64)
    if not (weights.any() and counts.any()):
        return 0.0
    return float((weights @ counts / weights.sum()) / (counts @ counts / counts.sum()) - 1)


def _time_span(train: Interactions, sample: Sample) -> float | None:
    if train.timestamp is None or not len(sample.rows):
        return None
    whole, kept = (float(np.ptp(times)) for times in (train.timestamp, train.timestamp[sample.rows]))
    return kept / whole if whole else 1.0


def _cold(kept: NDArray[np.bool_], tested: NDArray[np.int32]) -> float:
    wanted = np.unique(tested)
    return float(1 - kept[wanted].mean()) if len(wanted) else 0.0

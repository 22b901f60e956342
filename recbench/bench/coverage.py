"""What a sample leaves of the train set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recbench.contracts.records import Coverage, Sample, Split, Synthesis

MIN_USERS, MIN_ITEMS, MIN_ROWS = 50, 50, 100
"""Below these a sample is not trained on."""


def coverage(split: Split, sample: Sample | Synthesis) -> Coverage:
    """What is left of the train set, and who of the test set went cold.

    Of a synthesis: rows are its non-zero entries, users its fake ones, and all test users are cold.
    """
    users, items = np.zeros(split.num_users, dtype=bool), np.zeros(split.num_items, dtype=bool)
    if isinstance(sample, Synthesis):
        rows, num_users = int(np.count_nonzero(sample.rows)), len(sample.rows)
        items |= sample.rows.any(axis=0)
    else:
        users[split.train.user[sample.rows]] = True
        items[split.train.item[sample.rows]] = True
        rows, num_users = len(sample.rows), int(users.sum())
    return Coverage(rows, num_users, int(items.sum()), _cold(users, split.test.user), _cold(items, split.test.item))


def too_small(split: Split, sample: Sample | Synthesis) -> str:
    """Why a sample is not worth training on; empty when it is. All train rows are never too few, nor fake users."""
    if isinstance(sample, Synthesis) or len(sample.rows) == len(split.train):
        return ""
    left = coverage(split, sample)
    if left.users >= MIN_USERS and left.items >= MIN_ITEMS and left.rows >= MIN_ROWS:
        return ""
    found = f"{left.users} users, {left.items} items and {left.rows} rows"
    return f"too small: {found} are left, at least {MIN_USERS}, {MIN_ITEMS} and {MIN_ROWS} are needed"


def _cold(kept: NDArray[np.bool_], tested: NDArray[np.int32]) -> float:
    wanted = np.unique(tested)
    return float(1 - kept[wanted].mean()) if len(wanted) else 0.0

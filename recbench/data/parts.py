"""Split protocols: which part each row of a log belongs to.

A protocol takes the data set's name (for messages), the rows that are split, in canonical order, and a generator, and
returns the part of each row, int8 [n]. Every user has at least three rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from recbench.contracts.errors import DataError
from recbench.contracts.records import Interactions

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAIN, VALIDATION, TEST = 0, 1, 2
MIN_ROWS = 3
"""Users with fewer rows leave the data set: one row for each part."""


def user_starts(user: NDArray[np.int32]) -> NDArray[np.int64]:
    """First row of each user that has rows; rows stand by user."""
    if len(user) == 0:
        return np.zeros(0, dtype=np.int64)
    return np.concatenate([[0], np.flatnonzero(user[1:] != user[:-1]) + 1]).astype(np.int64)


def _tenth(count: NDArray[np.int64]) -> NDArray[np.int64]:
    """A tenth, rounded half up: 5 rows give 1."""
    return (count + 5) // 10


def _per_user(name: str, log: Interactions, rng: np.random.Generator) -> NDArray[np.int8]:
    """Test max(1, a tenth), validation a tenth, of each user's rows, at random: those with the user's lowest draws."""
    start = user_starts(log.user)
    count = np.diff(start, append=len(log))
    draw = np.arange(len(log), dtype=np.uint32)
    rng.shuffle(draw)
    key = (log.user.astype(np.uint64) << np.uint64(32)) | draw
    del draw
    ordered = np.sort(key)
    num_test = np.maximum(1, _tenth(count))
    last_test = ordered[start + num_test - 1]
    last_held_out = ordered[start + num_test + _tenth(count) - 1]
    del ordered
    part: NDArray[np.int8] = (key <= last_held_out[log.user]).astype(np.int8)
    part += key <= last_test[log.user]
    return part


def _leave_two_out(name: str, log: Interactions, rng: np.random.Generator) -> NDArray[np.int8]:
    """The last row of each user is test, the one before validation."""
    end = np.append(user_starts(log.user)[1:], len(log)) - 1
    part = np.zeros(len(log), dtype=np.int8)
    part[end] = TEST
    part[end - 1] = VALIDATION
    return part


def _global_time(name: str, log: Interactions, rng: np.random.Generator) -> NDArray[np.int8]:
    """Two cuts in time, as near to 80 and 90 % of the rows as rows of equal time allow; no part is empty."""
    assert log.timestamp is not None
    time, count = np.unique(log.timestamp, return_counts=True)
    if len(time) < MIN_ROWS:
        raise DataError(
            f"{name!r} has {len(time)} distinct timestamp{'s' if len(time) > 1 else ''}, and global-time needs three, "
            "one for each part: use per-user"
        )
    before = np.cumsum(count)  # rows at or before each time
    test = 1 + int(np.argmin(np.abs(before[1:-1] - 0.9 * len(log))))
    validation = int(np.argmin(np.abs(before[:test] - 0.8 * len(log))))
    part: NDArray[np.int8] = (log.timestamp > time[validation]).astype(np.int8)
    part += log.timestamp > time[test]
    return part


def given_parts(name: str, given: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int8]:
    """What the file says; where it names no validation rows, a tenth of train, drawn over all train rows."""
    for part, what in ((TRAIN, "train"), (TEST, "test")):
        if not (given == part).any():
            raise DataError(f"the split column of {name!r} names no {what} rows: it needs train and test")
    if (given == VALIDATION).any():
        return given
    train = np.flatnonzero(given == TRAIN)
    size = int(_tenth(np.asarray(len(train))))
    carved = given.copy()
    carved[rng.permutation(train)[:size]] = VALIDATION
    return carved


PROTOCOLS: dict[str, Callable[[str, Interactions, np.random.Generator], NDArray[np.int8]]] = {
    "per-user": _per_user,
    "leave-two-out": _leave_two_out,
    "global-time": _global_time,
}
"""Parts by rule; ``given`` reads them from the file instead."""

"""Logs that samplers are tried on: small, awkward, and one that is ordinary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recbench.contracts.records import Feedback, Interactions, Split
from recbench.data.frames import frame_dataset
from recbench.data.split import make_split

Pairs = Sequence[tuple[int, int]]
"""(user, item) of each row, in order of time."""

AWKWARD: Mapping[str, Pairs] = {
    "one row": [(0, 0)],
    "one user": [(0, item) for item in range(20)],
    "one item": [(user, 0) for user in range(20)],
    "one row a user": [(user, user % 3) for user in range(20)],
    "a heavy head": [(0, item) for item in range(40)] + [(user, 0) for user in range(1, 5)],
    "users without rows": [(3, 0), (3, 1), (9, 1)],
    "disconnected": [(user, user // 2) for user in range(8)] + [(user, 5 + user) for user in range(8)],
    "all equal": [(user, (user + place) % 6) for user in range(6) for place in range(3)],
    "repeated pairs": [(user, 0) for user in range(4)] * 5,
}
"""What a sampler must survive, by name."""

ORDINARY: Pairs = [(user, (user * user + 3 * place) % 40) for place in range(9) for user in range(40) if place < user]
"""Users with up to nine rows, some of whom share items."""


def split_of(pairs: Pairs, *, times: bool = True, feedback: Feedback = "implicit", same_time: bool = False) -> Split:
    """A split whose train rows are the given pairs, each user's oldest first; nothing is held out.

    Ratings run from 1 to 5 where the feedback is explicit, and are 1 otherwise.

    Args:
      times: whether the log has any.
      same_time: whether they are all equal.
    """
    user, item = (np.array([pair[side] for pair in pairs], dtype=np.int32) for side in (0, 1))
    rows = np.argsort(user, kind="stable")
    user, item = user[rows], item[rows]
    stamps = np.arange(len(pairs), dtype=np.int64)[rows] * (not same_time) if times else None
    rating = _ratings(user, item) if feedback == "explicit" else np.ones(len(pairs), np.float32)
    train = Interactions(user, item, rating, stamps, int(user.max()) + 1, int(item.max()) + 1)
    none = np.array([], dtype=np.int64)
    return Split(
        dataset="toy",
        checksum="checksum",
        feedback=feedback,
        protocol="per-user",
        seed=0,
        train=train,
        validation=train.take(none),
        test=train.take(none),
        train_position=np.arange(len(pairs)),
        validation_position=none,
        user_ids=np.arange(train.num_users),
        item_ids=np.arange(train.num_items),
        tied_times=float(same_time),
    )


def ties_log() -> pl.DataFrame:
    """A log in which many rows share a user and a time: 30 users, 20 items, five times."""
    random = np.random.default_rng(0)
    user, item = _histories(random, users=30, items=20, lengths=9)
    return _frame(user, item, timestamp=random.integers(0, 5, len(user)))


def renamed_log(users: NDArray[np.int64], items: NDArray[np.int64]) -> pl.DataFrame:
    """The same log for all names of its 25 users and 40 items; times are distinct, so that names order nothing."""
    user, item = _histories(np.random.default_rng(1), users=25, items=40, lengths=7)
    frame = _frame(user, item, timestamp=np.arange(len(user)))
    return frame.with_columns(user=pl.Series(users[user]), item=pl.Series(items[item]))


def split_frame(frame: pl.DataFrame, feedback: Feedback) -> Split:
    """The split of a log that came as a frame, as that of any file; the last two rows of each user are held out."""
    return make_split(frame_dataset(frame, name="toy"), feedback=feedback, protocol="leave-two-out")


def _histories(
    random: np.random.Generator, *, users: int, items: int, lengths: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Users of 3 and more rows, each of another item."""
    pairs = [
        (user, item)
        for user in range(users)
        for item in random.choice(items, user % lengths + 3, replace=False).tolist()
    ]
    user, item = np.array(pairs, dtype=np.int64).T
    return user, item


def _frame(user: NDArray[np.int64], item: NDArray[np.int64], *, timestamp: NDArray[np.int64]) -> pl.DataFrame:
    return pl.DataFrame({"user": user, "item": item, "rating": _ratings(user, item), "timestamp": timestamp})


def _ratings(user: NDArray[np.integer], item: NDArray[np.integer]) -> NDArray[np.float32]:
    return (1 + (user + 2 * item) % 5).astype(np.float32)

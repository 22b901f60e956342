"""Planted logs: structure that any sane algorithm finds, so small that compiling takes longer than learning.

They stand in one split a feedback type, as samples of its train rows: one device program serves them all, and those
without ratings have one shape, so that what ignores order finds its programs again in JAX's persistent cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recbench.contracts.records import Budget, Feedback, Interactions, Sample, Split, Synthesis

USERS, ITEMS = 47, 23
"""Primes, which no layer has by accident: an axis of that length is one of users, or of items."""

COLD_USERS, COLD_ITEMS = np.array([5, 11, 46]), np.array([2, 7])
"""Without a row in the sample ``thinned``."""

_TASTES = 2


class Rows(NamedTuple):
    """Rows of a log."""

    user: NDArray[np.int64]  # [n]
    item: NDArray[np.int64]  # [n]
    rating: NDArray[np.float64]  # [n]


class Part(NamedTuple):
    """A planted log: what is trained on, and what should be found."""

    train: Rows
    held: Rows


@dataclass(frozen=True)
class Planted:
    """The planted logs of a feedback type."""

    split: Split  # of all their train rows; validation and test are empty
    samples: Mapping[str, Sample]  # checkerboard, factors, half, thinned, renamed, and cycle unless explicit
    held: Mapping[str, Rows]
    liked: NDArray[np.bool_]  # [users, items], the items that the users of ``factors`` prefer, held out or not
    new_user: NDArray[np.int64]  # [users], what each is called in ``renamed``, which is ``factors`` otherwise
    new_item: NDArray[np.int64]  # [items], likewise

    def rows(self, sample: str) -> Interactions:
        """The train rows of a sample."""
        return self.split.train.take(self.samples[sample].rows)


@lru_cache(maxsize=3)
def planted(feedback: Feedback) -> Planted:
    """The planted logs, the same at every call."""
    random = np.random.default_rng(20)
    factors, liked = _factors(random, feedback)
    parts = {"checkerboard": _checkerboard(random, feedback), "factors": factors}
    if feedback != "explicit":
        parts["cycle"] = _cycle(random)
    new_user, new_item = random.permutation(USERS), random.permutation(ITEMS)
    logs = {name: part.train for name, part in parts.items()}
    logs["renamed"] = Rows(new_user[factors.train.user], new_item[factors.train.item], factors.train.rating)
    source = np.repeat(list(logs), [len(log.user) for log in logs.values()])
    user, item, rating = (np.concatenate(column) for column in zip(*logs.values(), strict=True))
    order = np.argsort(user, kind="stable")
    user, item, rating, source = user[order], item[order], rating[order], source[order]
    chosen = {name: source == name for name in logs}
    chosen["half"] = chosen["factors"] & (random.random(len(source)) < 0.5)
    chosen["thinned"] = chosen["factors"] & ~np.isin(user, COLD_USERS) & ~np.isin(item, COLD_ITEMS)
    samples = {name: Sample(np.flatnonzero(rows), name, Budget(1.0), 0) for name, rows in chosen.items()}
    held = {name: part.held for name, part in parts.items()}
    return Planted(_split(Rows(user, item, rating), feedback), samples, held, liked, new_user, new_item)


def only(split: Split, sample: Sample, *, drop_users: bool) -> Split:
    """A split of nothing but the sample's rows, so that nothing is padded; without the users who have none, if asked.

    Its axes are those of the split, so that runs draw the same.
    """
    train = split.train.take(sample.rows)
    if drop_users:
        kept, user = np.unique(train.user, return_inverse=True)
        train = replace(train, user=user.astype(np.int32), num_users=len(kept))
    return _around(train, split.feedback)


def synthesis_of(sample: Sample, split: Split) -> Synthesis:
    """The users of a sample as fake ones: a row of ones and zeros each."""
    rows = np.zeros((split.num_users, split.num_items), np.float32)
    kept = split.train.take(sample.rows)
    rows[kept.user, kept.item] = 1
    return Synthesis(rows, sample.sampler, sample.budget, 0)


def _checkerboard(random: np.random.Generator, feedback: Feedback) -> Part:
    """Users like the items of their own parity: 8 of them to train on, 3 held out.

    Explicit: these have 5 stars, and 8 items of the other parity have 1.
    """
    user, item = np.arange(USERS)[:, None], np.arange(ITEMS)[None, :]
    other = (user - item) % 2 == 1
    order = np.argsort(random.random(other.shape) + other, axis=1)
    held, train = order[:, :3], order[:, 3:11]
    if feedback == "explicit":
        train = random.permuted(np.concatenate([train, order[:, -8:]], axis=1), axis=1)
    return Part(*(_rows(items, lambda user, item: np.where((user - item) % 2, 1.0, 5.0)) for items in (train, held)))


def _factors(random: np.random.Generator, feedback: Feedback) -> tuple[Part, NDArray[np.bool_]]:
    """Affinity <p_u, q_i> + b_i of rank 2, with a little noise; and which half of the items each user prefers.

    Users have had 8 of the 11 items with the highest affinity, the other 3 are held out. Explicit: 12 items at random
    to train on and 3 held out, rated 3 + b_u + affinity.
    """
    user, item = random.normal(size=(USERS, _TASTES)), random.normal(size=(ITEMS, _TASTES))
    affinity = user @ item.T + random.normal(0, 0.7, ITEMS) + random.normal(0, 0.1, (USERS, ITEMS))
    liked = np.argsort(np.argsort(-affinity, axis=1), axis=1) < 11
    rating = 3 + random.normal(0, 1, (USERS, 1)) + affinity
    chance = random.random(affinity.shape) + (0 if feedback == "explicit" else ~liked)
    order = np.argsort(chance, axis=1)
    last = 15 if feedback == "explicit" else 11
    train, held = (_rows(items, lambda user, item: rating[user, item]) for items in (order[:, 3:last], order[:, :3]))
    return Part(train, held), liked


def _cycle(random: np.random.Generator) -> Part:
    """Users walk around one cycle of all items, from anywhere: 11 steps to train on, the next is held out."""
    tour, start = random.permutation(ITEMS), random.integers(ITEMS, size=USERS)
    walk = tour[(start[:, None] + np.arange(12)[None, :]) % ITEMS]
    return Part(*(_rows(items, lambda user, item: np.ones(user.shape)) for items in (walk[:, :-1], walk[:, -1:])))


def _rows(
    items: NDArray[np.int64], rating: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]
) -> Rows:
    """Rows from the items of each user, [users, k]."""
    user = np.repeat(np.arange(USERS), items.shape[1])
    return Rows(user, items.ravel(), rating(user, items.ravel()))


def _split(rows: Rows, feedback: Feedback) -> Split:
    user, item = rows.user.astype(np.int32), rows.item.astype(np.int32)
    return _around(Interactions(user, item, rows.rating.astype(np.float32), None, USERS, ITEMS), feedback)


def _around(train: Interactions, feedback: Feedback) -> Split:
    none = np.zeros(0, np.int64)
    return Split(
        dataset="planted",
        checksum="planted",
        feedback=feedback,
        protocol="given",
        seed=0,
        train=train,
        validation=train.take(none),
        test=train.take(none),
        train_position=np.arange(len(train)),
        validation_position=none,
        user_ids=np.arange(train.num_users),
        item_ids=np.arange(train.num_items),
        tied_times=0.0,
    )

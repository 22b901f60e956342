"""Synthetic logs: low-rank tastes, Zipf popularity, exposure that depends on both, ratings, times with drift.

What a user sees is drawn without replacement with log-odds log popularity + mnar x taste + trend (Plackett-Luce, by the
smallest of exponential draws over the weights). All is computed in blocks of users with histories of like length, each
with a generator of its own, so that memory is bounded by the log itself and threads change nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recbench import Dataset, Provenance, arrays_dataset
from recbench_datasets.config import MEDIUM, NETFLIX, SMALL, TINY, SyntheticConfig
from recbench_datasets.truth import MEAN_RATING, TASTE_WEIGHT, Truth, plant

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 2**18
"""User-item pairs a block holds at once; part of what a seed means."""
PIECE = 2**17
"""Multiplications at most in one call of BLAS: so few it does on the calling thread. Its own threads would fight with
those that the blocks run on, and cost ten times what they save."""
FIRST_SECOND = 1_000_000_000
PERIOD = 2_000 * 86_400
"""Seconds from the first possible row to the last."""
TREND = 2.0
"""Log-odds that separate the start of the period from its middle, for an item on its way in, at drift 1."""
ORDER = 2.0
"""How much more a row's place in a history follows the drift than chance, at drift 1."""


def tiny() -> Dataset:
    """A log for tests, drawn in well under a second."""
    return generate(TINY)[0]


def small() -> Dataset:
    """The log of the quickstart suite."""
    return generate(SMALL)[0]


def medium() -> Dataset:
    """A log of the size of ml-1m."""
    return generate(MEDIUM)[0]


def netflix() -> Dataset:
    """A log of the size of the Netflix prize."""
    return generate(NETFLIX)[0]


def family(**parameters: Any) -> Dataset:
    """Any of them, by the fields of :class:`SyntheticConfig`."""
    return generate(SyntheticConfig(name="synthetic", **parameters))[0]


def generate(config: SyntheticConfig) -> tuple[Dataset, Truth]:
    """Draws a log with exactly ``config.rows`` distinct pairs and strictly increasing times within each user.

    Returns:
      The log, with ids 0, 1, ... (items that nobody saw are not in it), and what it was drawn from.
    """
    truth = plant(config, _generator(config, 0))
    length = history_lengths(config, _generator(config, 1))
    log = _Log.empty(truth, length)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for _ in pool.map(log.fill, *zip(*_blocks(config, length), strict=True)):
            pass
    user = np.repeat(np.arange(config.users, dtype=np.int32), length)
    if config.all_items:
        log.show_unseen(user, _generator(config, len(length) + 2))
    dataset = arrays_dataset(
        user,
        log.item,
        log.rating,
        log.timestamp,
        name=config.name,
        provenance=Provenance(f"recbench_datasets.synthetic: {config}", licence="CC0-1.0"),
        user_ids=np.arange(config.users),
        item_ids=np.arange(config.items),
    )
    return dataset, truth


def history_lengths(config: SyntheticConfig, rng: np.random.Generator) -> NDArray[np.int64]:
    """Log-normal lengths between the shortest and the longest that sum to the rows, int64 [users]."""
    weight = np.exp(config.length_spread * rng.standard_normal(config.users))
    low, high = 0.0, config.rows / weight.min()
    for _ in range(100):  # bisection for the scale; each step halves what is left
        scale = (low + high) / 2
        total = np.clip(scale * weight, config.min_length, config.max_length).sum()
        low, high = (scale, high) if total < config.rows else (low, scale)
    wanted = np.clip(high * weight, config.min_length, config.max_length)
    length: NDArray[np.int64] = wanted.astype(np.int64)
    missing = config.rows - int(length.sum())
    length[np.argsort(length - wanted, kind="stable")[:missing]] += 1
    return length


def _generator(config: SyntheticConfig, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([config.seed, stream]))


def _blocks(
    config: SyntheticConfig, length: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], np.random.Generator]]:
    """Users of like history length, and the generator that is theirs."""
    order = np.argsort(length, kind="stable")
    size = max(1, BLOCK // config.items)
    for stream, first in enumerate(range(0, len(order), size), start=2):
        yield order[first : first + size], _generator(config, stream)


@dataclass(frozen=True, slots=True)
class _Log:
    """The log while it is filled, in canonical order, block of users by block."""

    truth: Truth
    length: NDArray[np.int64]  # [users]
    start: NDArray[np.int64]  # [users], first row of each
    item_side: NDArray[np.float64]  # [dimensions + 1, items]: what a user's taste and time meet in an item
    item: NDArray[np.int32]  # [rows]
    rating: NDArray[np.float32]  # [rows]
    timestamp: NDArray[np.int64]  # [rows]

    @classmethod
    def empty(cls, truth: Truth, length: NDArray[np.int64]) -> _Log:
        side = np.ascontiguousarray(np.column_stack([truth.item_factors, truth.item_trend]).T)
        rows = truth.config.rows
        columns = np.empty(rows, np.int32), np.empty(rows, np.float32), np.empty(rows, np.int64)
        return cls(truth, length, np.cumsum(length) - length, side, *columns)

    def fill(self, users: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Draws the histories of a block of users into their places."""
        truth, count = self.truth, self.length[users]
        span = rng.uniform(0.02, 1.0, len(users)) ** 2  # many stay for a while, some for the whole period
        begin = rng.uniform(0, 1 - span)
        item = self.seen(users, int(count.max()), begin + span / 2, rng)
        real = np.arange(item.shape[1]) < count[:, None]
        heading = truth.item_trend[item] + _products(truth.user_drift[users], truth.item_factors[item])
        late = truth.config.drift * ORDER * heading + rng.standard_normal(item.shape)
        item = np.take_along_axis(item, np.argsort(np.where(real, late, np.inf), axis=1), axis=1)
        elapsed = np.cumsum(rng.standard_exponential((len(users), item.shape[1] + 1)), axis=1)
        elapsed = elapsed[:, :-1] / np.take_along_axis(elapsed, count[:, None], axis=1)  # in (0, 1) where real
        second = ((begin[:, None] + span[:, None] * elapsed) * PERIOD).astype(np.int64)
        place = (self.start[users, None] + np.arange(item.shape[1]))[real]
        self.item[place] = item[real]
        self.rating[place] = _rated(truth, users, item, elapsed, rng)[real]
        self.timestamp[place] = (FIRST_SECOND + second + np.arange(item.shape[1]))[real]

    def show_unseen(self, user: NDArray[np.int32], rng: np.random.Generator) -> None:
        """Puts each item that nobody saw in the place of a row of an item that is seen elsewhere too."""
        missing = np.flatnonzero(np.bincount(self.item, minlength=self.truth.config.items) == 0)
        spare = np.ones(len(self.item), dtype=bool)
        spare[np.unique(self.item, return_index=True)[1]] = False
        rows = rng.choice(np.flatnonzero(spare), len(missing), replace=False)
        item = rng.permutation(missing)[:, None]
        self.item[rows] = item[:, 0]
        elapsed = np.full((len(rows), 1), 0.5)
        self.rating[rows] = _rated(self.truth, user[rows].astype(np.int64), item, elapsed, rng)[:, 0]

    def seen(
        self, users: NDArray[np.int64], most: int, middle: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """The ``most`` items that each user sees first, in that order, [block, most]; ``middle``: when, in [0, 1]."""
        config = self.truth.config
        trend = config.drift * TREND * (2 * middle - 1)
        odds = _by_pieces(np.column_stack([config.mnar * self.truth.user_factors[users], trend]), self.item_side)
        np.exp(odds, out=odds)
        odds *= self.truth.popularity
        wait = rng.standard_exponential(odds.shape)
        wait /= odds
        first = np.argpartition(wait, most - 1, axis=1)[:, :most]
        order = np.argsort(np.take_along_axis(wait, first, axis=1), axis=1)
        return np.take_along_axis(first, order, axis=1)


def _rated(
    truth: Truth,
    users: NDArray[np.int64],
    item: NDArray[np.int64],
    elapsed: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Ratings 1 to 5 of each user's items, [block, k]; tastes move by the drift while time elapses."""
    config = truth.config
    taste = _products(truth.user_factors[users], truth.item_factors[item])
    taste += config.drift * (elapsed - 0.5) * _products(truth.user_drift[users], truth.item_factors[item])
    mean = MEAN_RATING + truth.user_bias[users, None] + truth.item_bias[item] + TASTE_WEIGHT * taste
    return np.clip(np.rint(mean + config.noise * rng.standard_normal(item.shape)), 1, 5)


def _by_pieces(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """``left @ right``, some columns at a time."""
    product = np.empty((left.shape[0], right.shape[1]))
    width = max(1, PIECE // left.size)
    for first in range(0, right.shape[1], width):
        np.matmul(left, right[:, first : first + width], out=product[:, first : first + width])
    return product


def _products(user: NDArray[np.float64], item: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inner products of each user's vector [block, d] with those of its items [block, k, d]."""
    product: NDArray[np.float64] = np.einsum("bkd,bd->bk", item, user)
    return product

"""The planted truth of a synthetic log: who likes what, and what is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recbench_datasets.config import SyntheticConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEAN_RATING = 3.0
TASTE_WEIGHT = 0.7
"""Points of rating that one standard deviation of taste is worth."""
LIKENESS = 0.85
"""Share of the variance of a clustered taste that its cluster has."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What the log was drawn from. Users and items are numbered by original id, from 0."""

    config: SyntheticConfig
    user_factors: NDArray[np.float64]  # [users, dimensions]
    item_factors: NDArray[np.float64]  # [items, dimensions]
    user_drift: NDArray[np.float64]  # [users, dimensions], where a user's taste is heading
    item_trend: NDArray[np.float64]  # [items], -1 (on its way out) to 1 (on its way in)
    popularity: NDArray[np.float64]  # [items], Zipf weights, sum 1
    user_bias: NDArray[np.float64]  # [users], points of rating
    item_bias: NDArray[np.float64]  # [items], points of rating

    def affinity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Taste of each pair in standard deviations, mid-way through the user's history; arrays broadcast."""
        taste: NDArray[np.float64] = (self.user_factors[users] * self.item_factors[items]).sum(axis=-1)
        return taste

    def rating(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Mean rating of each pair before noise, rounding and clipping."""
        bias: NDArray[np.float64] = MEAN_RATING + self.user_bias[users] + self.item_bias[items]
        return bias + TASTE_WEIGHT * self.affinity(users, items)


def plant(config: SyntheticConfig, rng: np.random.Generator) -> Truth:
    """Draws the truth. Affinities have mean 0 and variance about 1 over random pairs."""
    centres = rng.standard_normal((config.clusters, config.dimensions))
    rank = rng.permutation(config.items) + 1.0
    weight = rank**-config.popularity
    return Truth(
        config,
        user_factors=_tastes(config.users, centres, rng) / np.sqrt(config.dimensions),
        item_factors=_tastes(config.items, centres, rng),
        user_drift=rng.standard_normal((config.users, config.dimensions)) / np.sqrt(config.dimensions),
        item_trend=rng.uniform(-1, 1, config.items),
        popularity=weight / weight.sum(),
        user_bias=rng.normal(0, 0.4, config.users),
        item_bias=rng.normal(0, 0.4, config.items),
    )


def _tastes(count: int, centres: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    own = rng.standard_normal((count, centres.shape[1]))
    if len(centres) == 0:
        return own
    group = rng.integers(len(centres), size=count)
    alike: NDArray[np.float64] = np.sqrt(LIKENESS) * centres[group] + np.sqrt(1 - LIKENESS) * own
    return alike

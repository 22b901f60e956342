"""What one algorithm comes to on one kind of train data: the mean over its runs, with its interval over test users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recbench.bench.ranking import Floats
from recbench.bench.scores import Contest, Runs


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric of one algorithm on the test rows, or what two of them have to do with each other."""

    value: float | None  # mean over the training seeds; None: a seed is missing
    low: float | None = None  # 2.5 % of the bootstrap replicates of that mean: with other test users
    high: float | None = None  # 97.5 %
    spread: float | None = None  # standard deviation over the training seeds; None: there is one


@dataclass(frozen=True, slots=True)
class Scores:
    """One metric of one algorithm in runs that differ in their seeds alone, as the metric has it."""

    values: Floats  # [runs]; NaN where missing
    replicates: Floats  # [runs, replicates], paired between all runs on one split

    @property
    def mean(self) -> float | None:
        """None: a run is missing."""
        return float(self.values.mean()) if len(self.values) and np.isfinite(self.values).all() else None

    @property
    def resampled(self) -> Floats:
        """The mean with other test users, [replicates]; empty where a run is missing, or its replicates are."""
        means = self.replicates.mean(axis=0) if len(self.replicates) else np.zeros(0)
        return means[:0] if np.isnan(means).any() else means


def scores_of(contest: Contest, runs: Runs, place: int) -> Scores:
    """The scores of the algorithm at a place of a contest, in runs of it."""
    replicates = runs.replicates[:, place].astype(np.float64)
    return Scores(contest.sign * runs.values[:, place], contest.sign * replicates)


def measure(scores: Scores) -> Measure:
    """The mean over the runs, its interval and their spread."""
    mean = scores.mean
    if mean is None:
        return Measure(None)
    spread = float(scores.values.std(ddof=1)) if len(scores.values) > 1 else None
    return Measure(mean, *_interval(scores.resampled), spread)


def ratio(above: Scores, below: Scores) -> Measure:
    """The ratio of two means, its interval from the paired replicates; None where one is missing or nothing divides."""
    one, other = above.mean, below.mean
    if one is None or other is None or other <= 0:
        return Measure(None)
    over, under = above.resampled, below.resampled
    if len(over) != len(under) or (under <= 0).any():
        return Measure(one / other)
    return Measure(one / other, *_interval(over / under))


def _interval(resampled: Floats) -> tuple[float | None, float | None]:
    if not len(resampled):
        return None, None
    low, high = np.percentile(resampled, [2.5, 97.5]).tolist()
    return low, high

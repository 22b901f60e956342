"""How good the algorithms are when they train on samples or fake users: their metrics, not their ranking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from recbench.bench.measure import Measure, Scores, measure, ratio, scores_of
from recbench.bench.ranking import Floats
from recbench.bench.sample import FULL
from recbench.bench.scores import Contest, Roster, Runs, check_one_setting, contests
from recbench.contracts.records import Budget, Feedback
from recbench.registry import Registry, default

Place = tuple[str, str]
"""Sampler and budget."""

WHOLE: Place = (FULL, str(Budget(1.0)))
"""Where all rows stand among the samples."""


@dataclass(frozen=True, slots=True)
class Quality:
    """One metric of one algorithm on the test rows, trained on what one sampler gave for one budget.

    Intervals are of other test users, the same ones for both sides of a ratio; how samples and seeds fell is in the
    means over the seeds only. A ratio above 1 is better than what it is compared with, whatever the metric's direction.
    """

    dataset: str
    feedback: Feedback
    noise: float  # share of train rows whose item was replaced at random, before the sample was drawn
    metric: str
    algorithm: str
    sampler: str  # "full": all rows
    budget: str
    value: float | None  # mean over the seeds; None: a run is missing
    low: float | None  # 2.5 % of its bootstrap replicates
    high: float | None  # 97.5 %
    spread: float | None  # standard deviation over the seeds; None: there is one
    full: float | None  # the same algorithm on all rows, with the same noise
    full_low: float | None
    full_high: float | None
    share: float | None  # how good it is as a share of that
    share_low: float | None
    share_high: float | None
    kept: float | None  # how good it is as a share of what the same comes to without noise; None: this is without
    kept_low: float | None
    kept_high: float | None
    seeds: int  # runs
    seconds: float | None  # training and scoring, of one run with the chosen hyper-parameters, mean over the seeds
    sampler_seconds: float | None  # drawing the sample, its proxy included, likewise
    full_seconds: float | None  # of the fastest run on all rows
    reason: str  # why there is no value, or nothing to compare it with


def quality(
    results: pl.DataFrame, *, algorithms: Roster | None = None, registry: Registry | None = None
) -> list[Quality]:
    """What the algorithms reach on each sample, beside what they reach on the full data.

    Args:
      results: a store's frame, failed cells and all points of the grids included.
      algorithms: which of the algorithms that have results, by feedback type; None: all of them.

    Returns:
      One a (data set, feedback, noise, metric, algorithm, sampler, budget): of an algorithm all rows first, then the
      budgets from large to small, the best sampler of each first.

    Raises:
      ParameterError: the results of one data set were made under several settings.
    """
    check_one_setting(results)
    ran = set(results["algorithm"])
    asked = algorithms and {feedback: ran.intersection(names) for feedback, names in algorithms.items()}
    made = list(contests(results, registry=registry or default(), algorithms=asked, everyone=True))
    clean = {(each.dataset, each.feedback, each.metric): each for each in made if not each.noise}
    found: list[Quality] = []
    for contest in made:
        without = clean.get((contest.dataset, contest.feedback, contest.metric)) if contest.noise else None
        for place in range(len(contest.algorithms)):
            found += sorted(_of_algorithm(contest, without, place), key=lambda each: _order(each, contest.sign))
    return found


def _of_algorithm(contest: Contest, clean: Contest | None, place: int) -> Iterator[Quality]:
    name = contest.algorithms[place]
    for where, runs in _by_place(contest).items():
        own, whole = (scores_of(contest, each, place) for each in (runs, contest.full))
        before = None if clean is None else _scores(clean, where, name)
        value, full = measure(own), measure(whole)
        share = _share(own, whole, contest.sign)
        kept = Measure(None) if before is None else _share(own, before, contest.sign)
        yield Quality(
            contest.dataset, contest.feedback, contest.noise, contest.metric, name, *where,
            value.value, value.low, value.high, value.spread,
            full.value, full.low, full.high,
            share.value, share.low, share.high,
            kept.value, kept.low, kept.high,
            seeds=len(runs.seeds),
            seconds=_mean(runs.seconds[:, place]),
            sampler_seconds=_mean(runs.sampler_seconds[:, place]),
            full_seconds=_fastest(contest.full.seconds[:, place]),
            reason=runs.gaps.get(name) or _of_full(contest.full.gaps.get(name)),
        )  # fmt: skip


def _by_place(contest: Contest) -> Mapping[Place, Runs]:
    """The runs on all rows, where there are any, and on the samples."""
    return {**({WHOLE: contest.full} if len(contest.full.seeds) else {}), **contest.samples}


def _scores(contest: Contest, where: Place, algorithm: str) -> Scores | None:
    """What an algorithm came to in another contest; None: it was not part of it."""
    runs = _by_place(contest).get(where)
    if runs is None or algorithm not in contest.algorithms:
        return None
    return scores_of(contest, runs, contest.algorithms.index(algorithm))


def _share(own: Scores, other: Scores, sign: int) -> Measure:
    return ratio(own, other) if sign > 0 else ratio(other, own)


def _of_full(gap: str | None) -> str:
    return f"on the full data, {gap}" if gap else ""


def _mean(seconds: Floats) -> float | None:
    there = len(seconds) and np.isfinite(seconds).all()
    return float(seconds.mean()) if there else None


def _fastest(seconds: Floats) -> float | None:
    """Of the runs on full data the fastest counts: one that ran while a grid was searched must not flatter samples."""
    there = len(seconds) and np.isfinite(seconds).all()
    return float(seconds.min()) if there else None


def _order(each: Quality, sign: int) -> tuple[bool, str, float, bool, float]:
    score = 0.0 if each.value is None else -sign * each.value
    return each.sampler != FULL, *Budget.parse(each.budget).largest_first, each.value is None, score

"""How the algorithms do on the full data: what a suite without samplers ends in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from recbench.bench.measure import Measure, measure, scores_of
from recbench.bench.ranking import Floats, pair_differences
from recbench.bench.scores import HEADLINES, Contest, Roster, contests
from recbench.bench.search import Search, searches
from recbench.contracts.records import Feedback
from recbench.registry import Registry, default


@dataclass(frozen=True, slots=True)
class Standing:
    """One algorithm on the full data, with the hyper-parameters that validation chose."""

    dataset: str
    feedback: Feedback
    noise: float  # share of train rows whose item was replaced at random
    split: str
    select: str  # the metric on the validation rows that chose the hyper-parameters and stopped the training
    algorithm: str
    rank: int | None  # 1 is best; equal values share a rank; None: no value
    metric: str  # the one that the order is by
    metrics: Mapping[str, Measure]  # all of them, that one first
    lead: float | None  # how much better than the next one, in units of the metric; None: there is none
    p_value: float | None  # of that lead: over test users, paired, and training seeds; after Holm over all pairs
    search: Search
    seconds: float | None  # training and scoring, of one run, mean over the seeds
    seeds: int
    reason: str  # why there is no value, or what is to be known of the search

    @property
    def value(self) -> float | None:
        """Of the metric that the order is by."""
        return self.metrics[self.metric].value


def standings(
    results: pl.DataFrame,
    *,
    headlines: Mapping[Feedback, str] = HEADLINES,
    algorithms: Roster | None = None,
    registry: Registry | None = None,
) -> list[Standing]:
    """The algorithms of each data set and feedback type, best first; those that miss a seed stand last.

    Args:
      results: a store's frame, failed cells and all points of the grids included.
      headlines: which metric the order is by; where a data set has no such results, its first.
      algorithms: which algorithms, by feedback type; None: all that the results of a data set name.

    Raises:
      ParameterError: the results of one data set were made under several settings.
    """
    known = registry or default()
    found: list[Standing] = []
    for rows in results.partition_by("dataset", "feedback", "noise", maintain_order=True):
        metrics = {each.metric: each for each in contests(rows, registry=known, algorithms=algorithms, everyone=True)}
        if metrics:
            wanted = headlines.get(next(iter(metrics.values())).feedback, "")
            first = metrics.pop(wanted if wanted in metrics else next(iter(metrics)))
            found += _ordered({first.metric: first, **metrics}, rows, known)
    return found


def _ordered(metrics: Mapping[str, Contest], rows: pl.DataFrame, registry: Registry) -> list[Standing]:
    """The standings in one data set and feedback type, of which these are the contests and the results."""
    first = next(iter(metrics.values()))
    searched, run = searches(rows, registry), rows.row(0, named=True)
    measures = {name: _measures(contest) for name, contest in metrics.items()}
    scores = _scores(first)
    order = [int(place) for place in np.argsort(-scores, kind="stable")]
    leads = _leads(first, order)
    found = []
    for place in order:
        label, there = first.algorithms[place], bool(np.isfinite(scores[place]))
        search = searched.get(label, Search())
        found.append(
            Standing(
                dataset=first.dataset,
                feedback=first.feedback,
                noise=first.noise,
                split=run["split"],
                select=run["select"],
                algorithm=label,
                rank=1 + int((scores > scores[place]).sum()) if there else None,
                metric=first.metric,
                metrics={name: of[place] for name, of in measures.items()},
                lead=leads[place][0],
                p_value=leads[place][1],
                search=search,
                seconds=float(first.full.seconds[:, place].mean()) if there else None,
                seeds=len(first.full.seeds),
                reason=search.remarks if there or search.points > search.finished == 0 else first.full.gaps[label],
            )
        )
    return found


def _scores(contest: Contest) -> Floats:
    """Higher is better, [algorithms]; minus infinity where a seed is missing."""
    if not len(contest.full.seeds):
        return np.full(len(contest.algorithms), -np.inf)
    means = contest.full.values.mean(axis=0)
    return np.where(np.isfinite(means), means, -np.inf)


def _leads(contest: Contest, order: list[int]) -> dict[int, tuple[float | None, float | None]]:
    """By place, how far an algorithm is ahead of the next in the order, and the p-value of that."""
    full, count = contest.full, len(order)
    leads: dict[int, tuple[float | None, float | None]] = dict.fromkeys(order, (None, None))
    if not len(full.seeds):
        return leads
    differences, p_values = pair_differences(full.values, full.replicates)
    numbers = np.zeros((count, count), int)
    numbers[np.triu_indices(count, k=1)] = np.arange(len(differences))
    for better, next_one in pairwise(order):
        pair = numbers[min(better, next_one), max(better, next_one)]
        leads[better] = (_number(abs(differences[pair])), _number(p_values[pair]))
    return leads


def _measures(contest: Contest) -> list[Measure]:
    """One metric of all algorithms, by place."""
    places = range(len(contest.algorithms))
    return [measure(scores_of(contest, contest.full, place)) for place in places]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

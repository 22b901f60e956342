"""How the algorithms do on the full data: what a suite without samplers ends in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl

from recbench.bench.roster import metric_spec
from recbench.bench.sample import FULL
from recbench.bench.scores import Contest, Roster, contests
from recbench.bench.selection import choose
from recbench.contracts.records import Feedback, ParameterValue
from recbench.registry import Registry, default


@dataclass(frozen=True, slots=True)
class Standing:
    """One algorithm on the full data, with the hyper-parameters that validation chose."""

    dataset: str
    feedback: Feedback
    algorithm: str
    hyper: Mapping[str, ParameterValue]  # all of them; empty where nothing finished
    metric: str  # the one that the order is by
    value: float | None  # mean over the training seeds; None: a seed is missing
    low: float | None  # 2.5 % of the bootstrap replicates of that mean
    high: float | None  # 97.5 %
    others: Mapping[str, float | None]  # the other metrics
    seconds: float | None  # training and scoring, mean over the seeds
    seeds: int
    reason: str = ""  # why there is no value
    noise: float = 0.0  # share of train rows whose item was replaced at random


def standings(
    results: pl.DataFrame,
    *,
    headlines: Mapping[Feedback, str],
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
    hyper = _hyper(results, known)
    found: list[Standing] = []
    every = contests(results, registry=known, algorithms=algorithms, null_checks=True)
    for (_, feedback, _), group in groupby(every, key=lambda each: (each.dataset, each.feedback, each.noise)):
        metrics = {contest.metric: contest for contest in group}
        first = metrics.pop(headlines[feedback] if headlines[feedback] in metrics else next(iter(metrics)))
        found += _ordered(first, metrics, hyper, known)
    return found


def _ordered(
    first: Contest, others: Mapping[str, Contest], hyper: Mapping[Any, Any], registry: Registry
) -> list[Standing]:
    rows = [_standing(first, others, place, hyper, registry) for place in range(len(first.algorithms))]
    sign = _sign(first.metric, registry)
    return sorted(rows, key=lambda row: (row.value is None, 0.0 if row.value is None else -sign * row.value))


def _standing(
    first: Contest, others: Mapping[str, Contest], place: int, hyper: Mapping[Any, Any], registry: Registry
) -> Standing:
    value, label = _mean(first, place, registry), first.algorithms[place]
    low, high = (None, None) if value is None else _interval(first, place, registry)
    return Standing(
        dataset=first.dataset,
        feedback=first.feedback,
        algorithm=label,
        hyper=hyper.get((first.dataset, first.feedback, first.noise, label), {}),
        metric=first.metric,
        value=value,
        low=low,
        high=high,
        others={name: _mean(contest, place, registry) for name, contest in others.items()},
        seconds=None if value is None else float(first.full.seconds[:, place].mean()),
        seeds=len(first.full.seeds),
        reason=first.full.missing if value is None else "",
        noise=first.noise,
    )


def _interval(contest: Contest, place: int, registry: Registry) -> tuple[float | None, float | None]:
    replicates = contest.full.replicates[:, place].mean(axis=0, dtype=np.float64) * _sign(contest.metric, registry)
    if not replicates.size or np.isnan(replicates).any():
        return None, None
    low, high = np.percentile(replicates, [2.5, 97.5]).tolist()
    return low, high


def _mean(contest: Contest, place: int, registry: Registry) -> float | None:
    values = contest.full.values[:, place]
    return float(values.mean() * _sign(contest.metric, registry)) if np.isfinite(values).all() and len(values) else None


def _sign(metric: str, registry: Registry) -> int:
    """Scores are such that higher is better; this turns them back."""
    return 1 if metric_spec(metric, registry).higher_is_better else -1


def _hyper(results: pl.DataFrame, registry: Registry) -> dict[tuple[str | float, ...], dict[str, ParameterValue]]:
    """The choice of each (data set, feedback, algorithm): the last, where a plugin was edited."""
    rows = choose(results, registry).filter(pl.col("sampler") == FULL, pl.col("status") == "ok")
    place = ["dataset", "feedback", "noise", "algorithm"]
    rows = rows.sort("created", maintain_order=True).unique(place, keep="last").select(*place, "hyper")
    return {tuple(where): json.loads(hyper) for *where, hyper in rows.iter_rows()}

"""Is one sampler better than another? Paired comparisons of their taus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TypeVar

import numpy as np
import polars as pl

from recbench.bench.agreement import sample_tau
from recbench.bench.ranking import holm, paired_p_value
from recbench.bench.sample import FULL
from recbench.bench.scores import Contest, Roster, contests
from recbench.contracts.errors import UnknownNameError
from recbench.contracts.labels import Label
from recbench.contracts.records import Feedback
from recbench.registry import Registry, default


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference in tau of two samplers at one budget: positive where the first keeps the ranking better."""

    dataset: str
    feedback: Feedback
    metric: str
    budget: str
    first: str
    second: str
    difference: float | None  # tau of the first less tau of the second
    low: float | None  # 2.5 % of the paired bootstrap replicates of the difference
    high: float | None  # 97.5 %
    p_value: float | None  # two-sided
    corrected: float | None  # after Holm, over all comparisons made together
    reason: str = ""  # why there is no difference
    noise: float = 0.0  # share of train rows whose item was replaced at random


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean difference in tau of two samplers over all that both have: positive where the first is better."""

    first: str
    second: str
    lines: int  # data sets, feedback types, metrics and budgets with a tau of both
    difference: float
    low: float | None  # 2.5 % of the paired replicates
    high: float | None  # 97.5 %
    p_value: float | None  # two-sided
    corrected: float | None  # after Holm, over all pairs


Tested = TypeVar("Tested", Comparison, Difference)


def compare(
    results: pl.DataFrame,
    first: str,
    second: str,
    *,
    algorithms: Roster | None = None,
    registry: Registry | None = None,
) -> list[Comparison]:
    """Compares two samplers on every data set, feedback type, metric and budget that has results of both.

    The replicates resample the test users, the same for both samplers; how the samples and the seeds of training fell
    is in the mean over seeds only. Filter the results to what is asked: every further comparison makes the correction
    stricter.

    Raises:
      UnknownNameError: there are no results of one of the two.
      ParameterError: the results of one data set were made under several settings.
    """
    labels = [_stored(results, label) for label in (first, second)]
    found = [
        replace(_comparison(contest, budget, labels[0], labels[1]), noise=contest.noise)
        for contest in contests(results, registry=registry or default(), algorithms=algorithms)
        for budget in dict.fromkeys(budget for _, budget in contest.samples)
        if all((label, budget) in contest.samples for label in labels)
    ]
    return with_corrections(found)


def with_corrections(found: Sequence[Tested]) -> list[Tested]:
    """The same with their p-values corrected by Holm's method, for all that are made together."""
    p_values = np.array([np.nan if each.p_value is None else each.p_value for each in found])
    corrected = [None if np.isnan(value) else float(value) for value in holm(p_values)]
    return [replace(each, corrected=value) for each, value in zip(found, corrected, strict=True)]


def comparison_frame(found: Sequence[Comparison]) -> pl.DataFrame:
    """The same as a frame, one column a field."""
    text = ("dataset", "feedback", "metric", "budget", "first", "second")
    numbers = ("difference", "low", "high", "p_value", "corrected", "noise")
    types = {**dict.fromkeys(text, pl.String()), **dict.fromkeys(numbers, pl.Float64()), "reason": pl.String()}
    schema = {field.name: types[field.name] for field in fields(Comparison)}
    return pl.DataFrame([asdict(each) for each in found], schema=schema, orient="row")


def _stored(results: pl.DataFrame, sampler: str) -> str:
    label = str(Label.parse(sampler))
    there = sorted(set(results["sampler"].unique()) - {FULL})
    if label not in there:
        raise UnknownNameError(f"there are no results of {label!r}: there are some of {', '.join(there) or 'none'}")
    return label


def _comparison(contest: Contest, budget: str, first: str, second: str) -> Comparison:
    one, other = (sample_tau(contest, contest.samples[label, budget]) for label in (first, second))
    place = (contest.dataset, contest.feedback, contest.metric, budget, first, second)
    if one.value is None or other.value is None:
        reason = "; ".join(f"{each}: {tau.reason}" for each, tau in ((first, one), (second, other)) if tau.reason)
        return Comparison(*place, None, None, None, None, None, reason)
    difference = one.value - other.value
    if one.replicates is None or other.replicates is None:
        return Comparison(*place, difference, None, None, None, None, "there are no bootstrap replicates")
    replicates = one.replicates - other.replicates
    low, high = np.percentile(replicates, [2.5, 97.5]).tolist()
    return Comparison(*place, difference, low, high, float(paired_p_value(np.array(difference), replicates)), None)

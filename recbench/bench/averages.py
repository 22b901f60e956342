"""Averages of taus over data sets, feedback types, metrics and budgets, and which samplers differ in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recbench.bench.agreement import Measured
from recbench.bench.comparison import Difference, with_corrections
from recbench.bench.ranking import paired_p_value
from recbench.contracts.records import Agreement

Field = Literal["dataset", "feedback", "noise", "metric", "sampler", "budget"]
FIELDS: tuple[Field, ...] = ("dataset", "feedback", "noise", "metric", "sampler", "budget")
_GROUND = tuple(field for field in FIELDS if field != "sampler")


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of several agreements.

    Where one of them has no tau, what rests on it is missing; and so is any other number that one of them has not, as
    its mean would be over other lines than tau's.
    """

    place: dict[str, Any]  # the fields that the agreements have in common
    taus: int  # agreements with a tau
    lines: int  # agreements
    tau: float | None
    tau_low: float | None  # 2.5 % of the replicates' means: with other test users, the same for all samplers
    tau_high: float | None  # 97.5 %
    ceiling: float | None
    share_of_ceiling: float | None
    regret: float | None  # in units of the metric: of use for one metric alone
    pair_accuracy: float | None
    samples_share: float | None
    speedup: float | None


def averages(found: Sequence[Measured], by: Sequence[Field]) -> list[Average]:
    """One average for each value of the given fields over the rest, in the order in which they are found.

    An average over the lines that have a tau alone would reward a sampler for what it could not do: take
    :func:`shared` first to compare samplers on what all of them could.
    """
    groups: dict[tuple[Any, ...], list[Measured]] = defaultdict(list)
    for each in found:
        groups[_values(each.agreement, by)].append(each)
    return [_average(dict(zip(by, place, strict=True)), lines) for place, lines in groups.items()]


def by_mean_tau(found: Sequence[Average], within: Sequence[Field]) -> list[Average]:
    """The same lines with the best sampler first, by its mean tau; within equal values of the given fields.

    A sampler that misses a tau comes after all that have theirs.
    """

    def ground(each: Average) -> tuple[Any, ...]:
        return tuple(each.place[field] for field in within)

    grounds = list(dict.fromkeys(map(ground, found)))
    taus: dict[tuple[Any, ...], list[float | None]] = defaultdict(list)
    for each in found:
        taus[*ground(each), each.place["sampler"]].append(each.tau)

    def order(each: Average) -> tuple[int, bool, float]:
        mine = taus[*ground(each), each.place["sampler"]]
        known = [tau for tau in mine if tau is not None]
        return grounds.index(ground(each)), len(known) < len(mine), -sum(known) / max(len(known), 1)

    return sorted(found, key=order)


def shared(found: Sequence[Measured]) -> list[Measured]:
    """The lines of those data sets, feedback types, metrics and budgets where no sampler misses a tau."""
    samplers = {each.agreement.sampler for each in found}
    having: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for each in found:
        if each.agreement.tau is not None:
            having[_values(each.agreement, _GROUND)].add(each.agreement.sampler)
    return [each for each in found if having[_values(each.agreement, _GROUND)] == samplers]


def differences(found: Sequence[Measured]) -> list[Difference]:
    """All pairs of samplers, each over what both have; the better one comes first, and the largest difference.

    The replicates resample the test users, the same for both samplers; how samples and seeds fell is not in them.
    """
    taus: dict[str, dict[tuple[Any, ...], Measured]] = defaultdict(dict)
    for each in found:
        if each.agreement.tau is not None:
            taus[each.agreement.sampler][_values(each.agreement, _GROUND)] = each
    pairs = [pair for pair in combinations(taus, 2) if taus[pair[0]].keys() & taus[pair[1]].keys()]
    made = with_corrections([_difference(*pair, taus) for pair in pairs])
    return sorted(made, key=lambda each: -each.difference)


def _values(each: Agreement, fields: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(each, field) for field in fields)


def _average(place: dict[str, Any], lines: Sequence[Measured]) -> Average:
    rows = [each.agreement for each in lines]
    complete = all(each.tau is not None for each in rows)
    low, high = _interval([each.replicates for each in lines]) if complete else (None, None)

    def mean(field: str) -> float | None:
        values = [value for value in (getattr(each, field) for each in rows) if value is not None]
        there = len(values) == len(rows) and (complete or field == "ceiling")
        return sum(values) / len(values) if there else None

    return Average(
        place=place,
        taus=sum(each.tau is not None for each in rows),
        lines=len(rows),
        tau=mean("tau"),
        tau_low=low,
        tau_high=high,
        ceiling=mean("ceiling"),
        share_of_ceiling=mean("share_of_ceiling"),
        regret=mean("regret"),
        pair_accuracy=mean("pair_accuracy"),
        samples_share=mean("samples_share"),
        speedup=mean("speedup"),
    )


def _interval(replicates: Sequence[NDArray[np.float64] | None]) -> tuple[float | None, float | None]:
    """Of the mean; the user weights of one split are the same for all its runs, those of two splits independent."""
    there = [each for each in replicates if each is not None]
    if len(there) < len(replicates) or len({len(each) for each in there}) != 1:
        return None, None
    low, high = np.percentile(np.mean(there, axis=0), [2.5, 97.5]).tolist()
    return low, high


def _difference(one: str, other: str, taus: dict[str, dict[tuple[Any, ...], Measured]]) -> Difference:
    grounds = [ground for ground in taus[one] if ground in taus[other]]
    pairs = [(taus[one][ground], taus[other][ground]) for ground in grounds]
    value = float(np.mean([(first.agreement.tau or 0) - (second.agreement.tau or 0) for first, second in pairs]))
    if value < 0:
        value, one, other, pairs = -value, other, one, [(second, first) for first, second in pairs]
    replicates = [
        None if first.replicates is None or second.replicates is None else first.replicates - second.replicates
        for first, second in pairs
    ]
    low, high = _interval(replicates)
    if low is None:
        return Difference(one, other, len(pairs), value, None, None, None, None)
    p_value = float(paired_p_value(np.array(value), np.mean([each for each in replicates if each is not None], axis=0)))
    return Difference(one, other, len(pairs), value, low, high, p_value, None)

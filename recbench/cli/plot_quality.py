"""What algorithms reach on samples and fake users, against their size, noise, or a hyper-parameter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from recbench.bench.quality import Quality
from recbench.bench.sample import FULL
from recbench.cli.canvas import Axis, Level, Line, Panel, Point, draw_panels
from recbench.contracts.errors import ParameterError, UnknownNameError
from recbench.contracts.labels import Label, bind
from recbench.contracts.records import Budget, ParameterValue
from recbench.registry import Registry

_NEAR = 0.25  # of the distance of two values, or as a factor of one
_FULL = "full data"


def plot_qualities(found: Sequence[Quality], target: Path, *, against: str, registry: Registry) -> None:
    """Writes the panels of what is asked; the file's suffix is its format.

    Args:
      against: ``budget``: a panel for each data set, metric and algorithm, with a line for each sampler, and the full
        data. ``noise``: a panel for each data set, metric and budget, with a line for each sampler and algorithm. A
        hyper-parameter that stands in labels: a panel for each data set and metric.

    Raises:
      ParameterError: matplotlib is not installed, there is nothing to draw, or too much for one file.
    """
    drawn = [each for each in found if each.value is not None]
    match against:
        case "budget":
            panels = _against_budget(drawn)
        case "noise":
            panels = _against_noise(drawn)
        case _:
            panels = _against_parameter(drawn, against, registry)
    if not panels:
        raise ParameterError(
            f"there is nothing to draw against {against}: no algorithm has finished all its runs on a sample"
        )
    draw_panels(panels, target)


def _against_budget(found: Sequence[Quality]) -> list[Panel]:
    sampled = [each for each in found if each.sampler != FULL]
    return [
        _by_budget(place, own)
        for place, own in _groups(sampled, lambda each: (each.dataset, *_feedback(each), each.metric, each.algorithm))
    ]


def _by_budget(place: Sequence[str], found: Sequence[Quality]) -> Panel:
    budgets = {each.budget: Budget.parse(each.budget) for each in sorted(found, key=_amount)}
    (kind, *others) = {budget.of for budget in budgets.values()}
    if others or kind not in ("users", "rows"):
        at, axis = _places(budgets), Axis.of_names("kept", list(budgets))
    else:
        at = {text: budget.amount for text, budget in budgets.items()}
        axis = Axis(kind, {amount: f"{amount:g}" for amount in at.values()}, log=10, spread=_NEAR)
    lines = _lines(found, lambda each: (each.sampler, ""), lambda each: at[each.budget])
    first = found[0]
    level = None if first.full is None else Level(_FULL, first.full, first.full_low, first.full_high)
    return Panel(", ".join(place), lines, axis, first.metric, level=level)


def _against_noise(found: Sequence[Quality]) -> list[Panel]:
    """All rows stand in the panels of every budget, beside what was made of them."""
    panels = []
    for place, own in _groups(found, lambda each: (each.dataset, each.feedback, each.metric)):
        shares = sorted({each.noise for each in own})
        near = _NEAR * min((high - low for low, high in pairwise(shares)), default=0.0)
        axis = Axis("train rows with a random item", {share: f"{share * 100:g}%" for share in shares}, spread=near)
        budgets = {each.budget: None for each in sorted(own, key=_amount) if each.sampler != FULL}
        for budget in budgets or {"": None}:
            part = [each for each in own if each.sampler == FULL or each.budget == budget]
            lines = _lines(part, lambda each: (_sampler(each), each.algorithm), lambda each: each.noise)
            panels.append(Panel(", ".join(filter(None, (*place, budget))), lines, axis, place[-1]))
    return panels


def _against_parameter(found: Sequence[Quality], name: str, registry: Registry) -> list[Panel]:
    values = {each.algorithm: _value(each.algorithm, name, registry) for each in found}
    tried: dict[str, set[ParameterValue]] = defaultdict(set)  # by the label without it
    for label, value in values.items():
        if value is not None:
            tried[_without(label, name)].add(value)
    varied = [each for each in found if len(tried[_without(each.algorithm, name)]) > 1]
    if not varied:
        raise ParameterError(
            f"there are no results that differ in {name!r} to draw against: take budget, noise, or a hyper-parameter "
            "with several values in labels, as depth has in infinite-ae and infinite-ae[depth=2]"
        )
    at, axis = _scale(name, {values[each.algorithm] for each in varied})
    panels = []
    for place, own in _groups(varied, lambda each: (each.dataset, *_feedback(each), each.metric)):
        lines = _lines(
            own, lambda each: (_without(each.algorithm, name), _sample(each)), lambda each: at[values[each.algorithm]]
        )
        panels.append(Panel(", ".join(place), lines, axis, place[-1]))
    return panels


def _scale(name: str, values: Set[Any]) -> tuple[Mapping[Any, float], Axis]:
    """Where values stand on an axis: numbers at themselves, all else side by side."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        at = {value: float(value) for value in sorted(values)}
        return at, Axis(name, {place: f"{value:g}" for value, place in at.items()})
    words = sorted(values, key=str)
    return _places(words), Axis.of_names(name, [str(word) for word in words])


def _places(names: Iterable[Any]) -> dict[Any, float]:
    return {name: float(place) for place, name in enumerate(names)}


def _lines(
    found: Sequence[Quality], kind: Callable[[Quality], tuple[str, str]], x: Callable[[Quality], float]
) -> list[Line]:
    """A line for each kind, which is what its colour and its stroke stand for."""
    return [Line([_point(each, x(each)) for each in sorted(own, key=x)], *of) for of, own in _groups(found, kind)]


def _point(each: Quality, x: float) -> Point:
    assert each.value is not None, "what has none was left out"
    return Point(x, each.value, each.low, each.high)


def _groups(
    found: Iterable[Quality], key: Callable[[Quality], tuple[str, ...]]
) -> list[tuple[tuple[str, ...], list[Quality]]]:
    return [(place, list(own)) for place, own in groupby(sorted(found, key=key), key=key)]


def _feedback(each: Quality) -> tuple[str, ...]:
    return (each.feedback, f"noise {each.noise:g}") if each.noise else (each.feedback,)


def _amount(each: Quality) -> float:
    return Budget.parse(each.budget).amount


def _sampler(each: Quality) -> str:
    return _FULL if each.sampler == FULL else each.sampler


def _sample(each: Quality) -> str:
    return "" if each.sampler == FULL else f"{each.sampler} {each.budget}"


def _without(label: str, name: str) -> str:
    parsed = Label.parse(label)
    return str(Label(parsed.name, tuple(each for each in parsed.overrides if each[0] != name)))


def _value(label: str, name: str, registry: Registry) -> ParameterValue | None:
    """The value that a label gives a hyper-parameter, or its default; None: the algorithm has none, or is not here."""
    parsed = Label.parse(label)
    try:
        return bind(parsed, registry.get("algorithms", parsed.name).spec.hyper).get(name)
    except (UnknownNameError, ParameterError):
        return None

"""What the search for an algorithm's hyper-parameters came to: the points of its grid on the full data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import polars as pl

from recbench.bench.sample import FULL
from recbench.bench.scores import latest_algorithms
from recbench.bench.selection import choose
from recbench.contracts.errors import UnknownNameError
from recbench.contracts.labels import Label
from recbench.contracts.records import ParameterValue
from recbench.contracts.specs import Parameter
from recbench.registry import Registry

_LISTED = 2  # reasons that a line has room for

Point = Mapping[str, ParameterValue]


@dataclass(frozen=True, slots=True)
class Search:
    """The grid of one algorithm, run with the first training seed, and what validation chose of it."""

    hyper: Point = field(default_factory=dict)  # the choice, complete; empty where nothing finished
    tuned: tuple[str, ...] = ()  # the hyper-parameters to look at: those that the grid varies, or that are no defaults
    edges: tuple[
        str, ...
    ] = ()  # of those, the ones with the smallest or largest value tried: a wider grid may do better
    validation: float | None = None  # what the choice was made by; None: there are no validation rows
    tied: int = 0  # further points that validation likes as well: the text of the hyper-parameters chose among them
    points: int = 0
    finished: int = 0  # points that could be chosen
    seconds: float | None = None  # training and scoring, over all points
    failures: str = ""  # why points did not finish

    @property
    def remarks(self) -> str:
        """What is to be known of it, in one line; empty where it was as it should be."""
        tied = f"{self.tied + 1} points of the grid are equal on validation" if self.tied else ""
        return "; ".join(filter(None, (self.failures, tied)))


def searches(rows: pl.DataFrame, registry: Registry) -> dict[str, Search]:
    """The searches of a store's rows on one data set and feedback type, by algorithm.

    With ``tuning = "sample"`` every run has a search of its own: this is that of the first training seed on full data.
    """
    full = latest_algorithms(rows.filter(pl.col("sampler") == FULL))
    full = full.filter(pl.col("training_seed") == pl.col("training_seed").min().over("algorithm"))
    chosen = choose(full, registry).filter(pl.col("status") == "ok").unique("algorithm", keep="last")
    best = dict(chosen.select("algorithm", "hyper").iter_rows())
    # One row a point: of what ran again beside other metrics, the run that finished.
    finished_first = full.sort(pl.col("status") != "ok", maintain_order=True)
    points = finished_first.unique(["algorithm", "hyper"], keep="first", maintain_order=True)
    return {
        label: _search(label, part, best.get(label), registry)
        for (label,), part in points.partition_by("algorithm", as_dict=True, maintain_order=True).items()
    }


def _search(label: str, points: pl.DataFrame, best: str | None, registry: Registry) -> Search:
    finished = points.filter(pl.col("status") == "ok")
    hyper: Point = {} if best is None else json.loads(best)
    grid = [json.loads(text) for text in points["hyper"]]
    tried = {name: {point[name] for point in grid if name in point} for name in hyper}
    parameters = _parameters(label, registry)
    validation = None if best is None else finished.filter(hyper=best)["validation"][0]
    return Search(
        hyper=hyper,
        tuned=tuple(name for name in sorted(hyper) if len(tried[name]) > 1 or _unusual(name, hyper, label, parameters)),
        edges=tuple(name for name in sorted(hyper) if _at_the_edge(hyper[name], tried[name], parameters.get(name))),
        validation=validation,
        tied=0 if validation is None else finished.filter(validation=validation).height - 1,
        points=points.height,
        finished=finished.height,
        seconds=float(finished["seconds"].sum()) if finished.height else None,
        failures=_failures(points.filter(pl.col("status") != "ok"), points.height),
    )


def _parameters(label: str, registry: Registry) -> dict[str, Parameter]:
    try:
        return {each.name: each for each in registry.get("algorithms", Label.parse(label).name).spec.hyper}
    except UnknownNameError:  # results of a plugin that is not here
        return {}


def _unusual(name: str, hyper: Point, label: str, parameters: Mapping[str, Parameter]) -> bool:
    """Whether a value is not the default, and the label does not say so."""
    usual = parameters[name].default if name in parameters else hyper[name]
    return hyper[name] != usual and name not in dict(Label.parse(label).overrides)


def _at_the_edge(value: ParameterValue, tried: Collection[ParameterValue], parameter: Parameter | None) -> bool:
    numbers = [each for each in tried if isinstance(each, int | float) and not isinstance(each, bool)]
    bounds = (parameter.minimum, parameter.maximum) if parameter else ()
    return len(numbers) > 2 and value in (min(numbers), max(numbers)) and value not in bounds


def _failures(lost: pl.DataFrame, points: int) -> str:
    """Why points did not finish, and how many of them."""
    reasons = Counter(f"{status}: {reason}" for status, reason in lost.select("status", "reason").iter_rows())
    if not reasons:
        return ""
    listed = "; ".join(reason for reason, _ in reasons.most_common(_LISTED))
    more = f"; and {len(reasons) - _LISTED} more reasons" if len(reasons) > _LISTED else ""
    of_points = f"{lost.height} of {points} points of the grid " if points > 1 else ""
    return f"{of_points}{listed}{more}"

"""What the search for an algorithm's hyper-parameters came to: the points of its grid on the full data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import polars as pl

from recbench.bench.sample import FULL
from recbench.bench.scores import latest_algorithms
from recbench.bench.selection import choose
from recbench.contracts.errors import UnknownNameError
from recbench.contracts.labels import Label
from recbench.contracts.records import ParameterValue
from recbench.registry import Registry

_LISTED = 2  # reasons that a line has room for

Point = Mapping[str, ParameterValue]


@dataclass(frozen=True, slots=True)
class Search:
    """The grid of one algorithm, run with the first training seed, and what validation chose of it."""

    hyper: Point = field(default_factory=dict)  # the choice, complete; empty where nothing finished
    tuned: tuple[str, ...] = ()  # the hyper-parameters to look at: those that the grid varies, or that are no defaults
    validation: float | None = None  # what the choice was made by; None: there are no validation rows
    points: int = 0
    finished: int = 0  # points that could be chosen
    seconds: float | None = None  # training and scoring, over all points
    failures: str = ""  # why points did not finish


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
    hyper = {} if best is None else json.loads(best)
    return Search(
        hyper=hyper,
        tuned=_tuned(label, hyper, [json.loads(text) for text in points["hyper"]], registry),
        validation=None if best is None else finished.filter(hyper=best)["validation"][0],
        points=points.height,
        finished=finished.height,
        seconds=float(finished["seconds"].sum()) if finished.height else None,
        failures=_failures(points.filter(pl.col("status") != "ok"), points.height),
    )


def _tuned(label: str, hyper: Point, points: Sequence[Point], registry: Registry) -> tuple[str, ...]:
    parsed = Label.parse(label)
    defaults: dict[str, ParameterValue] = {}
    with suppress(UnknownNameError):  # results of a plugin that is not here
        defaults = {each.name: each.default for each in registry.get("algorithms", parsed.name).spec.hyper}
    said = dict(parsed.overrides)
    return tuple(
        name
        for name, value in sorted(hyper.items())
        if len({point.get(name) for point in points}) > 1 or (name not in said and value != defaults.get(name, value))
    )


def _failures(lost: pl.DataFrame, points: int) -> str:
    """Why points did not finish, and how many of them."""
    reasons = Counter(f"{status}: {reason}" for status, reason in lost.select("status", "reason").iter_rows())
    if not reasons:
        return ""
    listed = "; ".join(reason for reason, _ in reasons.most_common(_LISTED))
    more = f"; and {len(reasons) - _LISTED} more reasons" if len(reasons) > _LISTED else ""
    of_points = f"{lost.height} of {points} points of the grid " if points > 1 else ""
    return f"{of_points}{listed}{more}"

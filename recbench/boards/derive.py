"""What follows from the runs of an entry: one code for those who make entries and those who doubt them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from recbench.bench.agreement import Measured, measured
from recbench.bench.averages import averages
from recbench.bench.cells import AXES
from recbench.bench.quality import Quality, quality
from recbench.bench.sample import FULL
from recbench.bench.standings import Standing, standings
from recbench.boards.entry import Board
from recbench.boards.outcomes import AgreementEntry, MeanEntry, QualityEntry, StandingEntry
from recbench.contracts.records import Agreement
from recbench.registry import Registry

_LONGEST = 500  # characters of a reason

Rows = list[dict[str, Any]]


def derive(board: Board, frame: pl.DataFrame, *, fixed: Collection[str], registry: Registry) -> dict[str, Any]:
    """The tables of outcomes of a board, and the cost of the runs, as an entry has them.

    Args:
      frame: the runs of the entry; see :func:`~recbench.boards.runs.entry_frame`.
      fixed: labels of the algorithms that no seed moves.
    """
    tables: dict[str, Any] = {"agreements": [], "means": [], "standings": [], "qualities": []}
    match board:
        case "samplers":
            taus = measured(frame, registry=registry, fixed=fixed)
            tables["agreements"] = _agreements([each.agreement for each in taus])
            tables["means"] = _means(taus)
        case "algorithms":
            headlines = _headlines(frame)
            tables["standings"] = [_standing(x) for x in standings(frame, headlines=headlines, registry=registry)]
        case "synthesisers":
            found = quality(frame, registry=registry)
            tables["qualities"] = [_quality(each) for each in found if each.sampler != FULL]
    return {**{name: tuple(rows) for name, rows in tables.items()}, "cost": _cost(frame)}


def line(text: str) -> str:
    """A reason as one line that is not too long."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 3]}..."


def _agreements(found: Sequence[Agreement]) -> Rows:
    taus: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for each in found:
        if each.tau is not None:
            taus[_ground(each)].append(each.tau)
    return [
        {name: value for name, value in asdict(each).items() if name in AgreementEntry.model_fields}
        | {"reason": line(each.reason), "rank": _rank(each.tau, taus[_ground(each)])}
        for each in found
    ]


def _ground(each: Agreement) -> tuple[str, ...]:
    return each.dataset, each.feedback, each.metric, each.budget


def _rank(value: float | None, values: Sequence[float]) -> int | None:
    """1 is best; equal values share a rank, and values are equal that differ by rounding alone."""
    return None if value is None else 1 + sum(other > value + 1e-9 for other in values)


def _means(found: Sequence[Measured]) -> Rows:
    means = averages(found, ("sampler", "budget"))
    return [
        each.place | {name: value for name, value in asdict(each).items() if name in MeanEntry.model_fields}
        for each in means
    ]


def _headlines(frame: pl.DataFrame) -> Any:
    """The first metric of each feedback type."""
    firsts = frame.drop_nulls("metric").unique("feedback", keep="first", maintain_order=True)
    return dict(firsts.select("feedback", "metric").iter_rows())


def _standing(each: Standing) -> dict[str, Any]:
    content = asdict(each)
    search = content["search"]
    own = {name: search[name] for name in ("hyper", "validation", "points", "finished")}
    return {
        **{name: value for name, value in content.items() if name in StandingEntry.model_fields},
        **own,
        "reason": line(each.reason),
    }


def _quality(each: Quality) -> dict[str, Any]:
    content = {name: value for name, value in asdict(each).items() if name in QualityEntry.model_fields}
    return content | {"reason": line(each.reason)}


def _cost(frame: pl.DataFrame) -> dict[str, Any]:
    """What is filed under a further seed, which changes nothing, took as long to the last digit: it counts once."""
    once = [axis for axis in AXES if axis != "training_seed"]
    runs = frame.filter(pl.col("seconds").is_not_null())
    runs = runs.unique([*once, "seconds", "compile_seconds", "epochs"], keep="first", maintain_order=True)
    sums = {name: runs[name].sum() for name in ("seconds", "compile_seconds", "samples_processed")}
    return {"runs": runs.height, **sums}

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
from recbench.boards.entry import DERIVED, Board
from recbench.boards.fields import Model
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
    tables: dict[str, Any] = {name: [] for name in DERIVED}
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
        _stated(each, AgreementEntry) | {"reason": line(each.reason), "rank": _rank(each.tau, taus[_ground(each)])}
        for each in found
    ]


def _ground(each: Agreement) -> tuple[str, ...]:
    return each.dataset, each.feedback, each.metric, each.budget


def _rank(value: float | None, values: Sequence[float]) -> int | None:
    """1 is best; equal values share a rank, and values are equal that differ by rounding alone."""
    return None if value is None else 1 + sum(other > value + 1e-9 for other in values)


def _means(found: Sequence[Measured]) -> Rows:
    means = averages(found, ("sampler", "budget"))
    return [each.place | _stated(each, MeanEntry) for each in means]


def _headlines(frame: pl.DataFrame) -> Any:
    """The first metric of each feedback type."""
    firsts = frame.drop_nulls("metric").unique("feedback", keep="first", maintain_order=True)
    return dict(firsts.select("feedback", "metric").iter_rows())


def _standing(each: Standing) -> dict[str, Any]:
    # Seconds are those of a run: what the search of its grid took gives way.
    return _stated(each.search, StandingEntry) | _stated(each, StandingEntry) | {"reason": line(each.reason)}


def _quality(each: Quality) -> dict[str, Any]:
    return _stated(each, QualityEntry) | {"reason": line(each.reason)}


def _stated(record: Any, model: type[Model]) -> dict[str, Any]:
    """What a record of recbench has of the fields of an entry's row."""
    return {name: value for name, value in asdict(record).items() if name in model.model_fields}


def _cost(frame: pl.DataFrame) -> dict[str, Any]:
    """What is filed under a further seed, which changes nothing, took as long to the last digit: it counts once."""
    once = [axis for axis in AXES if axis != "training_seed"]
    runs = frame.filter(pl.col("seconds").is_not_null())
    runs = runs.unique([*once, "seconds", "compile_seconds", "epochs"], keep="first", maintain_order=True)
    sums = {name: runs[name].sum() for name in ("seconds", "compile_seconds", "samples_processed")}
    return {"runs": runs.height, **sums}

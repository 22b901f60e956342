"""The tables of a Markdown page: the lines of one data set, feedback type and metric, in their order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Generic

from recbench.bench.roster import metric_spec
from recbench.bench.scores import HEADLINES
from recbench.boards.entry import Board, Entry
from recbench.boards.newest import Line, Row, newest_qualities, newest_standings, newest_taus, value_of
from recbench.boards.outcomes import AgreementEntry, QualityEntry, StandingEntry
from recbench.contracts.records import FEEDBACK_TYPES, Budget, Feedback
from recbench.registry import Registry


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """All lines of one data set, feedback type and metric."""

    dataset: str
    feedback: Feedback
    metric: str
    lines: tuple[Line[Row], ...]

    @property
    def reasons(self) -> list[tuple[str, list[Line[Row]]]]:
        """Why lines have no value: each reason once."""
        missing = sorted((x for x in self.lines if value_of(x.row) is None), key=lambda line: line.row.reason)
        return [(reason, list(lines)) for reason, lines in groupby(missing, key=lambda line: line.row.reason)]

    @property
    def remarks(self) -> list[str]:
        """What is to be known of values that are there, such as algorithms that they leave out."""
        return sorted({line.row.reason for line in self.lines if value_of(line.row) is not None and line.row.reason})


@dataclass(frozen=True, slots=True)
class TauTable(Table[AgreementEntry]):
    """Samplers, by budget from large to small, then by tau."""

    @property
    def budgets(self) -> list[str]:
        return list(dict.fromkeys(line.row.budget for line in self.lines))

    @property
    def taus(self) -> dict[str, dict[str, float | None]]:
        """Taus by budget of each sampler, by mean tau over the budgets; those that miss one stand last, by name."""
        taus: dict[str, dict[str, float | None]] = {name: {} for name in sorted({x.row.sampler for x in self.lines})}
        for line in self.lines:
            taus[line.row.sampler][line.row.budget] = line.row.tau
        wanted = len(self.budgets)

        def place(name: str) -> tuple[bool, float]:
            known = [tau for tau in taus[name].values() if tau is not None]
            return (len(known) < wanted, 0.0 if len(known) < wanted else -sum(known) / wanted)

        return {name: taus[name] for name in sorted(taus, key=place)}

    def at(self, share: float) -> TauTable:
        """The lines of the budget that comes nearest to a share of the data."""
        nearest = min(self.budgets, key=lambda text: abs(math.log(_share(text) / share)))
        lines = tuple(line for line in self.lines if line.row.budget == nearest)
        return TauTable(self.dataset, self.feedback, self.metric, lines)


@dataclass(frozen=True, slots=True)
class StandingTable(Table[StandingEntry]):
    """Algorithms, best first."""

    @property
    def others(self) -> list[str]:
        """The metrics beside the one that the order is by."""
        return list(dict.fromkeys(name for x in self.lines for name in x.row.metrics if name != self.metric))


@dataclass(frozen=True, slots=True)
class QualityTable(Table[QualityEntry]):
    """Algorithms on samples, by budget from large to small, then best first."""


def tables_of(board: Board, entries: Mapping[str, Entry], registry: Registry) -> Sequence[Table[Any]]:
    """The tables of a board in the order in which entries brought their data sets, one a feedback type.

    Raises:
      UnknownNameError: nobody here registered the metric that algorithms are ranked by.
    """
    match board:
        case "samplers":
            return tau_tables(entries)
        case "algorithms":
            return [
                StandingTable(*_ground(found), tuple(sorted(found, key=partial(_best_first, registry))))
                for found in _headlines(newest_standings(entries), entries)
            ]
    return [
        QualityTable(*_ground(found), tuple(sorted(found, key=lambda x: (*_size(x), *_best_first(registry, x)))))
        for found in _headlines(newest_qualities(entries), entries)
    ]


def tau_tables(entries: Mapping[str, Entry]) -> list[TauTable]:
    """Those of a board of samplers; see :func:`tables_of`."""
    return [
        TauTable(*_ground(found), tuple(sorted(found, key=_highest_first)))
        for found in _headlines(newest_taus(entries), entries)
    ]


def headline(feedback: Feedback, metrics: Sequence[str]) -> str:
    """The metric that a board shows first; where a suite has none of it, its first."""
    return HEADLINES[feedback] if HEADLINES[feedback] in metrics else metrics[0]


def _headlines(lines: Sequence[Line[Row]], entries: Mapping[str, Entry]) -> list[list[Line[Row]]]:
    """The lines of each data set and feedback type in the metric that is shown."""
    datasets = dict.fromkeys(each.dataset for entry in entries.values() for each in entry.conditions)
    grounds: dict[tuple[str, Feedback], list[Line[Row]]] = {(x, each): [] for x in datasets for each in FEEDBACK_TYPES}
    for line in lines:
        grounds[line.row.dataset, line.row.feedback].append(line)
    found = []
    for (_, feedback), own in grounds.items():
        if own:
            metric = headline(feedback, [line.row.metric for line in own])
            found.append([line for line in own if line.row.metric == metric])
    return found


def _ground(lines: Sequence[Line[Row]]) -> tuple[str, Feedback, str]:
    first = lines[0].row
    return first.dataset, first.feedback, first.metric


def _highest_first(line: Line[AgreementEntry]) -> tuple[str, float, bool, float, str]:
    tau = line.row.tau
    return *_size(line), tau is None, -(tau or 0.0), line.row.sampler


def _size(line: Line[Any]) -> tuple[str, float]:
    return Budget.parse(line.row.budget).largest_first


def _best_first(registry: Registry, line: Line[Any]) -> tuple[bool, float, str, str]:
    sign = -1 if metric_spec(line.row.metric, registry).higher_is_better else 1
    value = value_of(line.row)
    return value is None, sign * (value or 0.0), getattr(line.row, "sampler", ""), line.row.algorithm


def _share(budget: str) -> float:
    """Shares as they are; numbers of rows and users far from any share."""
    parsed = Budget.parse(budget)
    return parsed.amount if parsed.amount <= 1 else 1e6 * parsed.amount

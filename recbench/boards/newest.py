"""What a board shows where several entries speak of the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from recbench.boards.entry import Board, Entry
from recbench.boards.outcomes import AgreementEntry, MeasureEntry, QualityEntry, StandingEntry

Row = TypeVar("Row", AgreementEntry, StandingEntry, QualityEntry, covariant=True)
Outcome = AgreementEntry | StandingEntry | QualityEntry

OUTCOMES: Mapping[Board, Literal["agreements", "standings", "qualities"]] = {
    "samplers": "agreements",
    "algorithms": "standings",
    "synthesisers": "qualities",
}
"""The table of an entry that its board is about."""

_PLACE = ("dataset", "feedback", "metric", "sampler", "budget", "algorithm")


@dataclass(frozen=True, slots=True)
class Line(Generic[Row]):
    """A row of the newest entry that has a value for what the row is about."""

    row: Row
    entry: str  # name of its file


def by_board(entries: Mapping[str, Entry]) -> dict[Board, dict[str, Entry]]:
    """The entries of each board that has some, as they stand."""
    found = {board: {name: entry for name, entry in entries.items() if entry.board == board} for board in OUTCOMES}
    return {board: own for board, own in found.items() if own}


def value_of(row: Outcome) -> float | None:
    """What a row is ranked by."""
    match row:
        case AgreementEntry():
            return row.tau
        case StandingEntry():
            return measure_of(row, row.metric).value
    return row.value


def measure_of(row: StandingEntry, metric: str) -> MeasureEntry:
    """One metric of an algorithm; of what it has nothing, all is missing."""
    return row.metrics.get(metric) or MeasureEntry(value=None, low=None, high=None, spread=None)


def newest_taus(entries: Mapping[str, Entry]) -> list[Line[AgreementEntry]]:
    """Of a board of samplers: the newest entry counts, but a gap hides no tau."""
    return _newest([Line(row, name) for name, entry in entries.items() for row in entry.agreements])


def newest_standings(entries: Mapping[str, Entry]) -> list[Line[StandingEntry]]:
    """Of a board of algorithms, likewise."""
    return _newest([Line(row, name) for name, entry in entries.items() for row in entry.standings])


def newest_qualities(entries: Mapping[str, Entry]) -> list[Line[QualityEntry]]:
    """Of a board of synthesisers, likewise."""
    return _newest([Line(row, name) for name, entry in entries.items() for row in entry.qualities])


def _newest(lines: list[Line[Row]]) -> list[Line[Row]]:
    newest: dict[tuple[str | None, ...], Line[Row]] = {}
    for line in lines:
        place = tuple(getattr(line.row, name, None) for name in _PLACE)
        if value_of(line.row) is not None or place not in newest or value_of(newest[place].row) is None:
            newest[place] = line
    return list(newest.values())

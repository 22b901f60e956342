"""A board's page as compact JSON: column by column, each string once, numbers with the digits that are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from recbench.boards.page import BoardPage, Column, PageEntry, columns_of
from recbench.boards.verdict import TIERS
from recbench.contracts.records import FEEDBACK_TYPES, Budget

Packed = list[int | None] | dict[str, list[int | None]]


class Strings:
    """The strings of a page, each under one number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def all(self) -> list[str]:
        """By number, with a mark in place of what cannot be printed, such as what turns the direction of text."""
        return [_printable(text) for text in self._numbers]


def pack(page: BoardPage) -> dict[str, Any]:
    """All that the script of a page is given, as plain JSON.

    Strings stand in ``strings``, everything else names them by number. A column of numbers holds them times ten to the
    power of ``packed``; one with long runs of equal values is ``{"runs": [value, length, value, length, ...]}``.
    """
    strings = Strings()
    columns = columns_of(page.board.rows)
    entries = {entry.name: number for number, entry in enumerate(page.entries)}
    packed = {}
    for name, column in columns.items():
        values = [getattr(row, name) for row in page.rows]
        packed[name] = (
            _shortest([entries[value] for value in values])
            if column.kind == "entry"
            else _column(values, column, strings)
        )
    board = page.board
    content = {
        "suite": strings.number(page.suite),
        "version": page.version,
        "board": {
            name: getattr(board, name)
            for name in ("name", "contestant", "measure", "filters", "averaged", "units", "reference", "plots")
        },
        "columns": {name: _described(column) for name, column in columns.items()},
        "rows": packed,
        "options": {name: _options(page, name, strings) for name in board.filters},
        "levels": _levels(page, columns, strings),
        "start": {name: strings.number(value) for name, value in _start(page).items()},
        "headlines": [[strings.number(key), strings.number(value)] for key, value in page.headlines.items()],
        "lower": [strings.number(metric) for metric in sorted(page.lower_is_better)],
        "tiers": TIERS,
        "entries": [_entry(entry, strings) for entry in page.entries],
        "means": _means(page, entries, strings),
    }
    return {**content, "strings": strings.all()}


def _column(values: Sequence[Any], column: Column, strings: Strings) -> Packed:
    if column.kind in ("number", "low", "high"):
        return _shortest([None if value is None else scaled(value, column.digits) for value in values])
    return _shortest([strings.number(value) for value in values])


def packed_digits(column: Column) -> int:
    """One more than is shown, so that means come out as those of the full numbers do."""
    return column.digits + (column.digits > 0)


def scaled(value: float, digits: int) -> int:
    """A number with one digit more than is shown, as a whole one.

    That digit is never a 5: whoever rounds it away gets what rounding the number itself gives.
    """
    if digits == 0:
        return round(value)
    scale: int = 10 ** (digits + 1)
    packed = round(value * scale)
    if packed % 10 != 5:
        return packed
    return packed + (1 if round(value, digits) * scale > packed else -1)


def _shortest(values: Sequence[int | None]) -> Packed:
    runs = [part for value, run in groupby(values) for part in (value, sum(1 for _ in run))]
    return {"runs": runs} if 2 * len(runs) < len(values) else list(values)


def _described(column: Column) -> dict[str, Any]:
    return {
        "title": column.title,
        "kind": column.kind,
        "digits": column.digits,
        "packed": packed_digits(column),
        "ratio": column.ratio,
    }


def _options(page: BoardPage, name: str, strings: Strings) -> list[int]:
    """What a filter offers: feedback types in their usual order, levels from large to small, others as they come."""
    found = list(dict.fromkeys(getattr(row, name) for row in page.rows))
    if name == "feedback":
        found.sort(key=lambda each: FEEDBACK_TYPES.index(each))
    elif columns_of(page.board.rows)[name].kind == "level":
        found.sort(key=lambda each: Budget.parse(each).largest_first)
    return [strings.number(each) for each in found]


def _levels(page: BoardPage, columns: dict[str, Column], strings: Strings) -> list[tuple[int, float, str]]:
    """Each budget's place on an axis, and what that axis counts."""
    names = [name for name, column in columns.items() if column.kind == "level"]
    texts = dict.fromkeys(getattr(row, name) for name in names for row in page.rows)
    return [(strings.number(text), Budget.parse(text).amount, Budget.parse(text).of) for text in texts]


def _start(page: BoardPage) -> dict[str, str]:
    """What a page shows at first: the data set and the feedback type with most rows, the first of equals."""
    names = [name for name in ("dataset", "feedback") if name in page.board.filters and page.rows]
    return {name: Counter(getattr(row, name) for row in page.rows).most_common(1)[0][0] for name in names}


def _entry(entry: PageEntry, strings: Strings) -> dict[str, Any]:
    return {
        "name": strings.number(entry.name),
        "date": strings.number(entry.date),
        "tier": TIERS.index(entry.tier),
        "recbench": strings.number(entry.recbench),
        "runs": entry.runs,
        "hours": round(entry.hours, 2),
        "devices": strings.number(entry.devices),
        "submitter": strings.number(entry.submitter),
        "link": strings.number(entry.link),
        "commands": [strings.number(command) for command in entry.commands],
        "facts": [strings.number(part) for fact in entry.facts for part in fact],
    }


def _means(page: BoardPage, entries: Mapping[str, int], strings: Strings) -> list[list[int]]:
    """Contestant, level, entry, rows, and three numbers in the digits of the measure."""
    digits = columns_of(page.board.rows)[page.board.measure].digits
    return [
        [strings.number(mean.contestant), strings.number(mean.level), entries[mean.entry], mean.rows]
        + [scaled(value, digits) for value in (mean.value, mean.low, mean.high)]
        for mean in page.means
    ]


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)

"""Printing of results, in one place: a table on a terminal, aligned text in a pipe, JSON when asked."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import click

Record = Mapping[str, Any]
F = TypeVar("F", bound=Callable[..., Any])

_DIGITS = 4
_WRAPPED = 24  # characters of a column that wraps, at least


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the field of the records it shows, and how."""

    field: str
    header: str = ""  # the field's name when empty
    digits: int = _DIGITS  # of floats, after the point; JSON always has full precision
    wraps: bool = False  # long text, which may take several lines on a terminal

    @property
    def title(self) -> str:
        return self.header or self.field


def json_option(command: F) -> F:
    """Adds ``--json`` (argument ``as_json``) to a command that prints a table."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def print_table(records: Sequence[Record], columns: Sequence[Column | str], *, as_json: bool = False) -> None:
    """Prints records to standard output, one a line.

    JSON has all fields of the records at full precision; a table has the given columns. Missing values are null and -.
    """
    if as_json:
        click.echo(json.dumps([_plain(dict(record)) for record in records], indent=2, ensure_ascii=False))
        return
    shown = [column if isinstance(column, Column) else Column(column) for column in columns]
    cells = [[cell(record.get(column.field), digits=column.digits) for column in shown] for record in records]
    right = [_is_numeric([record.get(column.field) for record in records]) for column in shown]
    if sys.stdout.isatty():
        _print_rich(shown, cells, right)
    else:
        _print_plain([column.title for column in shown], cells, right)


def print_record(record: Record, *, as_json: bool = False) -> None:
    """Prints one record, a field a line; empty fields are left out of the text, never of the JSON."""
    if as_json:
        click.echo(json.dumps(_plain(dict(record)), indent=2, ensure_ascii=False))
        return
    shown = {field: value for field, value in record.items() if value not in (None, "", (), [], {})}
    width = max(map(len, shown), default=0)
    for field, value in shown.items():
        lines = [cell(part, digits=None) for part in value] if isinstance(value, list) else [cell(value, digits=None)]
        for number, line in enumerate(lines):
            click.echo(f"{'' if number else field:<{width}}  {line}")


def note(message: str) -> None:
    """Says something that is not data, on standard error."""
    click.echo(message, err=True)


def cell(value: Any, *, digits: int | None = _DIGITS) -> str:
    """One value as text: ``-`` where it is missing, nothing that could steer a terminal.

    Floats are rounded to ``digits`` after the point, or to six significant ones when that is None.

    >>> cell(None), cell(0.123456), cell(1234567), cell(True), cell(("a", "b"))
    ('-', '0.1235', '1,234,567', 'yes', 'a, b')
    """
    value = _scalar(value)
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            style = ".6g" if digits is None else f".{digits}f"
            return format(value, style) if math.isfinite(value) else "-"
        case tuple() | list():
            return ", ".join(cell(part, digits=digits) for part in value) or "-"
        case Mapping():
            return ", ".join(f"{key}={cell(part, digits=digits)}" for key, part in value.items()) or "-"
        case _:
            return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def _scalar(value: Any) -> Any:
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


def _plain(value: Any) -> Any:
    """What JSON can hold: NumPy scalars as Python's, non-finite numbers as null."""
    value = _scalar(value)
    match value:
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case Mapping():
            return {str(key): _plain(part) for key, part in value.items()}
        case tuple() | list() | set() | frozenset():
            return [_plain(part) for part in value]
        case _:
            return str(value)


def _is_numeric(values: Sequence[Any]) -> bool:
    present = [_scalar(value) for value in values if value is not None]
    return bool(present) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in present)


def _print_plain(titles: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    for line in (titles, *cells):
        parts = (
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, right, strict=True)
        )
        click.echo("  ".join(parts).rstrip())


def _print_rich(columns: Sequence[Column], cells: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    # Imported here: only a terminal needs it, and starting is to stay quick.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column, to_right in zip(columns, right, strict=True):
        justify: Literal["right", "left"] = "right" if to_right else "left"
        table.add_column(Text(column.title), justify=justify, no_wrap=not column.wraps, overflow="fold")
    for line in cells:
        table.add_row(*map(Text, line))
    console = Console()
    # Too narrow a terminal folds lines itself: cut to its width, a number would look like another.
    console.width = max(console.width, _least_width(columns, cells))
    console.print(table)


def _least_width(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> int:
    """Characters that a table takes when only the columns that may wrap are narrow."""
    widths = [max(map(len, column)) for column in zip([each.title for each in columns], *cells, strict=True)]
    narrow = [min(width, _WRAPPED) if each.wraps else width for each, width in zip(columns, widths, strict=True)]
    return sum(narrow) + 3 * len(columns)

"""Options that commands share: how a log is read."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from recbench.data.columns import ROLES, Columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recbench.contracts.records import Dataset
    from recbench.data.readers import Log

F = TypeVar("F", bound=Callable[..., Any])

_SEPARATOR_WORDS = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the options said about how a log is to be read."""

    columns: Columns = field(default_factory=Columns)
    separator: str | None = None
    member: str | None = None
    k_core: int = 0
    offline: bool = False

    def dataset(self, name_or_path: str | Path) -> Dataset:
        """The data set of a name or a file, read as the options say."""
        # Imported here: Polars is not needed to parse a command line.
        from recbench.data.readers import load_dataset

        return load_dataset(name_or_path, **self._arguments)

    def log(self, name_or_path: str | Path) -> Log:
        """The same, with the rows of the file in their order; see :func:`recbench.data.readers.load_log`."""
        from recbench.data.readers import load_log

        return load_log(name_or_path, **self._arguments)

    def copy(self, log: Log, places: NDArray[np.int64], out: Path, *, overwrite: bool) -> tuple[str, ...]:
        """Writes some rows of a log that was read so; see :func:`recbench.data.readers.copy_rows`."""
        from recbench.data.readers import copy_rows

        how = {name: getattr(self, name) for name in ("columns", "separator", "member")}
        return copy_rows(log, places, out, overwrite=overwrite, **how)

    def words(self) -> Iterator[str]:
        """The options that say this on a command line."""
        for role in ROLES:
            if (column := getattr(self.columns, role)) is not None:
                yield from (f"--{role}-column", str(column))
        if self.columns.header is not None:
            yield "--header" if self.columns.header else "--no-header"
        if self.separator is not None:
            yield from ("--separator", "tab" if self.separator == "\t" else self.separator)
        if self.member is not None:
            yield from ("--member", self.member)
        if self.k_core:
            yield from ("--k-core", str(self.k_core))

    @property
    def _arguments(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


def reading_options(command: F) -> F:
    """Adds the options that say how a log is read; the command gets them as one argument ``reading``."""

    @functools.wraps(command)
    def with_reading(
        *args: Any,
        separator: str | None,
        header: bool | None,
        member: str | None,
        k_core: int,
        offline: bool,
        **rest: Any,
    ) -> Any:
        columns = Columns(**{role: rest.pop(f"{role}_column") for role in ROLES}, header=header)
        return command(*args, reading=Reading(columns, separator, member, k_core, offline), **rest)

    for option in reversed(_OPTIONS):
        with_reading = option(with_reading)
    return with_reading  # type: ignore[return-value]


def _separator(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value == "":
        raise click.BadParameter("at least one character is needed")
    return None if value is None else _SEPARATOR_WORDS.get(value, value)


_OPTIONS: list[Callable[[Any], Any]] = [
    *(
        click.option(f"--{role}-column", metavar="NAME", help=f"Column of the {role}: its name, or its number from 0.")
        for role in ROLES
    ),
    click.option(
        "--separator",
        metavar="TEXT",
        callback=_separator,
        help="Between the fields of a text file, of any length; also tab, space, comma, semicolon, pipe.",
    ),
    click.option("--header/--no-header", default=None, help="Whether the first line names columns; found by looking."),
    click.option("--member", metavar="NAME", help="The file to read of an archive that has several."),
    click.option(
        "--k-core",
        type=click.IntRange(min=0),
        default=0,
        metavar="K",
        help="Keep users and items with at least K rows each.",
    ),
    click.option("--offline", is_flag=True, help="Never use the network."),
]

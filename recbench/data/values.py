"""From the raw columns of a log to typed ones: user, item, rating, timestamp, split; every bad value is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from recbench.contracts.errors import DataError
from recbench.data.columns import ROLES, Role
from recbench.data.ids import integer_ids, plain_ids

SPLIT_PARTS = ("train", "validation", "test")
SPLIT_TYPE = pl.Enum(SPLIT_PARTS)
_SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "0"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "1"), "validation"),
    **dict.fromkeys(("test", "testing", "2"), "test"),
    **dict.fromkeys(("", "none", "null", "-1"), None),
}
# ISO 8601 with and without time and zone; the logs of Goodreads and Amazon.
_DATE_FORMATS = (
    "%Y-%m-%d",
    "%+",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d",
    "%a %b %d %H:%M:%S %z %Y",
    "%m %d, %Y",
)
_EXPECTED: dict[Role, str] = {
    "user": "an id",
    "item": "an id",
    "rating": "a finite number",
    "timestamp": "whole seconds or a date such as 2024-05-31",
    "split": "train, validation, test or nothing",
}
_SNIFFED = 1000  # rows looked at to choose how a column is read


@dataclass(frozen=True, slots=True)
class RawLog:
    """Rows as they stand in a file."""

    table: pl.LazyFrame  # all columns that can be read, of any type
    roles: Mapping[Role, str]  # the column of each role that the file has
    source: str  # the file, for messages
    unit: str = "line"  # what its rows are called
    first: int = 1  # number of the first row
    blanks: bool = False  # rows without any value are blank lines, to be left out
    header: bool = True  # the columns have names of their own
    text: bool = True  # the fields are text, which has no type
    left_out: tuple[str, ...] = ()  # columns of the file that cannot be read into the table

    @property
    def rows(self) -> pl.LazyFrame:
        """The columns of the roles, named by them, without blank lines."""
        return self.whole.select(self.by_role())

    @property
    def whole(self) -> pl.LazyFrame:
        """All columns of the rows that are none of the blank lines: row k of it is row k of ``typed_log``."""
        return self.table.filter(self.full)

    @property
    def full(self) -> pl.Expr:
        """Whether a row of the table is none of the blank lines."""
        if not self.blanks:
            return pl.lit(True)
        return ~pl.all_horizontal(pl.col(*self.roles.values()).is_null())

    def by_role(self) -> list[pl.Expr]:
        """The columns of the roles, named by them."""
        return [pl.col(name).alias(role) for role, name in self.roles.items()]


def typed_log(raw: RawLog) -> pl.DataFrame:
    """The rows as user and item (Int64, or String), rating Float32, timestamp Int64, split (SPLIT_TYPE).

    Raises:
      DataError: a value is missing or is not what its column holds; the row is named.
    """
    rows = raw.rows
    head = rows.head(_SNIFFED).collect()
    if head.height == 0:
        raise DataError(f"{raw.source} has no rows: at least one row of user and item is needed")
    roles = [role for role in ROLES if role in head.columns]
    for role in roles:
        if head.schema[role].is_nested() or head.schema[role] in (pl.Object, pl.Binary):
            raise DataError(
                f"{raw.source}: the {role} is a column of {head.schema[role]}, but {_EXPECTED[role]} is expected in "
                f"each row: name another column with --{role}-column"
            )
    readings = {role: _readings(role, head[role]) for role in roles}
    log = rows.select(readings[role][0] for role in roles).collect(engine="streaming")
    for role in roles:
        log = _reread(log, rows, role, readings[role][1:])
    for role in roles:
        log = log.with_columns(_split_parts(log[role], raw) if role == "split" else _checked(log[role], raw))
    return log


def _readings(role: Role, head: pl.Series) -> list[pl.Expr]:
    """Ways to read a column, in the order in which they are tried."""
    column = pl.col(role)
    is_text = head.dtype == pl.String
    match role:
        case "user" | "item":
            if is_text and head.to_frame().select(integer_ids(role)).to_series().null_count() == head.null_count():
                return [integer_ids(role), column]
            return [column]
        case "rating":
            return [(column.str.strip_chars() if is_text else column).cast(pl.Float32, strict=False)]
        case "timestamp":
            return _time_readings(column, head)
        case "split":
            return [column.cast(pl.String).str.strip_chars().str.to_lowercase()]


def _time_readings(column: pl.Expr, head: pl.Series) -> list[pl.Expr]:
    if head.dtype.is_temporal():
        return [column.dt.epoch("s")]
    if head.dtype != pl.String:
        return [(column.floor() if head.dtype.is_float() else column).cast(pl.Int64, strict=False)]
    text = column.str.strip_chars()
    numbers = [text.cast(kind, strict=False) for kind in (pl.Int64, pl.Float64)]
    readings = [numbers[0], numbers[1].floor().cast(pl.Int64, strict=False)]
    if head.to_frame().select(numbers[1]).to_series().count():
        return readings
    dates = [text.str.to_datetime(shape, strict=False, time_unit="us").dt.epoch("s") for shape in _DATE_FORMATS]
    readable = [head.to_frame().select(date).to_series().count() for date in dates]
    return [dates[readable.index(max(readable))]]


def _reread(log: pl.DataFrame, rows: pl.LazyFrame, role: Role, readings: list[pl.Expr]) -> pl.DataFrame:
    """Reads a column in the next way while values are missing from it."""
    for reading in readings:
        if log[role].null_count() == 0:
            break
        log = log.with_columns(rows.select(reading).collect(engine="streaming").to_series())
    return log


def _checked(values: pl.Series, raw: RawLog) -> pl.Series:
    """The values, of the type of their role, or a refusal that names the first bad one."""
    if values.name in ("user", "item") and values.dtype not in (pl.Int64, pl.String):
        values = plain_ids(values)
    bad = values.is_null()
    if values.dtype.is_float():
        bad |= ~values.is_finite()
    if bad.any():
        row = bad.arg_max()
        assert row is not None
        raise _refusal(values.name, row, raw)
    return values


def _split_parts(words: pl.Series, raw: RawLog) -> pl.Series:
    parts = words.fill_null("").replace_strict(_SPLIT_WORDS, default="unknown", return_dtype=pl.String)
    unknown = (parts == "unknown").arg_max()
    if unknown is not None and parts[unknown] == "unknown":
        raise _refusal("split", unknown, raw)
    return parts.cast(SPLIT_TYPE)


def _refusal(role: str, row: int, raw: RawLog) -> DataError:
    """One sentence about the value in a row, counted without the blank ones."""
    place = raw.table.select(*raw.by_role(), full=raw.full).with_row_index("place").filter("full")
    there = place.slice(row, 1).select("place", role).collect()
    number, value = there["place"][0] + raw.first, there[role][0]
    found = "missing" if value is None else f"{value!r}"
    expected = _EXPECTED[role]  # type: ignore[index]
    return DataError(
        f"{raw.source}, {raw.unit} {number:,}: the {role} is {found}, but {expected} is expected: "
        f"mend or drop the row, or name another column with --{role}-column"
    )

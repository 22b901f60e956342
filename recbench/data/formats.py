"""What a file on disk is, and its rows as a lazy frame: separated text, parquet, JSON lines, Python literals."""

from __future__ import annotations

import ast
import codecs
import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from recbench.contracts.errors import DataError
from recbench.data.columns import Columns, Role, find_columns, has_header
from recbench.data.literals import literal_value
from recbench.data.values import RawLog

Format = Literal["separated", "parquet", "json-lines", "python-lines"]

SEPARATORS = ("::", "\t", ",", ";", "|", " ")  # tried in this order
_SEPARATOR_NAMES = {"\t": "tab", " ": "space"}
_HEAD_BYTES = 1 << 16
_HEAD_LINES = 20
_LINE = pl.col("line").str.strip_prefix("\ufeff").str.strip_chars_end("\r")


@dataclass(frozen=True, slots=True)
class Head:
    """The first lines of a text file, without blank ones and line ends."""

    lines: tuple[str, ...]
    skipped: int  # blank lines before the first


def detect_format(path: Path) -> Format:
    """Parquet, JSON lines, Python literals or separated text, by the first bytes and never by the name."""
    with path.open("rb") as file:
        start = file.read(_HEAD_BYTES)
    if start.startswith(b"PAR1"):
        return "parquet"
    first = start.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0].strip()
    if first.startswith(b"{") and first.endswith(b"}"):
        try:
            json.loads(first)
        except ValueError:
            return "python-lines"
        return "json-lines"
    return "separated"


def raw_log(path: Path, *, source: str, columns: Columns, separator: str | None) -> RawLog:
    """The rows of a plain file, with its columns named by their roles.

    Args:
      path: the file, not packed.
      source: its name in messages.
      columns: what the caller knows of its columns.
      separator: between the fields of a text file, of any length; None: found by looking at the first lines.

    Raises:
      DataError: the file is empty, is not UTF-8, or a column is missing.
    """
    if path.stat().st_size == 0:
        raise DataError(f"{source} is empty: a file with at least one row of user and item is needed")
    match detect_format(path):
        case "parquet":
            rows = pl.scan_parquet(path)
            names = rows.collect_schema().names()
            return RawLog(rows, find_columns(names, columns, source=source), source, unit="row", first=0, text=False)
        case "json-lines":
            return _json_lines(path, columns, source=source)
        case "python-lines":
            return _python_lines(path, columns, source=source)
        case "separated":
            return _separated(path, columns, separator, source=source)


def _head(path: Path, *, source: str) -> Head:
    with path.open("rb") as file:
        start = file.read(_HEAD_BYTES)
    try:
        # What the cut leaves of a last character is not an error of the file.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(start, final=len(start) < _HEAD_BYTES)
    except UnicodeDecodeError as error:
        raise not_utf8(path, source=source) or DataError(f"{source} is not UTF-8 text") from error
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if len(start) == _HEAD_BYTES and len(lines) > 1:
        lines = lines[:-1]
    full = [line for line in lines if line.strip()]
    if not full:
        raise DataError(f"{source} holds only blank lines: at least one row of user and item is needed")
    return Head(tuple(full[:_HEAD_LINES]), lines.index(full[0]))


def _separated(path: Path, columns: Columns, separator: str | None, *, source: str) -> RawLog:
    head = _head(path, source=source)
    separator = separator or _find_separator(head.lines, source=source)
    names = _fields(head.lines[0], separator)
    if len(names) < 2:
        found = repr(head.lines[0][:60])
        raise DataError(
            f"{source}, line {head.skipped + 1}: {found} has no separator {separator!r}, but at least two fields "
            f"(user, item) are expected: {_separator_advice(head.lines)}"
        )
    header = has_header(names, columns)
    runs = separator == " " and any("  " in line or line[0] == " " for line in head.lines)
    rows = _separated_rows(path, separator, names, skip=head.skipped + header, runs=runs)
    first = 1 + head.skipped + header
    names = unique_names(name.strip() if header else f"column {place}" for place, name in enumerate(names))
    rows = rows.rename(dict(zip(_places(names), names, strict=True)))
    roles = find_columns(names, columns, source=source, header=header)
    return RawLog(rows, roles, source, first=first, blanks=True, header=header)


def _places(names: Sequence[str]) -> list[str]:
    return [f"\0{place}" for place in range(len(names))]


def _separated_rows(path: Path, separator: str, names: Sequence[str], *, skip: int, runs: bool) -> pl.LazyFrame:
    """All fields as text, one column each."""
    places = _places(names)
    if len(separator.encode()) == 1 and not runs:
        return pl.scan_csv(
            path,
            separator=separator,
            has_header=False,
            skip_lines=skip,
            schema=dict.fromkeys(places, pl.String),
            quote_char='"' if separator in ",;" else None,
        )
    line = _LINE.str.replace_all(" +", " ").str.strip_chars(" ") if runs else _LINE
    # Of a line with further fields the last one takes the rest: none is lost, and a number it no longer is.
    parts = line.str.splitn(separator, len(names)).struct.rename_fields(places)
    filled = [pl.when(pl.col(place) != "").then(pl.col(place)).alias(place) for place in places]
    return pl.scan_lines(path).slice(skip).select(parts.alias("parts")).unnest("parts").select(filled)


def _fields(line: str, separator: str) -> list[str]:
    if len(separator) == 1 and separator in ",;":
        # A lone carriage return is part of a field to Polars, and an error to the csv module.
        return next(csv.reader([line.replace("\r", " ")], delimiter=separator))
    return [field for field in line.split(separator) if field or separator != " "]


def _find_separator(lines: Sequence[str], *, source: str) -> str:
    """The first that splits every line into the same two or more fields, else the first that splits the first line."""
    counts = {separator: [len(_fields(line, separator)) for line in lines] for separator in SEPARATORS}
    even = [separator for separator, fields in counts.items() if fields[0] > 1 and len(set(fields)) == 1]
    some = [separator for separator, fields in counts.items() if fields[0] > 1]
    if not some:
        raise DataError(
            f"{source}: the first line {lines[0][:60]!r} has none of the usual separators (:: tab , ; | space), but at "
            "least two fields (user, item) are expected: give the separator with --separator"
        )
    return (even or some)[0]


def _separator_advice(lines: Sequence[str]) -> str:
    try:
        separator = _find_separator(lines, source="")
        return f"--separator {_SEPARATOR_NAMES.get(separator, repr(separator))} fits"
    except DataError:
        return "give the right --separator"


def unique_names(names: Iterable[str]) -> list[str]:
    """Names made different by numbers, as frames need them."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique


def _json_lines(path: Path, columns: Columns, *, source: str) -> RawLog:
    names = _keys((json.loads(line) for line in _head(path, source=source).lines), source=source)
    roles = find_columns(names, columns, source=source)
    rows = pl.scan_ndjson(path, schema=dict.fromkeys(roles.values(), pl.String))
    return RawLog(rows, roles, source, left_out=_without(names, roles))


def _python_lines(path: Path, columns: Columns, *, source: str) -> RawLog:
    names = _keys((ast.literal_eval(line) for line in _head(path, source=source).lines), source=source)
    roles = find_columns(names, columns, source=source)
    lines = pl.scan_lines(path).select(_LINE).filter(pl.col("line").str.strip_chars() != "")
    rows = lines.select(literal_value(name).alias(name) for name in roles.values())
    return RawLog(rows, roles, source, left_out=_without(names, roles))


def _without(names: Sequence[str], roles: Mapping[Role, str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in roles.values())


def _keys(records: Iterator[object], *, source: str) -> list[str]:
    """The keys of the first records, in the order in which they come."""
    keys: dict[str, None] = {}
    try:
        for record in records:
            if not isinstance(record, dict):
                raise ValueError
            keys.update(dict.fromkeys(map(str, record)))
    except (ValueError, SyntaxError) as error:
        raise DataError(
            f"{source}: one of the first lines is not a JSON object or a Python dict, though the first one is: "
            "one record a line is expected"
        ) from error
    return list(keys)


def explain(error: pl.exceptions.PolarsError, path: Path, separator: str | None, *, source: str) -> DataError:
    """What Polars could not read, as one sentence that names the line."""
    reason = str(error).partition("\n")[0].strip().rstrip(".:")
    if detect_format(path) == "parquet":
        return DataError(f"{source} is a broken parquet file ({reason}): write it again")
    if (wrong := not_utf8(path, source=source)) is not None:
        return wrong
    if "more fields" in reason or "n_extra" in reason:
        return _ragged(path, separator, source=source)
    if "could not parse" in reason:
        reason = "a quote that opens is never closed"
    return DataError(
        f"{source} cannot be read ({reason}): one record a line, with the same separator in all lines, is expected"
    )


def _ragged(path: Path, separator: str | None, *, source: str) -> DataError:
    head = _head(path, source=source)
    separator = separator or _find_separator(head.lines, source=source)
    width = len(_fields(head.lines[0], separator))
    fields = pl.col("line").str.count_matches(separator, literal=True) + 1
    first = pl.scan_lines(path).with_row_index("number", 1).filter(fields > width).head(1).collect()
    line = f", line {first['number'][0]:,}" if first.height else ""
    return DataError(
        f"{source}{line}: more than {width} fields were found, but the first line has {width}: "
        "mend the line or give the right --separator"
    )


def not_utf8(path: Path, *, source: str) -> DataError | None:
    """What to say of a file that is not UTF-8 text; None where it is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as file:
        while block := file.read(_HEAD_BYTES):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                return DataError(
                    f"{source}, line {line:,}: byte {error.object[error.start]:#04x} is not UTF-8, "
                    "but UTF-8 text is expected: convert the file, as with iconv -f latin1 -t utf-8"
                )
            line += block.count(b"\n")
    return None

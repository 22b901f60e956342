"""Entries as files: written whole or not at all, read with suspicion.

An entry is ``entries/DATE-HASH.json`` with its replicates in ``entries/SHA256.parquet`` beside it. No part of a path is
taken from what an entry says of itself, but for its suite's name, which has lower-case words alone.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, get_args

import numpy as np
import polars as pl
from pydantic import ValidationError

from recbench.bench.parts import publish
from recbench.boards.digests import Replicates
from recbench.boards.entry import Entry, Table
from recbench.boards.fields import MOST_CELLS
from recbench.contracts.errors import VerificationError

LARGEST = 64 << 20
"""Bytes of an entry at most."""
LARGEST_REPLICATES = 96 << 20
"""Bytes of the file of its replicates at most: public hosts of repositories take files up to 100 MB."""
REPLICATES = 200
"""Bootstrap replicates of each value."""

_SCHEMA = {"replicates": pl.Array(pl.Float32, REPLICATES)}


@dataclass(frozen=True, slots=True)
class Submission:
    """An entry with the replicates of its values."""

    entry: Entry
    replicates: Replicates
    packed: bytes  # the replicates as the content of their file


def board_folder(root: Path, suite: str, version: int) -> Path:
    """Where the board of a suite's version lives."""
    return root / f"{suite}-v{version}"


def entry_text(entry: Entry) -> str:
    """An entry as JSON, always the same for the same entry; tables have a row a line."""
    fields = (f" {json.dumps(name)}: {_value(value)}" for name, value in entry.model_dump(mode="json").items())
    return "{\n" + ",\n".join(fields) + "\n}\n"


def entry_name(entry: Entry, content: bytes) -> str:
    """The name of an entry's file, of its date and the hash of what the file holds."""
    return f"{entry.created:%Y%m%d}-{hashlib.sha256(content).hexdigest()[:16]}.json"


def replicates_content(replicates: Replicates) -> bytes:
    """The bytes of the file of the replicates, always the same for the same numbers."""
    series = pl.Series("replicates", np.ascontiguousarray(replicates), dtype=_SCHEMA["replicates"])
    buffer = io.BytesIO()
    pl.DataFrame([series]).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def submission_files(submission: Submission, folder: Path) -> dict[Path, bytes]:
    """The files of an entry in a board's folder: its replicates, and last the entry, so that it is never alone."""
    entry = submission.entry
    content = entry_text(entry).encode()
    target = folder / "entries" / entry_name(entry, content)
    return {replicates_path(target, entry): submission.packed, target: content}


def write_submission(submission: Submission, folder: Path) -> Path:
    """Writes an entry and its replicates into a board's folder; the path of the entry."""
    files = submission_files(submission, folder)
    write_files(files)
    return list(files)[-1]


def write_files(files: Mapping[Path, bytes]) -> None:
    """Writes files in their order, each whole or not at all."""
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        publish(content, path)


def entry_files(folder: Path) -> list[Path]:
    """The files of the entries of a board, by name; what else lies there, such as verdicts, is not among them."""
    return sorted(path for path in (folder / "entries").glob("*.json") if "." not in path.stem)


def read_entries(folder: Path) -> dict[str, Entry]:
    """The entries of a board by the names of their files, oldest first.

    Raises:
      VerificationError: one of them is not an entry of this board.
    """
    entries = {path.name: read_entry(path) for path in entry_files(folder)}
    for name, entry in entries.items():
        if board_folder(folder.parent, entry.suite, entry.suite_version) != folder:
            found = f"{entry.suite} v{entry.suite_version}"
            raise VerificationError(f"the entry {name} in {folder} is one of {found}: move it to that board")
    return oldest_first(entries)


def oldest_first(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Entries by name, in the order of their results."""
    return dict(sorted(entries.items(), key=lambda item: (item[1].created, item[0])))


def read_entry(path: Path) -> Entry:
    """Reads one entry, without its replicates.

    Raises:
      VerificationError: it is too large, not JSON, or not of the form of an entry; the field is named.
    """
    content = read_bounded(path, LARGEST, "the entry")
    try:
        _check_lengths(path, json.loads(content, object_pairs_hook=_keys_once, parse_constant=_no_number))
        return Entry.model_validate_json(content)
    except ValidationError as error:
        raise VerificationError(f"the entry {path} is refused: {sentence(error)}") from error
    except RecursionError as error:
        raise VerificationError(f"the entry {path} is refused: it is nested too deeply") from error
    except ValueError as error:
        raise VerificationError(f"the entry {path} is refused: it is not JSON ({str(error)[:200]!r})") from error


def read_submission(path: Path) -> Submission:
    """Reads an entry and the file beside it; whether the one fits the other is for a verification to say.

    Raises:
      VerificationError: as :func:`read_entry`, and where the replicates are not what the entry says of their form.
    """
    entry = read_entry(path)
    file = replicates_path(path, entry)
    packed = read_bounded(file, LARGEST_REPLICATES, "'replicates.sha256' names a file that")
    return Submission(entry, unpacked(packed, file, rows=entry.replicates.rows), packed)


def replicates_path(path: Path, entry: Entry) -> Path:
    """Where the replicates of an entry lie."""
    return path.with_name(f"{entry.replicates.sha256}.parquet")


def unpacked(content: bytes, path: Path, *, rows: int) -> Replicates:
    """Replicates of a known number of values, float32 [rows, 200], from the content of their file.

    Raises:
      VerificationError: it holds something else; nothing is read before its form is right.
    """
    try:
        found = pl.read_parquet_schema(io.BytesIO(content))
        if dict(found) != _SCHEMA:
            said = ", ".join(f"{name[:50]!r}: {kind}" for name, kind in [*found.items()][:3])
            raise VerificationError(f"the replicates {path} have the columns {said[:200]}, expected {_FORM}")
        height = pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item()
        if height != rows:
            raise VerificationError(f"the replicates {path} have {height:,} rows, but 'replicates.rows' is {rows:,}")
        column = pl.read_parquet(io.BytesIO(content))["replicates"]
        values = np.ascontiguousarray(column.to_numpy().reshape(-1, REPLICATES), dtype=np.float32)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OverflowError, MemoryError) as error:
        raise VerificationError(f"the replicates {path} cannot be read: {_line(error)}") from error
    if column.null_count() or len(values) != rows or not np.isfinite(values).all():
        raise VerificationError(f"the replicates {path} have values that are missing or not finite")
    return values


_FORM = f"one, 'replicates', of arrays of {REPLICATES} float32"


def sentence(error: ValidationError) -> str:
    """The first thing that is wrong with an entry."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    found = repr(first["input"])
    shown = found if len(found) <= 80 else found[:77] + "..."
    return f"{place[:200]!r} is {shown}: {message[:500]}" if place else message[:500]


def read_bounded(path: Path, most: int, what: str) -> bytes:
    """The content of a file of at most so many bytes.

    Raises:
      VerificationError: it is not there, or larger.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise VerificationError(f"{what} {path} is not there") from error
    if size > most:
        raise VerificationError(f"{what} {path} has {size:,} bytes: at most {most:,} are read")
    return path.read_bytes()


def _check_lengths(path: Path, content: Any) -> None:
    """Refuses tables that are too long before any of their rows is looked at."""
    for name in get_args(Table) if isinstance(content, dict) else ():
        rows = content.get(name)
        if isinstance(rows, list) and len(rows) > 4 * MOST_CELLS:
            raise VerificationError(f"the entry {path} is refused: {name!r} has {len(rows):,} rows, which is too many")


def _value(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"  {_value_inline(row)}" for row in value) + "\n ]"
    return _value_inline(value)


def _value_inline(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _line(error: BaseException) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    return text[:200] or type(error).__name__


def _keys_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")

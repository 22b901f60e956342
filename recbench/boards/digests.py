"""Digests of an entry's tables: one of each row, one of each column, so that a change lies where two of them fail.

They prove integrity, not honesty: whoever makes up a number can make up its digest.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from recbench.boards.entry import Digests, Entry, Table
from recbench.contracts.errors import VerificationError

Row = Mapping[str, Any]
Replicates = NDArray[np.float32]
"""[rows, 200]: of each cell and metric, in their order."""


def sealed(entry: Entry, replicates: Replicates) -> Entry:
    """The entry with the digests of its content, whatever it had before."""
    found = {part: _of_table(rows) for part, rows in _tables(entry.model_dump(mode="json"), replicates)}
    return entry.model_copy(update={"digests": {part: Digests.model_validate(each) for part, each in found.items()}})


def changed(entry: Entry, replicates: Replicates) -> str:
    """The place of the first value that does not match the digests, as in ``cells.3.metrics.auc``; empty: none."""
    content = entry.model_dump(mode="json")
    stated = content["digests"]
    for part, rows in _tables(content, replicates):
        if part not in stated:
            return f"digests.{part}"
        if place := _changed(part, rows, stated[part]):
            return place
    return ""


def check_digests(entry: Entry, replicates: Replicates) -> None:
    """Refuses an entry of which a value was changed after it was made.

    Raises:
      VerificationError: names the value.
    """
    if place := changed(entry, replicates):
        raise VerificationError(f"{place!r} is not what the digests were made of: it was changed after the entry was")


def _tables(content: Row, replicates: Replicates) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Each table as rows of flat fields, text by name of the column; the fields that are no table come as one row."""
    tables = get_args(Table)
    single = {name: value for name, value in content.items() if name not in (*tables, "digests")}
    yield "entry", [_flat(_flat_values(single))]
    for name in tables:
        rows = [_flat(_flat_values(row)) for row in content[name]]
        if name == "cells":
            _add_replicates(rows, content["cells"], replicates)
        yield name, rows


def _flat_values(row: Row) -> Row:
    """Plain values: what is inside of mappings gets a column of its own, at any depth."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping) and value:
            found |= {f"{name}.{key}": inner for key, inner in _flat_values(value).items()}
        else:
            found[name] = value
    return found


def _flat(row: Row) -> dict[str, str]:
    return {name: json.dumps(value, allow_nan=False) for name, value in row.items()}


def _add_replicates(rows: Sequence[dict[str, str]], cells: Sequence[Row], replicates: Replicates) -> None:
    lines = iter(replicates)
    for row, cell in zip(rows, cells, strict=True):
        for metric in cell["metrics"]:
            row[f"replicates.{metric}"] = hashlib.sha256(next(lines).astype("<f4").tobytes()).hexdigest()


def _of_table(rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    columns: dict[str, Any] = defaultdict(hashlib.sha256)
    for number, row in enumerate(rows):
        for name, text in row.items():
            columns[name].update(f"{number} {text}\n".encode())
    of_rows = ["\n".join(f"{name} {text}" for name, text in row.items()) for row in rows]
    return {
        "rows": tuple(hashlib.sha256(text.encode()).hexdigest() for text in of_rows),
        "columns": {name: total.hexdigest() for name, total in columns.items()},
    }


def _changed(part: str, rows: Sequence[Mapping[str, str]], stated: Mapping[str, Any]) -> str:
    found = _of_table(rows)
    old, new = stated["columns"], found["columns"]
    columns = [name for name in (*new, *(set(old) - set(new))) if old.get(name) != new.get(name)]
    if len(rows) != len(stated["rows"]):
        return part if columns else f"digests.{part}.rows"
    numbers = [place for place, (a, b) in enumerate(zip(found["rows"], stated["rows"], strict=True)) if a != b]
    inside = part if part != "entry" else ""
    match bool(numbers), bool(columns):
        case True, True:
            return ".".join(filter(None, (inside, str(numbers[0]) if inside else "", columns[0])))
        case True, False:
            return f"digests.{part}.rows.{numbers[0]}"
        case False, True:
            return part if len(rows) > 1 and len(columns) == len(new) > 1 else f"digests.{part}.columns.{columns[0]}"
    return ""

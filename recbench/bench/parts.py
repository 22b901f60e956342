"""One part of a store: its columns, how it is written (whole or not at all), how it is read."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from recbench.bench.cells import AXES, cell_id
from recbench.contracts.errors import StoreError
from recbench.contracts.records import RunRecord

_TYPES = {str: pl.String(), int: pl.Int64(), float: pl.Float64()}
SCHEMA: Mapping[str, pl.DataType] = {
    "cell": pl.String(),
    "suite": pl.String(),  # the suite that first asked for the cell; other suites may share it
    "suite_version": pl.Int64(),
    "dataset": pl.String(),
    **{name: _TYPES[kind] for name, kind in AXES.items()},
    "metric": pl.String(),  # null: the run has no metrics, see status and reason
    "value": pl.Float64(),
    "replicates": pl.List(pl.Float32()),
    "validation": pl.Float64(),
    "status": pl.String(),
    "reason": pl.String(),
    "kept_rows": pl.Int64(),
    "kept_users": pl.Int64(),
    "kept_items": pl.Int64(),
    "cold_test_users": pl.Float64(),
    "cold_test_items": pl.Float64(),
    "popularity_shift": pl.Float64(),
    "time_span": pl.Float64(),
    "seconds": pl.Float64(),
    "compile_seconds": pl.Float64(),
    "sampler_seconds": pl.Float64(),
    "samples_processed": pl.Int64(),
    "epochs": pl.Int64(),
    "sample_digest": pl.String(),
    "sample_sketch": pl.Binary(),  # little-endian uint32; see bench.sketch
    "created": pl.Datetime("us", "UTC"),
}
"""Columns of the store: one row per (cell, metric), plus one per cell that has no metrics."""
LATER = ("popularity_shift", "time_span", "sample_sketch")
"""Columns that parts of version 0.1 do not have: null there."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What stands in a row beside the cell: names for people, which change no value."""

    suite: str = ""
    suite_version: int = 0
    dataset: str = ""


def part_content(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A part's bytes."""
    buffer = io.BytesIO()
    pl.DataFrame(list(rows), schema=dict(SCHEMA), orient="row").write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def part_name(content: bytes) -> str:
    """The file name of a part with this content."""
    return f"part-{hashlib.sha256(content).hexdigest()[:32]}.parquet"


def publish(content: bytes, target: Path) -> None:
    """Writes a file so that it is there whole or not at all, whatever interrupts."""
    temporary = target.with_name(f".{target.stem}-{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def read_part(path: Path, wanted: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Columns of one part, with its name as ``part``.

    Raises:
      StoreError: the content is not what its name promises, or a column is missing or of another type.
    """
    content = path.read_bytes()
    if part_name(content) != path.name:
        raise StoreError("its content does not match its name: it was truncated, changed or renamed")
    found = pl.read_parquet_schema(io.BytesIO(content))
    absent = [name for name in wanted if name in LATER and name not in found]
    for name, kind in wanted.items():
        if name not in absent and found.get(name) != kind:
            raise StoreError(f"its column {name!r} is {found.get(name, 'missing')}, expected {kind}")
    part = pl.read_parquet(io.BytesIO(content), columns=[name for name in wanted if name not in absent])
    nulls = {name: pl.lit(None, dtype=wanted[name]) for name in absent}
    return part.with_columns(**nulls).select(list(wanted)).with_columns(part=pl.lit(path.name))


def record_rows(record: RunRecord, origin: Origin, now: datetime) -> Iterator[dict[str, Any]]:
    """The rows of one record: one for each metric, or a single one without."""
    cost, coverage = record.cost, record.coverage
    shared = {
        "cell": cell_id(record.cell),
        "suite": origin.suite,
        "suite_version": origin.suite_version,
        "dataset": origin.dataset,
        **record.cell,
        "validation": record.validation,
        "status": record.status,
        "reason": record.reason,
        "sample_digest": record.sample_digest,
        "sample_sketch": record.sample_sketch,
        "created": now,
    }
    if coverage is not None:
        shared |= {"kept_rows": coverage.rows, "kept_users": coverage.users, "kept_items": coverage.items}
        names = ("cold_test_users", "cold_test_items", "popularity_shift", "time_span")
        shared |= {name: getattr(coverage, name) for name in names}
    if cost is not None:
        shared |= {name: getattr(cost, name) for name in cost.__slots__}
    if not record.metrics:
        yield shared
    for metric, value in record.metrics.items():
        replicates = record.replicates.get(metric)
        yield {**shared, "metric": metric, "value": value,
               "replicates": None if replicates is None else replicates.tolist()}  # fmt: skip


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there, and the rename is durable by itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

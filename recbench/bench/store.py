"""Results as append-only Parquet parts, each named by the hash of its content: merging stores is copying files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from recbench.bench.cells import Cell
from recbench.bench.parts import SCHEMA, Origin, part_content, part_name, publish, read_part, record_rows
from recbench.contracts.errors import StoreError
from recbench.contracts.records import RunRecord

DEFAULT_STORE = "recbench-results"
RETRIED = ("failed", "diverged", "timeout")
"""What ``--retry-failed`` computes again; a skipped cell would be skipped again."""

_RESOLVED_BY = ("cell", "metric", "status", "created")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file in the store's folder that is no part of a store."""

    file: str
    reason: str


class NoStoreError(StoreError):
    """There is no store where one was to be read."""

    exit_code = 2


class Store:
    """A folder of results. Nothing is created before the first record is appended."""

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = Path(path) if path is not None else default_path()
        self.unreadable: list[Unreadable] = []  # found by the last read

    def append(self, records: Sequence[RunRecord], *, origin: Origin = Origin()) -> Path | None:  # noqa: B008 - frozen
        """Writes one part with the records, whole or not at all.

        Returns:
          The part's path; None without records.

        Raises:
          StoreError: the part could not be written; earlier parts are untouched.
        """
        if not records:
            return None
        now = datetime.now(UTC)
        return self._publish(part_content(row for record in records for row in record_rows(record, origin, now)))

    def repeat(self, copies: Collection[tuple[Cell, Cell]]) -> int:
        """Files the stored rows of cells under others that differ only in their training seed.

        Args:
          copies: pairs of the cell that is stored and the cell to file it under.

        Returns:
          How many cells were filed: what is not stored cannot be.

        Raises:
          StoreError: as :meth:`append`.
        """
        seeds = [(of.id, cell.id, cell.training_seed) for of, cell in copies]
        table = pl.DataFrame(seeds, schema={"of": pl.String(), "cell": pl.String(), "seed": pl.Int64()}, orient="row")
        empty = pl.DataFrame(schema={**SCHEMA, "part": pl.String()})
        parts = (part.filter(pl.col("cell").is_in(table["of"].to_list())) for part in self._parts(SCHEMA))
        stored = resolve(pl.concat([empty, *parts])).rename({"cell": "of"})
        rows = stored.join(table, on="of").with_columns(training_seed="seed", created=pl.lit(datetime.now(UTC)))
        if rows.height:
            self._publish(part_content(rows.select(list(SCHEMA)).to_dicts()))
        return rows["cell"].n_unique()

    def frame(self, columns: Collection[str] | None = None) -> pl.DataFrame:
        """All results, each (cell, metric) once: see :func:`resolve`. Given columns are read, and what that needs."""
        return resolve(self.rows(None if columns is None else dict.fromkeys((*_RESOLVED_BY, *columns))))

    def rows(self, columns: Collection[str] | None = None) -> pl.DataFrame:
        """Every row of every part as written, copies of a cell included, with the part's name as ``part``."""
        wanted = dict(SCHEMA) if columns is None else {name: SCHEMA[name] for name in columns}
        empty = pl.DataFrame(schema={**wanted, "part": pl.String()})
        return pl.concat([empty, *self._parts(wanted)])

    def done(self, metrics: Collection[str] = (), *, retry_failed: bool = False) -> set[str]:
        """Ids of the cells that need no further run.

        Args:
          metrics: columns that a finished cell must have.
          retry_failed: leaves out cells that failed, diverged or ran out of time.
        """
        cells = (
            self.rows(["cell", "metric", "status"])
            .group_by("cell")
            .agg(pl.col("metric").drop_nulls(), pl.col("status").unique())
        )
        ok = pl.col("status").list.contains("ok")
        complete = pl.lit(list(metrics), dtype=pl.List(pl.String())).list.set_difference("metric").list.len() == 0
        closed = ["skipped"] if retry_failed else ["skipped", *RETRIED]
        other = pl.col("status").list.set_intersection(pl.lit(closed, dtype=pl.List(pl.String()))).list.len() > 0
        return set(cells.filter((ok & complete) | (~ok & other))["cell"])

    def conflicts(self, *, tolerance: float = 1e-6) -> pl.DataFrame:
        """Finished cells of which the parts hold copies that differ: cell, metric, copies, lowest, highest."""
        return (
            self.rows(["cell", "metric", "value", "status"])
            .filter(pl.col("status") == "ok")
            .group_by("cell", "metric")
            .agg(copies=pl.len(), lowest=pl.col("value").min(), highest=pl.col("value").max())
            .filter(pl.col("highest") - pl.col("lowest") > tolerance * pl.max_horizontal(1, pl.col("highest").abs()))
            .sort("cell", "metric")
        )

    def _publish(self, content: bytes) -> Path:
        target = self.path / part_name(content)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            publish(content, target)
        except OSError as error:
            raise StoreError(
                f"results could not be written to {self.path}: {error.strerror or error}; "
                "what was stored before is kept, so free space or choose another folder with --store and run again"
            ) from error
        return target

    def _parts(self, wanted: Mapping[str, pl.DataType]) -> Iterator[pl.DataFrame]:
        self.unreadable = []
        for path in sorted(self.path.glob("part-*.parquet")):
            try:
                yield read_part(path, wanted)
            except (OSError, StoreError, pl.exceptions.PolarsError) as error:
                self.unreadable.append(Unreadable(path.name, str(error).splitlines()[0]))


def default_path() -> Path:
    """``RECBENCH_STORE``, or ``recbench-results`` in the current folder."""
    return Path(os.environ.get("RECBENCH_STORE") or DEFAULT_STORE)


def load_results(path: str | Path | None = None) -> pl.DataFrame:
    """All results of a store as a frame: one row per (cell, metric), plus one per cell that has no metrics.

    Raises:
      NoStoreError: there is no store.
    """
    return open_store(path).frame()


def open_store(path: str | Path | None = None) -> Store:
    """A store that is there already.

    Raises:
      NoStoreError: there is no store.
    """
    store = Store(path)
    if not store.path.is_dir():
        raise NoStoreError(f"there are no results at {store.path}: make some with 'recbench run', or give --store")
    return store


def resolve(rows: pl.DataFrame) -> pl.DataFrame:
    """Keeps one copy of each (cell, metric).

    Of finished copies the first stays; a cell that never finished keeps its latest attempt. The result does not depend
    on which files were copied where, or in which order.
    """
    ordered = rows.sort("created", "part", "cell", "metric")
    ok = ordered.filter(pl.col("status") == "ok").unique(["cell", "metric"], keep="first", maintain_order=True)
    other = (
        ordered.filter(pl.col("status") != "ok")
        .join(ok, on="cell", how="anti")
        .unique("cell", keep="last", maintain_order=True)
    )
    return pl.concat([ok, other]).sort("created", "part", "cell", "metric").drop("part")

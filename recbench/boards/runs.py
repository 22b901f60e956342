"""The runs of an entry as rows of a store, so that the code that reads stores reads entries too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from recbench.bench.cells import AXES, cell_id, hyper_text
from recbench.bench.parts import SCHEMA
from recbench.bench.sample import FULL
from recbench.boards.digests import Replicates
from recbench.boards.entry import CellEntry, Entry

COVERAGE = {"sample_digest": "digest", "kept_rows": "rows", "kept_users": "users", "kept_items": "items"}
"""What columns of a store are called in the samples of an entry."""
LEANS = ("cold_test_users", "cold_test_items", "popularity_shift", "time_span")
"""Columns that have the same name there."""
COSTS = ("seconds", "compile_seconds", "sampler_seconds", "samples_processed", "epochs")
"""Columns that have the same name in the cells of an entry."""
_RUN = ("validation", "status", "reason", *COSTS)

Tables = Mapping[str, Mapping[Any, Mapping[str, Any]]]


def entry_frame(entry: Entry, replicates: Replicates) -> pl.DataFrame:
    """What a store with these runs alone would give, :data:`~recbench.bench.parts.SCHEMA`, in the order of the cells.

    All rows have the time of the entry: of each run there is one, so that none is older than another.
    """
    tables = tables_of(entry)
    rows = [row for cell in entry.cells for row in _rows(entry, cell, tables)]
    schema = {name: kind for name, kind in SCHEMA.items() if name not in ("replicates", "sample_sketch")}
    frame = pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None)
    return frame.with_columns(_lists(frame["metric"], replicates), sample_sketch=pl.lit(None, pl.Binary())).select(
        list(SCHEMA)
    )


def tables_of(entry: Entry) -> Tables:
    """The rows that cells refer to, by what they are referred to by."""
    return {
        "conditions": {(each.dataset, each.feedback): each.model_dump() for each in entry.conditions},
        "samplers": {each.label: each.model_dump() for each in entry.samplers},
        "algorithms": {each.label: each.model_dump() for each in entry.algorithms},
        "samples": {(s.dataset, s.feedback, s.sampler, s.budget, s.seed): s.model_dump() for s in entry.samples},
    }


def _rows(entry: Entry, cell: CellEntry, tables: Tables) -> Iterator[dict[str, Any]]:
    axes = cell_axes(cell, tables)
    sample = tables["samples"].get((cell.dataset, cell.feedback, cell.sampler, cell.budget, cell.sample_seed), {})
    shared = {
        "cell": cell_id(axes),
        "suite": entry.suite,
        "suite_version": entry.suite_version,
        "dataset": cell.dataset,
        **axes,
        **{name: getattr(cell, name) for name in _RUN},
        **{stored: sample.get(name) for stored, name in COVERAGE.items()},
        **{name: sample.get(name) for name in LEANS},
        "sample_digest": sample.get("digest", ""),
        "created": entry.created,
    }
    if not cell.metrics:
        yield shared
    for metric, value in cell.metrics.items():
        yield {**shared, "metric": metric, "value": value}


def cell_axes(cell: CellEntry, tables: Tables) -> dict[str, Any]:
    """All axes of a cell, as a plan gives them."""
    conditions = tables["conditions"][cell.dataset, cell.feedback]
    sampler = tables["samplers"][cell.sampler] if cell.sampler != FULL else {"unit": "interaction", "code": ""}
    own = {
        "data": conditions["checksum"],
        "sampler": cell.sampler,
        "unit": sampler["unit"],
        "budget": cell.budget,
        "sample_seed": cell.sample_seed,
        "sampler_code": sampler["code"],
        "algorithm": cell.algorithm,
        "algorithm_code": tables["algorithms"][cell.algorithm]["code"],
        "hyper": hyper_text(cell.hyper),
        "training_seed": cell.training_seed,
    }
    return {axis: own[axis] if axis in own else conditions[axis] for axis in AXES}


def _lists(metrics: pl.Series, replicates: Replicates) -> pl.Series:
    """The replicates of each row; null where a row has no metric."""
    there = metrics.is_not_null()
    values = pl.Series("replicates", replicates).cast(pl.List(pl.Float32))
    numbers = pl.select(pl.when(there).then(there.cum_sum().cast(pl.Int64) - 1)).to_series()
    if not len(values):
        return pl.Series("replicates", [None] * len(metrics), dtype=pl.List(pl.Float32))
    return values.gather(numbers).rename("replicates")


def distinct_seeds(rows: pl.DataFrame) -> dict[str, tuple[int, ...]]:
    """Training seeds of the runs on full data, and seeds of the samples, of one data set and feedback type."""
    full = pl.col("sampler") == FULL
    return {
        "full_seeds": tuple(rows.filter(full)["training_seed"].unique().sort()),
        "sample_seeds": tuple(rows.filter(~full)["sample_seed"].unique().sort()),
    }


def matrix(lists: pl.Series) -> Replicates:
    """Lists of equal length as one array."""
    return np.ascontiguousarray(lists.explode().to_numpy().reshape(len(lists), -1), dtype=np.float32)

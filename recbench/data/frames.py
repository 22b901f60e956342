"""From a frame in memory, Polars or pandas, to a :class:`Dataset`."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recbench.contracts.errors import DataError
from recbench.contracts.records import Dataset, Provenance
from recbench.data.arrays import placed_dataset
from recbench.data.columns import Columns, find_columns
from recbench.data.core import placed_core
from recbench.data.ids import id_series, number_ids
from recbench.data.values import SPLIT_PARTS, SPLIT_TYPE, RawLog, typed_log


def frame_dataset(
    frame: Any,
    *,
    name: str = "frame",
    provenance: Provenance | None = None,
    columns: Columns | None = None,
    k_core: int = 0,
) -> Dataset:
    """Numbers ids by their sorted order and puts the rows into canonical order.

    Args:
      frame: a Polars or pandas frame with columns user, item[, rating][, timestamp][, split], or their usual aliases.
      name: of the data set.
      provenance: where it comes from; None: the name stands for the source.
      columns: names of the columns, where they are not the usual ones.
      k_core: keep users and items with at least so many rows; 0 keeps all.

    Raises:
      DataError: a column is missing or a value is not what it should be; the row (from 0) is named.
    """
    raw = polars_frame(frame, name=name)
    roles = find_columns(raw.columns, columns or Columns(), source=name)
    log = typed_log(RawLog(raw.lazy(), roles, name, unit="row", first=0))
    return log_dataset(log, name=name, provenance=provenance or Provenance(name), k_core=k_core)


def log_dataset(log: pl.DataFrame, *, name: str, provenance: Provenance, k_core: int = 0) -> Dataset:
    """The data set of a checked log: user, item[, rating][, timestamp][, split] of the types of ``read_log``."""
    return placed_log(log, name=name, provenance=provenance, k_core=k_core)[0]


def placed_log(
    log: pl.DataFrame, *, name: str, provenance: Provenance, k_core: int = 0
) -> tuple[Dataset, NDArray[np.int64]]:
    """The data set of a checked log, and which row of the log each of its rows is, int64 [n]."""
    user, user_ids = number_ids(log["user"])
    item, item_ids = number_ids(log["item"])
    dataset, places = placed_dataset(
        user,
        item,
        log["rating"].to_numpy() if "rating" in log.columns else None,
        log["timestamp"].to_numpy() if "timestamp" in log.columns else None,
        name=name,
        provenance=provenance,
        user_ids=user_ids,
        item_ids=item_ids,
        given_split=_given_split(log),
    )
    if k_core:
        dataset, kept = placed_core(dataset, k_core)
        places = places[kept]
    return dataset, places


def dataset_log(dataset: Dataset) -> pl.DataFrame:
    """The rows of a data set with their original ids, in canonical order: what ``log_dataset`` was given."""
    rows = dataset.interactions
    numbers = {"user": rows.user, "item": rows.item}
    log = {role: pl.Series(id_series(ids).gather(numbers[role])) for role, ids in _ids(dataset).items()}
    if dataset.has_ratings:
        log["rating"] = pl.Series(rows.rating)
    if rows.timestamp is not None:
        log["timestamp"] = pl.Series(rows.timestamp)
    if dataset.given_split is not None:
        codes = pl.Series(dataset.given_split).cast(pl.Int64)
        log["split"] = codes.replace_strict(dict(enumerate(SPLIT_PARTS)), default=None, return_dtype=SPLIT_TYPE)
    return pl.DataFrame(log)


def polars_frame(frame: Any, *, name: str) -> pl.DataFrame:
    """A Polars frame of a Polars or pandas one.

    Raises:
      DataError: it is neither.
    """
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    if not (hasattr(frame, "to_numpy") and hasattr(frame, "columns")):
        raise DataError(f"{name} is a {type(frame).__name__}, but a Polars or pandas frame is expected")
    # By columns and through NumPy, because Polars' own conversion needs pyarrow.
    return pl.DataFrame([_pandas_column(str(column), frame[column]) for column in frame.columns])


def _pandas_column(name: str, column: Any) -> pl.Series:
    missing = column.isna().to_numpy()
    kind = column.dtype.kind
    if kind == "M":
        return pl.Series(name, (column.dt.tz_convert(None) if hasattr(column.dtype, "tz") else column).to_numpy())
    if missing.any() or kind not in "biuf":
        values = [None if gone else value for value, gone in zip(column.tolist(), missing, strict=True)]
        return pl.Series(name, values, strict=False)
    return pl.Series(name, column.to_numpy(dtype=getattr(column.dtype, "numpy_dtype", column.dtype)))


def _ids(dataset: Dataset) -> dict[str, NDArray[np.generic]]:
    return {"user": dataset.user_ids, "item": dataset.item_ids}


def _given_split(log: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.int8]] | None:
    if "split" not in log.columns or log["split"].null_count() == log.height:
        return None
    return log["split"].to_physical().cast(pl.Int8).fill_null(-1).to_numpy()

"""Original ids: kept as they are, int64 where all of them are integers that fit, text otherwise."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

_ROUNDED = r"^(?:\+|-?0.|-0)"  # reads as an integer but is not how one is written: 007, +3, -0


def integer_ids(column: str) -> pl.Expr:
    """Text ids as int64; null where that would not give back the same text."""
    text = pl.col(column)
    return pl.when(text.str.contains(_ROUNDED)).then(None).otherwise(text.cast(pl.Int64, strict=False)).alias(column)


def plain_ids(ids: pl.Series) -> pl.Series:
    """Ids of any type as Int64, or as String where one of them is not an integer that fits; nulls stay."""
    if ids.dtype.is_float():
        ids = ids.fill_nan(None)
        as_int = ids.cast(pl.Int64, strict=False)
        return as_int if as_int.cast(ids.dtype).equals(ids) else ids.cast(pl.String)
    if ids.dtype.is_integer():
        as_int = ids.cast(pl.Int64, strict=False)
        return as_int if as_int.null_count() == ids.null_count() else ids.cast(pl.String)
    text = ids.cast(pl.String)
    as_int = text.to_frame().select(integer_ids(ids.name)).to_series()
    return as_int if as_int.null_count() == text.null_count() else text


def number_ids(ids: pl.Series) -> tuple[NDArray[np.int32], NDArray[np.generic]]:
    """Numbers ids by their sorted order.

    Args:
      ids: Int64 or String without nulls, shape [n].

    Returns:
      The number of each, int32 [n], and the ids by number, int64 or object (str).
    """
    if ids.dtype == pl.String:
        known = ids.unique().sort()
        numbers = ids.cast(pl.Enum(known)).to_physical().cast(pl.Int32)
        return numbers.to_numpy(), known.to_numpy().astype(object)
    values = ids.to_numpy()
    first, last = int(values.min()), int(values.max())
    if last - first < max(4 * len(values), 1 << 20):
        return _number_by_table(values, first, last)
    distinct = ids.unique().sort().to_numpy()
    return np.searchsorted(distinct, values).astype(np.int32), distinct


def id_series(ids: NDArray[np.generic]) -> pl.Series:
    """The ids by number as a series, Int64 or String."""
    return pl.Series(ids.tolist(), dtype=pl.String) if ids.dtype == object else pl.Series(ids)


def look_up_ids(ids: pl.Series, known: NDArray[np.generic]) -> pl.Series:
    """The numbers of ids of any type among those that are known by number: Int32 [n], null where one is not."""
    wanted, names = plain_ids(ids), id_series(known)
    if wanted.dtype != names.dtype:
        wanted, names = wanted.cast(pl.String), names.cast(pl.String)
    table = pl.DataFrame({"id": names, "number": np.arange(len(names), dtype=np.int32)})
    return wanted.alias("id").to_frame().join(table, on="id", how="left", maintain_order="left")["number"]


def _number_by_table(values: NDArray[np.int64], first: int, last: int) -> tuple[NDArray[np.int32], NDArray[np.generic]]:
    present = np.zeros(last - first + 1, np.bool_)
    present[values - first] = True
    number = np.cumsum(present, dtype=np.int32) - np.int32(1)
    return number[values - first], np.flatnonzero(present) + first

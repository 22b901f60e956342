"""What a data set is like, in numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from recbench.contracts.records import Dataset
from recbench.data.values import SPLIT_PARTS

_SURELY_SECONDS = 100_000_000  # smaller times are positions: as seconds they would fall before 1974


def summarise(dataset: Dataset) -> dict[str, Any]:
    """Counts, density, ranges, ties, split, checksum and provenance of a data set; None where it has no such thing."""
    rows = dataset.interactions
    lengths = np.bincount(rows.user, minlength=rows.num_users)
    first, last = _time_span(rows.timestamp)
    return {
        "name": dataset.name,
        "users": rows.num_users,
        "items": rows.num_items,
        "rows": len(rows),
        "density": len(rows) / (rows.num_users * rows.num_items),
        "rows_per_user_median": float(np.median(lengths)),
        "users_under_three_rows": int(np.count_nonzero(lengths < 3)),
        "lowest_rating": float(rows.rating.min()) if dataset.has_ratings else None,
        "highest_rating": float(rows.rating.max()) if dataset.has_ratings else None,
        "first_time": first,
        "last_time": last,
        "tied_times": None if rows.timestamp is None else dataset.tied_times,
        "split": _split_counts(dataset),
        "checksum": dataset.checksum,
        "source": dataset.provenance.source,
        "licence": dataset.provenance.licence,
        "citation": dataset.provenance.citation,
    }


def _time_span(timestamp: np.ndarray[Any, np.dtype[np.int64]] | None) -> tuple[str | int | None, str | int | None]:
    """First and last time: dates where they are seconds, numbers where they are positions."""
    if timestamp is None:
        return None, None
    first, last = int(timestamp.min()), int(timestamp.max())
    if last < _SURELY_SECONDS:
        return first, last
    try:
        return _date(first), _date(last)
    except (OverflowError, ValueError, OSError):  # milliseconds, or no time at all
        return first, last


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _split_counts(dataset: Dataset) -> dict[str, int] | None:
    if dataset.given_split is None:
        return None
    counts = np.bincount(dataset.given_split + 1, minlength=4)
    return dict(zip(("none", *SPLIT_PARTS), map(int, counts), strict=True))

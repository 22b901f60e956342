"""Stored results as commands show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recbench.cli.tables import note

if TYPE_CHECKING:
    import polars as pl


def latest_data(frame: pl.DataFrame) -> pl.DataFrame:
    """The results on the latest state of each data set; says where there are others."""
    from recbench.bench.selection import newest_data  # starting is to stay quick

    kept, changed = newest_data(frame)
    for name in changed:
        note(f"{name!r} has changed since its first results: only those on its latest state are shown")
    return kept

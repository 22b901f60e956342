"""Stored results as commands show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recbench.cli.tables import note

if TYPE_CHECKING:
    import polars as pl

    from recbench.bench.store import Store


def stored_results(folder: str | None) -> pl.DataFrame:
    """All results of a store; says which files of it could not be read."""
    from recbench.bench.store import open_store  # starting is to stay quick

    store = open_store(folder)
    frame = store.frame()
    warn_of_unreadable(store)
    return frame


def warn_of_unreadable(store: Store) -> None:
    """Says which files the last read left out."""
    for file in store.unreadable:
        note(f"warning: {store.path / file.file} was left out: {file.reason}")


def latest_data(frame: pl.DataFrame) -> pl.DataFrame:
    """The results on the latest state of each data set and of recbench; says where there are others."""
    from recbench.bench.selection import newest_data  # starting is to stay quick

    kept, changed = newest_data(frame)
    for name in changed:
        note(
            f"only the latest results on {name!r} are shown: the data or recbench have changed since, "
            "or two files have this name ('recbench run --name' tells them apart)"
        )
    return kept

"""The k-core of a log: every user and every item left has at least k rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recbench.contracts.errors import DataError
from recbench.contracts.records import Dataset
from recbench.data.arrays import placed_dataset


def keep_core(dataset: Dataset, k: int) -> Dataset:
    """Keeps the rows of users and items that have at least ``k`` rows each among what is kept.

    Raises:
      DataError: nothing is left.
    """
    return placed_core(dataset, k)[0]


def placed_core(dataset: Dataset, k: int) -> tuple[Dataset, NDArray[np.int64]]:
    """The same, and which row of the data set each kept row is, int64 [kept]."""
    rows = dataset.interactions
    kept = np.arange(len(rows))
    while True:
        users = np.bincount(rows.user[kept], minlength=rows.num_users)
        items = np.bincount(rows.item[kept], minlength=rows.num_items)
        enough = (users[rows.user[kept]] >= k) & (items[rows.item[kept]] >= k)
        if enough.all():
            break
        kept = kept[enough]
    if len(kept) == len(rows):
        return dataset, kept
    if len(kept) == 0:
        raise DataError(f"the {k}-core of {dataset.name} is empty: ask for fewer rows a user and item with --k-core")
    part = rows.take(kept)
    core, places = placed_dataset(
        part.user,
        part.item,
        part.rating if dataset.has_ratings else None,
        part.timestamp,
        name=dataset.name,
        provenance=dataset.provenance,
        user_ids=dataset.user_ids,
        item_ids=dataset.item_ids,
        given_split=None if dataset.given_split is None else dataset.given_split[kept],
    )
    return core, kept[places]

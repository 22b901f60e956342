"""What a fitted algorithm would show to whom: lists of recommendations, with original ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recbench.bench.session import FittedAlgorithm
from recbench.contracts.errors import DataError, ParameterError
from recbench.contracts.records import Split
from recbench.data.ids import id_series, look_up_ids
from recbench.engine.recommend import top_items


def recommend(
    fitted: FittedAlgorithm, *, users: Iterable[Any] | None = None, k: int = 10, exclude_seen: bool = True
) -> pl.DataFrame:
    """The first k items of each user, in the full ranking that :func:`evaluate` scores on the test rows.

    Args:
      fitted: of :func:`recbench.fit`.
      users: original ids, each once; None: all users with a test row.
      k: items a user; fewer where no more are left.
      exclude_seen: leave out what ``fit`` was told to hide, by default all that the user has in train or validation.

    Returns:
      user and item (original ids, users as asked for), rank (Int32, from 1) and score (Float32; the predicted rating
      for explicit feedback). Equal scores stand in the order of the split's seeded permutation of the items.

    Raises:
      DataError: the split has no such user.
      ParameterError: k is below 1, or the scores are not finite.
    """
    if k < 1:
        raise ParameterError(f"lists of {k} items were asked for, but k is a whole number from 1")
    split = fitted.data.split
    chosen = np.unique(split.test.user) if users is None else _numbers(users, split)
    top = top_items(fitted.engine, chosen, k=k, view=fitted.training.view, exclude_seen=exclude_seen)
    if not top.finite[0]:
        raise ParameterError(f"the scores of {fitted.algorithm!r} are not finite")
    row, place = np.nonzero(np.isfinite(top.scores[0]))
    return pl.DataFrame(
        {
            "user": id_series(split.user_ids).gather(chosen[row]),
            "item": id_series(split.item_ids).gather(top.items[0][row, place]),
            "rank": (place + 1).astype(np.int32),
            "score": top.scores[0][row, place],
        }
    )


def _numbers(users: Iterable[Any], split: Split) -> NDArray[np.int32]:
    asked = pl.Series("user", users if isinstance(users, pl.Series) else list(users), strict=False)
    numbers = look_up_ids(asked, split.user_ids)
    if (unknown := numbers.is_null()).any():
        raise DataError(
            f"the split of {split.dataset!r} has no user {asked.filter(unknown)[0]!r}, nor {unknown.sum() - 1} more of "
            f"the {len(asked)} asked for: give ids out of its {split.num_users}, as they stand in the data"
        )
    if (again := numbers.is_duplicated()).any():
        raise DataError(f"the user {asked.filter(again)[0]!r} was asked for twice: give each user once")
    return numbers.to_numpy()

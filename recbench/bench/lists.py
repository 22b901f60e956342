"""Lists of recommendations that were made elsewhere, judged like those of any algorithm here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recbench.bench.roster import metric_functions
from recbench.bench.session import all_columns, by_user
from recbench.contracts.errors import DataError, ParameterError
from recbench.contracts.records import Split
from recbench.data.frames import polars_frame
from recbench.data.ids import look_up_ids
from recbench.engine.batch import DeviceSplit, place_split
from recbench.engine.evaluate import Metrics, columns_of, summarise
from recbench.engine.lists import score_lists
from recbench.engine.score import Column
from recbench.registry import Registry, default

WITHOUT_LIST = "without_list"
"""The key of the share of test users without a list."""


@overload
def evaluate_lists(
    lists: Any,
    split: Split | DeviceSplit,
    *,
    metrics: Sequence[str] | None = ...,
    per_user: Literal[False] = ...,
    registry: Registry | None = ...,
) -> dict[str, float]: ...


@overload
def evaluate_lists(
    lists: Any,
    split: Split | DeviceSplit,
    *,
    metrics: Sequence[str] | None = ...,
    per_user: Literal[True],
    registry: Registry | None = ...,
) -> pl.DataFrame: ...


def evaluate_lists(
    lists: Any,
    split: Split | DeviceSplit,
    *,
    metrics: Sequence[str] | None = None,
    per_user: bool = False,
    registry: Registry | None = None,
) -> dict[str, float] | pl.DataFrame:
    """Metrics of lists of recommendations on the test rows, as :func:`evaluate` gives them for a fitted algorithm.

    Only metrics with a cut-off: AUC needs the scores of all items, so it is left out. What lies beyond the end of a
    list is missed; a test user without a list counts as zero. An item that the user has in train or validation takes
    its place on the list and is never a hit: leave such items out. Lists of users without a test row are not looked at.

    Args:
      lists: a Polars or pandas frame with columns user and item (original ids) and rank (lowest first) or score
        (highest first; equal ones in the order of the split's seeded permutation of the items). With both, the rank
        counts; with neither, each user's rows stand in order.
      split: of :func:`recbench.make_split`.
      metrics: columns, as in ``hr@10``; None: all with a cut-off that are registered for the feedback type.
      per_user: a frame with a line for each test user instead, as :func:`evaluate` gives it.

    Returns:
      The mean of each metric over all test users, and ``without_list``, the share of them without a list.

    Raises:
      DataError: a column is missing, a user or an item is not in the split, an item stands twice on a list, two ranks
        are equal, or a rank or score is not a number.
      ParameterError: a metric needs all scores, or feedback is explicit.
    """
    data = split if isinstance(split, DeviceSplit) else place_split(split)
    functions, columns = _judges(data, metrics, registry or default())
    users, items = _in_order(polars_frame(lists, name="lists"), data)
    scored = score_lists(data, users, items, columns=columns)
    if per_user:
        return by_user(data, "test", scored, functions, columns)
    without = 1 - np.isin(scored.users, users).mean()
    return {**summarise(scored, metrics=functions, columns=columns, run=0), WITHOUT_LIST: float(without)}


def _judges(data: DeviceSplit, metrics: Sequence[str] | None, registry: Registry) -> tuple[Metrics, tuple[Column, ...]]:
    if data.feedback == "explicit":
        raise ParameterError(
            "explicit feedback is judged by its ratings, not by lists: split the data for implicit or sequential "
            "feedback"
        )
    if not len(data.split.test):
        raise ParameterError(f"the split of {data.split.dataset!r} has no test rows")
    wanted = metrics or [column for column in all_columns(data.feedback, registry) if "@" in column]
    functions = metric_functions(wanted, registry)
    columns = columns_of(functions, data)
    if missing := set(wanted) - {column.name for column in columns}:
        raise ParameterError(f"{min(missing)!r} is not a metric of {data.feedback} feedback")
    if whole := [column.name for column in columns if column.cutoff is None]:
        raise ParameterError(f"{whole[0]!r} needs the scores of all items, which lists do not have: ask for hr@10, say")
    return functions, columns


def _in_order(frame: pl.DataFrame, data: DeviceSplit) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Users and items by number, user by user, best first."""
    if missing := {"user", "item"} - set(frame.columns):
        raise DataError(
            f"lists have the columns {', '.join(frame.columns)}, but no {min(missing)}: user and item are needed, and "
            "rank or score unless the rows stand in order"
        )
    user = _numbers(frame, "user", data.split.user_ids, data.split)
    item = _numbers(frame, "item", data.split.item_ids, data.split)
    place = next((column for column in ("rank", "score") if column in frame.columns), None)
    keys: list[NDArray[Any]] = [np.arange(len(user))]
    if place:
        values = _values(frame, place)
        keys = [values] if place == "rank" else [np.asarray(data.arrays.tie_break)[item], -values]
    order = np.lexsort((*keys, user))
    _refuse_repeats(frame, user, item, "item")
    if place == "rank":
        _refuse_repeats(frame, user, values, "rank")
    return user[order], item[order]


def _numbers(frame: pl.DataFrame, role: str, known: NDArray[np.generic], split: Split) -> NDArray[np.int32]:
    numbers = look_up_ids(frame[role], known)
    if (unknown := numbers.is_null()).any():
        row = int(unknown.arg_true()[0])
        raise DataError(
            f"lists: row {row} has the {role} {frame[role][row]!r}, which the split of {split.dataset!r} does not know "
            f"({unknown.sum()} such rows): leave these rows out, and write ids as they stand in the data"
        )
    return numbers.to_numpy()


def _values(frame: pl.DataFrame, column: str) -> NDArray[np.float64]:
    values = frame[column].cast(pl.Float64, strict=False).fill_nan(None)
    if values.null_count():
        row = int(values.is_null().arg_true()[0])
        raise DataError(f"lists: row {row} has the {column} {frame[column][row]!r}, but a number is expected")
    return values.to_numpy()


def _refuse_repeats(frame: pl.DataFrame, user: NDArray[Any], value: NDArray[Any], column: str) -> None:
    again = pl.DataFrame({"user": user, "value": value}).is_duplicated()
    if again.any():
        row = int(again.arg_true()[0])
        raise DataError(
            f"lists: the {column} {frame[column][row]!r} stands twice for the user {frame['user'][row]!r}: "
            f"a list has each {column} once"
        )

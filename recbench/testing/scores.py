"""Scores of fitted models: of everybody with every item, and how far two scorings are apart."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from recbench.contracts.batches import Query
from recbench.contracts.records import Feedback
from recbench.engine.batch import DeviceSplit, history_arrays

STRANGER, FIRST, LAST, VISITOR = -4, -3, -2, -1
"""The last places of a query: an unseen user, the first and the last user, all three with an empty history; an unseen
user with the first user's history."""

SAME, TOLERANCE = 1e-6, 1e-3
"""Shares of the largest score: what the same sums may differ by, and what sums in another order may."""


class Scores(NamedTuple):
    """What a model gives the users of a query."""

    score: NDArray[np.float32]  # [users, items]
    rating: NDArray[np.float32]  # [users, items], predicted; the scores once more unless feedback is explicit


def difference(one: Scores, other: Scores) -> float:
    """How far two scorings are apart, as a share of the largest score; infinite where one alone is not finite."""
    return max(apart(first, second) for first, second in zip(one, other, strict=True))


def apart(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The largest difference of two arrays as a share of the largest value; infinite where one alone is not finite."""
    good = np.isfinite(one)
    if one.shape != other.shape or not np.array_equal(good, np.isfinite(other)):
        return float("inf")
    scale = max(np.abs(one[good]).max(initial=0), np.abs(other[good]).max(initial=0), 1e-30)
    return float(np.abs(one[good] - other[good]).max(initial=0) / scale)


def query_of(data: DeviceSplit, rows: NDArray[np.int64], width: int) -> Query:
    """All users with the most recent ``width`` of the given train rows, then the four of special interest.

    All arrays are NumPy's.
    """
    events, starts = history_arrays(data, rows, with_validation=False)
    count = data.split.num_users
    owner = np.concatenate([np.arange(count), [-1, -1, -1, 0]])
    end = np.where(owner < 0, 0, starts[owner + 1])
    begin = np.where(owner < 0, 0, np.maximum(starts[owner], end - width))
    place = begin[:, None] + np.arange(width)[None, :]
    mask = place < end[:, None]
    event = events[np.where(mask, place, 0)]
    item, value = np.asarray(data.arrays.event_item)[event], np.asarray(data.arrays.event_value)[event]
    return Query(
        users=np.concatenate([np.arange(count), [-1, 0, count - 1, -1]]).astype(np.int32),  # type: ignore[arg-type]
        items=np.where(mask, item, 0),  # type: ignore[arg-type]
        values=np.where(mask, value, 0),  # type: ignore[arg-type]
        mask=mask,  # type: ignore[arg-type]
        num_items=data.split.num_items,
    )


def predicted(scorer: Any, query: Query, feedback: Feedback) -> tuple[Any, Any]:
    """Scores of a query, and predicted ratings of all its pairs; the scores once more unless feedback is explicit."""
    scores = scorer.score(query)
    if feedback != "explicit":
        return scores, scores
    users: Any = query.users
    pairs = np.divmod(np.arange(len(users) * query.num_items, dtype=np.int32), np.int32(query.num_items))
    row, item = pairs if isinstance(users, np.ndarray) else map(jnp.asarray, pairs)
    return scores, scorer.predict(query, row, item).reshape(len(users), query.num_items)


@lru_cache(maxsize=8)
def score_program(programs: Any, feedback: Feedback) -> Any:
    """(split, replicas, states, queries, all with a leading axis of runs) -> scores and predicted ratings."""

    def show(data: Any, replica: Any, state: Any, query: Query) -> Any:
        return predicted(programs.scorer(data, replica, state), query, feedback)

    return jax.jit(jax.vmap(show, in_axes=(None, 0, 0, 0)))

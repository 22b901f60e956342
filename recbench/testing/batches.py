"""Batches by hand: planted rows as NumPy arrays, under other names, or with litter where nothing is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbench.contracts.batches import PairsBatch, Query, RatingsBatch, RowsBatch, SequencesBatch
from recbench.contracts.protocols import Stage
from recbench.contracts.records import Feedback, Interactions
from recbench.testing.data import ITEMS, USERS

EXAMPLES, REAL = 12, 9
"""Places of a batch, and how many of them, the first ones, hold an example."""

_REAL: Any = np.arange(EXAMPLES) < REAL


def batch_of_rows(stage: Stage, rows: Interactions, feedback: Feedback) -> Any:
    """A batch of the kind that the stage eats, of random rows or users; padded places hold zeros, or repeat others."""
    random = np.random.default_rng(6)
    had = np.zeros((USERS, ITEMS), bool)
    had[rows.user, rows.item] = True
    chosen: Any = np.where(_REAL, random.choice(len(rows), EXAMPLES, replace=False), 0)
    users: Any = np.where(_REAL, random.choice(np.unique(rows.user), EXAMPLES, replace=False), 0).astype(np.int32)
    owners: Any = rows.user[chosen]
    items: Any = rows.item[chosen]

    def unobserved(users: Any, count: int) -> Any:
        free = random.random((len(users), count, ITEMS)) * ~had[users][:, None, :]
        return free.argmax(axis=2).astype(np.int32)

    match stage.batch:
        case "ratings":
            ratings: Any = rows.rating[chosen]
            return RatingsBatch(owners, items, ratings, _REAL)
        case "pairs":
            return PairsBatch(owners, items, unobserved(owners, stage.negatives), _REAL)
        case "rows":
            dense: Any = np.zeros((USERS, ITEMS), np.float32)
            dense[rows.user, rows.item] = rows.rating if feedback == "explicit" else 1
            observed: Any = had[users]
            return RowsBatch(users, dense[users], observed, _REAL)
        case "sequences":
            history: Any = np.zeros((EXAMPLES, stage.length), np.int32)
            known: Any = np.zeros(history.shape, bool)
            for place, user in enumerate(users):
                recent = rows.item[rows.user == user][-stage.length :]
                history[place, : len(recent)], known[place, : len(recent)] = recent, True
            negatives = unobserved(users, stage.length * stage.negatives)
            shape = (EXAMPLES, stage.length, stage.negatives)
            return SequencesBatch(users, history, known, negatives.reshape(shape), _REAL)


def renamed_batch(batch: Any, new_user: NDArray[np.int64], new_item: NDArray[np.int64]) -> Any:
    """The same examples under other names."""
    users = new_user[batch.users].astype(np.int32)
    if isinstance(batch, RowsBatch):
        old = np.argsort(new_item)
        return replace(batch, users=users, rows=batch.rows[:, old], observed=batch.observed[:, old])
    known = batch.item_mask if isinstance(batch, SequencesBatch) else True
    items: Any = np.where(known, new_item[batch.items], 0).astype(np.int32)
    if isinstance(batch, RatingsBatch):
        return replace(batch, users=users, items=items)
    return replace(batch, users=users, items=items, negatives=new_item[batch.negatives].astype(np.int32))


def renamed_query(query: Query, new_user: NDArray[np.int64], new_item: NDArray[np.int64]) -> Query:
    """The same users and histories under other names; an unseen user stays one."""
    users: Any = np.where(query.users < 0, -1, new_user[np.maximum(query.users, 0)]).astype(np.int32)
    items: Any = np.where(query.mask, new_item[query.items], 0).astype(np.int32)
    return replace(query, users=users, items=items)


def littered_batch(batch: Any) -> Any:
    """The same examples, with other values in every padded place."""
    users = _litter(batch.users, _REAL, USERS)
    match batch:
        case RatingsBatch():
            items, ratings = _litter(batch.items, _REAL, ITEMS), _litter(batch.ratings, _REAL)
            return replace(batch, users=users, items=items, ratings=ratings)
        case RowsBatch():
            rows, observed = _litter(batch.rows, _REAL), _litter(batch.observed, _REAL, 2)
            return replace(batch, users=users, rows=rows, observed=observed)
        case _:
            known = _REAL if isinstance(batch, PairsBatch) else batch.item_mask & _REAL[:, None]
            items, negatives = _litter(batch.items, known, ITEMS), _litter(batch.negatives, known, ITEMS)
            return replace(batch, users=users, items=items, negatives=negatives)


def littered_query(query: Query) -> Query:
    """The same users and histories, with other values in every padded place."""
    mask: Any = query.mask
    return replace(query, items=_litter(query.items, mask, ITEMS), values=_litter(query.values, mask))


def _litter(array: Any, mask: NDArray[np.bool_], high: int = 0) -> Any:
    """Random values where the mask is False: numbers below ``high``, or from 0 to 1."""
    random = np.random.default_rng(8)
    mask = mask.reshape(mask.shape + (1,) * (array.ndim - mask.ndim))
    values: Any = random.integers(high, size=array.shape) if high else random.random(array.shape)
    return np.where(mask, array, values.astype(array.dtype))

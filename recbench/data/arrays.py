"""From numbered arrays to a :class:`Dataset`: canonical order, tied times, checksum."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from recbench import rng
from recbench.contracts.errors import DataError
from recbench.contracts.records import Dataset, Interactions, Provenance

Order = NDArray[np.int64]


def arrays_dataset(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    rating: NDArray[np.floating] | None = None,
    timestamp: NDArray[np.int64] | None = None,
    *,
    name: str,
    provenance: Provenance,
    user_ids: NDArray[np.generic],
    item_ids: NDArray[np.generic],
    given_split: NDArray[np.int8] | None = None,
) -> Dataset:
    """Puts rows into canonical order and drops ids that have no row; see :func:`placed_dataset`."""
    return placed_dataset(
        user,
        item,
        rating,
        timestamp,
        name=name,
        provenance=provenance,
        user_ids=user_ids,
        item_ids=item_ids,
        given_split=given_split,
    )[0]


def placed_dataset(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    rating: NDArray[np.floating] | None = None,
    timestamp: NDArray[np.int64] | None = None,
    *,
    name: str,
    provenance: Provenance,
    user_ids: NDArray[np.generic],
    item_ids: NDArray[np.generic],
    given_split: NDArray[np.int8] | None = None,
) -> tuple[Dataset, Order]:
    """The data set of numbered arrays, and which row of theirs each of its rows is.

    Args:
      user: places in ``user_ids``, shape [n], in any order.
      item: places in ``item_ids``, shape [n].
      rating: finite, shape [n]; None: the log has no ratings.
      timestamp: seconds, shape [n]; None: the log has no times and rows keep their order within a user.
      user_ids: original ids, int64 or object (str), sorted and unique.
      item_ids: likewise.
      given_split: shape [n]; 0 train, 1 validation, 2 test, -1 none.

    Raises:
      DataError: there is no row, or too many users or items for int32.
    """
    if len(user) == 0:
        raise DataError(f"{name} has no interactions: at least one row of user and item is needed")
    user, user_ids = _used(user, user_ids)
    item, item_ids = _used(item, item_ids)
    has_ratings = rating is not None
    rating32 = np.ones(len(user), np.float32) if rating is None else rating.astype(np.float32) + np.float32(0)
    rows = Interactions(user, item, rating32, timestamp, len(user_ids), len(item_ids))
    order = canonical_order(rows, given_split)
    if order is not None:
        rows = rows.take(order)
        given_split = None if given_split is None else given_split[order]
    split = None if given_split is None else given_split.astype(np.int8)
    checksum = _checksum(rows, user_ids, item_ids, split)
    tied = tied_times(rows)
    dataset = Dataset(name, rows, user_ids, item_ids, split, checksum, provenance, has_ratings, tied)
    return dataset, np.arange(len(rows)) if order is None else order


def canonical_order(rows: Interactions, given_split: NDArray[np.int8] | None = None) -> Order | None:
    """Row numbers by user, then time, then a seeded permutation of the items; None: they stand so already.

    What is then still equal falls by rating and split, so that the order of rows in a log with times means nothing.
    Without times the order of the rows within a user is kept.
    """
    if rows.timestamp is None:
        return _order_by_user(rows.user)
    place = rng.generator(draw="item-order").permutation(rows.num_items)
    key = _packed(rows, place)
    if key is None:
        return _order_by_lexsort(rows, place, given_split)
    if (key[1:] > key[:-1]).all():
        return None
    order = np.argsort(key)
    return _settle_repeats(key[order], order, rows.rating, given_split)


def tied_times(rows: Interactions) -> float:
    """Share of rows that share user and time with another row, for rows in canonical order; 0 without times."""
    if rows.timestamp is None or len(rows) < 2:
        return 0.0
    same = (rows.user[1:] == rows.user[:-1]) & (rows.timestamp[1:] == rows.timestamp[:-1])
    tied = np.zeros(len(rows), np.bool_)
    tied[1:] |= same
    tied[:-1] |= same
    return float(np.count_nonzero(tied) / len(rows))


def _used(number: NDArray[np.integer], ids: NDArray[np.generic]) -> tuple[NDArray[np.int32], NDArray[np.generic]]:
    """Numbers the ids that occur, in their order."""
    if len(ids) > np.iinfo(np.int32).max:
        raise DataError(f"{len(ids):,} ids are more than the {np.iinfo(np.int32).max:,} that can be numbered")
    present = np.zeros(len(ids), np.bool_)
    present[number] = True
    if present.all():
        return number.astype(np.int32, copy=False), ids
    renumbered = (np.cumsum(present) - 1).astype(np.int32)
    return renumbered[number], ids[present]


def _order_by_user(user: NDArray[np.int32]) -> Order | None:
    if (user[1:] >= user[:-1]).all():
        return None
    shift = len(user).bit_length()
    key = user.astype(np.int64) << shift
    key |= np.arange(len(user))
    key.sort()
    key &= (1 << shift) - 1
    return key


def _packed(rows: Interactions, place: NDArray[np.int64]) -> NDArray[np.uint64] | None:
    """User, time and place of the item in one uint64, shape [n]; None where they do not fit."""
    assert rows.timestamp is not None
    time = rows.timestamp
    first, last = int(time.min()), int(time.max())
    user_bits, item_bits = (rows.num_users - 1).bit_length(), (rows.num_items - 1).bit_length()
    time_bits = (last - first).bit_length()
    if user_bits + time_bits + item_bits > 64:
        distinct, time = np.unique(time, return_inverse=True)
        first, time_bits = 0, (len(distinct) - 1).bit_length()
        if user_bits + time_bits + item_bits > 64:
            return None
    key = rows.user.astype(np.uint64) << np.uint64(time_bits)
    key |= (time - first).astype(np.uint64)
    key <<= np.uint64(item_bits)
    key |= place.astype(np.uint64)[rows.item]
    return key


def _order_by_lexsort(rows: Interactions, place: NDArray[np.int64], given_split: NDArray[np.int8] | None) -> Order:
    split = () if given_split is None else (given_split,)
    return np.lexsort((*split, rows.rating, place[rows.item], rows.timestamp, rows.user))


def _settle_repeats(
    key: NDArray[np.uint64], order: Order, rating: NDArray[np.float32], given_split: NDArray[np.int8] | None
) -> Order:
    """Orders by rating and split the few rows whose sorted key is equal."""
    same = key[1:] == key[:-1]
    if not same.any():
        return order
    repeated = np.zeros(len(key), np.bool_)
    repeated[1:] |= same
    repeated[:-1] |= same
    rows = order[repeated]
    split = () if given_split is None else (given_split[rows],)
    order[repeated] = rows[np.lexsort((*split, rating[rows], key[repeated]))]
    return order


def _checksum(
    rows: Interactions, user_ids: NDArray[np.generic], item_ids: NDArray[np.generic], split: NDArray[np.int8] | None
) -> str:
    found = hashlib.sha256(b"recbench dataset 1")
    for ids in (user_ids, item_ids):
        if ids.dtype == object:
            texts = [str(text).encode() for text in ids]
            found.update(b"str")
            found.update(np.array([len(texts), *map(len, texts)], "<i8").tobytes())
            found.update(b"".join(texts))
        else:
            found.update(b"int")
            found.update(np.array([len(ids)], "<i8").tobytes())
            found.update(np.ascontiguousarray(ids, "<i8").data)
    for column, dtype in ((rows.user, "<i4"), (rows.item, "<i4"), (rows.rating, "<f4"), (rows.timestamp, "<i8")):
        found.update(b"none" if column is None else np.ascontiguousarray(column, dtype).data)
    found.update(b"none" if split is None else np.ascontiguousarray(split).data)
    return found.hexdigest()

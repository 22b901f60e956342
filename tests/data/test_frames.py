"""From arrays and frames to data sets: numbers, canonical order, checksum, k-core."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbench.contracts.errors import DataError
from recbench.contracts.records import Provenance
from recbench.data import arrays
from recbench.data.arrays import arrays_dataset
from recbench.data.columns import Columns
from recbench.data.core import keep_core
from recbench.data.frames import dataset_log, frame_dataset, placed_log
from recbench.data.values import SPLIT_TYPE

SOURCE = Provenance("test")


def rows_of(dataset):
    """The log as a list of rows with original ids, in canonical order."""
    return dataset_log(dataset).rows()


@st.composite
def logs(draw):
    """Frames with ids of one kind a column, ratings, times that tie, and repeats."""
    size = draw(st.integers(1, 30))
    columns = {}
    for role in ("user", "item"):
        kind = draw(st.sampled_from([st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1), st.text(max_size=3)]))
        pool = draw(st.lists(kind, min_size=1, max_size=6, unique=True))
        columns[role] = draw(st.lists(st.sampled_from(pool), min_size=size, max_size=size))
    columns["rating"] = draw(st.lists(st.sampled_from([1.0, 2.5, -3.25]), min_size=size, max_size=size))
    times = draw(st.sampled_from([st.integers(0, 3), st.integers(-(2**62), 2**62)]))
    columns["timestamp"] = draw(st.lists(times, min_size=size, max_size=size))
    return pl.DataFrame(columns)


@settings(max_examples=60, deadline=None)
@given(logs(), st.randoms(use_true_random=False))
def test_the_order_of_rows_in_a_log_with_times_means_nothing(log, random):
    dataset = frame_dataset(log)
    order = list(range(log.height))
    random.shuffle(order)
    other = frame_dataset(log[order])
    assert other.checksum == dataset.checksum
    assert rows_of(other) == rows_of(dataset)


@settings(max_examples=60, deadline=None)
@given(logs())
def test_all_rows_come_back_with_their_ids_in_canonical_order(log):
    dataset = frame_dataset(log)
    rows = dataset.interactions
    texts = pl.col("user", "item").cast(pl.String)
    assert sorted(dataset_log(dataset).with_columns(texts).rows()) == sorted(log.with_columns(texts).rows())
    for ids in (dataset.user_ids, dataset.item_ids):
        assert list(ids) == sorted(set(ids))
    assert rows.num_users == len(dataset.user_ids)
    assert rows.num_items == len(dataset.item_ids)
    keys = list(zip(rows.user.tolist(), rows.timestamp.tolist(), strict=True))
    assert keys == sorted(keys)
    assert (rows.user.dtype, rows.item.dtype) == (np.int32, np.int32)
    assert (rows.rating.dtype, rows.timestamp.dtype) == (np.float32, np.int64)


@settings(max_examples=50, deadline=None)
@given(logs())
def test_the_packed_order_is_that_of_the_definition(log):
    """Packing keys into one integer is a short cut: the slow sort by all columns gives the same."""
    rows = frame_dataset(log).interactions
    shuffled = rows.take(np.random.default_rng(0).permutation(len(rows)))
    fast = arrays.canonical_order(shuffled)
    place = arrays.rng.generator(draw="item-order").permutation(rows.num_items)
    slow = arrays._order_by_lexsort(shuffled, place, None)
    for column in ("user", "item", "rating", "timestamp"):
        values = getattr(shuffled, column)
        np.testing.assert_array_equal(values if fast is None else values[fast], values[slow])


def test_without_times_rows_keep_their_order_within_a_user():
    log = pl.DataFrame({"user": ["b", "a", "b", "a", "b"], "item": [5, 9, 1, 3, 2]})
    dataset = frame_dataset(log)
    assert rows_of(dataset) == [("a", 9), ("a", 3), ("b", 5), ("b", 1), ("b", 2)]
    assert dataset.interactions.timestamp is None
    assert not dataset.has_ratings
    assert dataset.tied_times == 0


def test_ties_do_not_fall_by_id():
    """At equal times items stand in a seeded order, which neither follows the ids nor the file."""
    log = pl.DataFrame({"user": [1] * 50, "item": range(50), "timestamp": [7] * 50})
    items = [item for _, item, _ in rows_of(frame_dataset(log))]
    assert sorted(items) == list(range(50))
    assert abs(np.corrcoef(items, range(50))[0, 1]) < 0.5


def test_tied_times_counts_rows_that_share_user_and_time():
    log = pl.DataFrame({"user": [1, 1, 1, 2, 2], "item": [1, 2, 3, 1, 2], "timestamp": [5, 5, 6, 5, 6]})
    assert frame_dataset(log).tied_times == 2 / 5


def test_integers_written_as_text_are_integers_and_sort_as_such():
    numbers = frame_dataset(pl.DataFrame({"user": [10, 9], "item": [1, 1]}))
    texts = frame_dataset(pl.DataFrame({"user": ["10", "9"], "item": ["1", "1"]}))
    assert texts.user_ids.tolist() == [9, 10]
    assert texts.checksum == numbers.checksum


@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        (pl.Series([1.0, 2.0]), [1, 2]),
        (pl.Series([1.5, 2.0]), ["1.5", "2.0"]),
        (pl.Series([2**63, 1], dtype=pl.UInt64), ["1", str(2**63)]),
        (pl.Series(["b", "a"], dtype=pl.Categorical), ["a", "b"]),
        (pl.Series(["b", "a"], dtype=pl.Enum(["b", "a"])), ["a", "b"]),
        (pl.Series([7, 5], dtype=pl.Int8), [5, 7]),
    ],
)
def test_ids_of_any_type(ids, kept):
    assert frame_dataset(pl.DataFrame({"user": ids, "item": [1, 2]})).user_ids.tolist() == kept


def test_checksums_tell_data_apart():
    base = {"user": [1, 2], "item": [1, 2], "rating": [1.0, 2.0], "timestamp": [1, 2], "split": ["train", "test"]}
    changed = [
        {"user": [1, 3]},
        {"user": ["1", "b"]},
        {"item": [2, 1]},
        {"rating": [1.0, 2.5]},
        {"timestamp": [1, 3]},
        {"split": ["train", None]},
    ]
    sums = [frame_dataset(pl.DataFrame(base | change)).checksum for change in ({}, *changed)]
    sums.append(frame_dataset(pl.DataFrame(base).drop("timestamp")).checksum)
    sums.append(frame_dataset(pl.DataFrame(base).drop("split")).checksum)
    assert len(set(sums)) == len(sums)
    assert frame_dataset(pl.DataFrame(base), name="other").checksum == sums[0]


def test_aliases_and_names_of_columns():
    frame = pl.DataFrame({"who": [1], "movieId": [2], "Stars": [3.0]})
    assert rows_of(frame_dataset(frame, columns=Columns(user="who"))) == [(1, 2, 3.0)]


def test_pandas_frames_are_read_by_columns():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(
        {"user_id": ["b", "a"], "item_id": [1, 2], "rating": [1.5, 2], "time": pandas.to_datetime([1, 2], unit="s")}
    )
    assert rows_of(frame_dataset(frame)) == [("a", 2, 2.0, 2), ("b", 1, 1.5, 1)]
    extended = frame.astype({"item_id": "Int64", "rating": "Float32"})
    extended["time"] = extended["time"].dt.tz_localize("Europe/Berlin").dt.tz_convert("Asia/Tokyo")
    extended["time"] += pandas.Timedelta(hours=1)  # Berlin is an hour ahead
    assert rows_of(frame_dataset(extended)) == rows_of(frame_dataset(frame))
    frame.loc[1, "user_id"] = None
    with pytest.raises(DataError, match="row 1: the user is missing"):
        frame_dataset(frame)


def test_ids_without_rows_are_dropped_from_arrays():
    dataset = arrays_dataset(
        np.array([2, 0]),
        np.array([1, 1]),
        name="log",
        provenance=SOURCE,
        user_ids=np.array(["a", "b", "c"], object),
        item_ids=np.array([7, 8]),
    )
    assert dataset.user_ids.tolist() == ["a", "c"]
    assert dataset.item_ids.tolist() == [8]
    assert dataset.interactions.user.tolist() == [0, 1]


def test_k_core_is_what_peeling_one_row_at_a_time_leaves():
    random = np.random.default_rng(0)
    log = pl.DataFrame({"user": random.integers(0, 40, 300), "item": random.integers(0, 60, 300)}).unique()
    for k in (2, 4, 6):
        left = set(log.rows())
        while True:
            users, items = ([row[side] for row in left] for side in (0, 1))
            poor = {row for row in left if users.count(row[0]) < k or items.count(row[1]) < k}
            if not poor:
                break
            left -= poor
        if not left:
            with pytest.raises(DataError, match="is empty"):
                frame_dataset(log, k_core=k)
            continue
        core = frame_dataset(log, k_core=k)
        assert set(rows_of(core)) == left
        assert keep_core(core, k) is core


@pytest.mark.parametrize("k_core", [0, 4])
@pytest.mark.parametrize("columns", [("user", "item"), ("user", "item", "rating", "timestamp", "split")])
def test_places_lead_back_to_the_rows_of_the_log(columns, k_core):
    rng = np.random.default_rng(0)
    split = np.array(["train", "test", None])[rng.integers(0, 3, 400)]
    log = pl.DataFrame(
        {
            "user": [f"u{number}" for number in rng.integers(0, 60, 400)],
            "item": rng.integers(0, 70, 400),
            "rating": rng.integers(1, 3, 400).astype(np.float32),
            "timestamp": rng.integers(0, 3, 400),
            "split": pl.Series(split.tolist(), dtype=SPLIT_TYPE),
        }
    ).select(columns)
    dataset, place = placed_log(log, name="log", provenance=Provenance("test"), k_core=k_core)
    assert len(np.unique(place)) == len(dataset.interactions)
    assert (len(place) < 400) == bool(k_core)
    assert log[place].equals(dataset_log(dataset))

"""Splits against the rules written out one user at a time."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recbench import Dataset, Interactions, Provenance, RecbenchError, Split, arrays_dataset, load_dataset, make_split
from recbench.contracts.errors import DataError, ParameterError, UnknownNameError

steady = settings(deadline=None, derandomize=True, max_examples=60)
Row = tuple[int, int, float, int]


def log(rows: list[Row], *, times: bool = True, ratings: bool = True, given_split=None) -> Dataset:
    """A data set of (user, item, rating, time) rows; the ids are ten times the numbers."""
    user, item, rating, time = (np.array(column) for column in zip(*rows, strict=True))
    return arrays_dataset(
        user,
        item,
        rating.astype(np.float32) if ratings else None,
        time.astype(np.int64) if times else None,
        name="toy",
        provenance=Provenance("test"),
        user_ids=np.arange(user.max() + 1) * 10,
        item_ids=np.arange(item.max() + 1) * 10,
        given_split=None if given_split is None else np.array(given_split, np.int8),
    )


def told(split: Split, part: Interactions) -> list[Row]:
    """Rows of a part by original id, in order."""
    time = np.zeros(len(part), int) if part.timestamp is None else part.timestamp
    columns = (split.user_ids[part.user], split.item_ids[part.item], part.rating, time)
    return [tuple(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def canonical(dataset: Dataset, *, feedback: str) -> dict[int, list[Row]]:
    """The rows that are to be split, user by user: what the rules say, slowly."""
    rows: dict[int, list[Row]] = defaultdict(list)
    x = dataset.interactions
    time = np.zeros(len(x), int) if x.timestamp is None else x.timestamp
    columns = (dataset.user_ids[x.user], dataset.item_ids[x.item], x.rating, time)
    for row in zip(*(column.tolist() for column in columns), strict=True):
        kept = rows[row[0]]
        if feedback != "sequential":
            kept[:] = [before for before in kept if before[1] != row[1]]
        kept.append(row)
    return {user: kept for user, kept in rows.items() if len(kept) >= 3}


def merged(split: Split) -> list[Row]:
    """All parts in the order that the positions give."""
    total = len(split.train) + len(split.validation) + len(split.test)
    test_position = np.setdiff1d(np.arange(total), np.r_[split.train_position, split.validation_position])
    placed = zip(
        np.r_[split.train_position, split.validation_position, test_position].tolist(),
        told(split, split.train) + told(split, split.validation) + told(split, split.test),
        strict=True,
    )
    return [row for _, row in sorted(placed, key=lambda pair: pair[0])]


logs = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 8), st.integers(1, 5), st.integers(0, 12)), min_size=1, max_size=70
)
feedbacks = st.sampled_from(["explicit", "implicit", "sequential"])


@steady
@given(logs, feedbacks, st.booleans(), st.integers(0, 3))
def test_per_user_parts_are_disjoint_complete_and_of_the_stated_sizes(rows, feedback, times, seed):
    dataset = log(rows, times=times)
    expected = canonical(dataset, feedback=feedback)
    assume(expected)
    split = make_split(dataset, feedback=feedback, protocol="per-user", seed=seed)
    assert merged(split) == [row for user in sorted(expected) for row in expected[user]]
    test, validation = (
        np.bincount(part.user, minlength=split.num_users).tolist() for part in (split.test, split.validation)
    )
    lengths = [len(expected[user]) for user in sorted(expected)]
    assert test == [max(1, int(0.1 * n + 0.5)) for n in lengths]
    assert validation == [int(0.1 * n + 0.5) for n in lengths]


@steady
@given(logs, feedbacks, st.booleans())
def test_leave_two_out_takes_the_last_two_rows(rows, feedback, times):
    dataset = log(rows, times=times)
    expected = canonical(dataset, feedback=feedback)
    assume(expected)
    split = make_split(dataset, feedback=feedback, protocol="leave-two-out")
    users = sorted(expected)
    assert told(split, split.test) == [expected[user][-1] for user in users]
    assert told(split, split.validation) == [expected[user][-2] for user in users]
    assert told(split, split.train) == [row for user in users for row in expected[user][:-2]]


@steady
@given(logs)
def test_universe_is_the_items_and_users_that_are_left(rows):
    dataset = log(rows)
    expected = canonical(dataset, feedback="implicit")
    assume(expected)
    split = make_split(dataset, feedback="implicit")
    assert split.user_ids.tolist() == sorted(expected)
    assert split.item_ids.tolist() == sorted({row[1] for kept in expected.values() for row in kept})
    for part in (split.train, split.validation, split.test):
        assert (part.num_users, part.num_items) == (split.num_users, split.num_items)
        assert (part.user.dtype, part.item.dtype, part.rating.dtype) == (np.int32, np.int32, np.float32)


@steady
@given(logs, feedbacks, st.randoms(use_true_random=False))
def test_order_of_rows_in_a_log_with_times_means_nothing(rows, feedback, random):
    shuffled = random.sample(rows, len(rows))
    assume(canonical(log(rows), feedback=feedback))
    one, other = (make_split(log(each), feedback=feedback) for each in (rows, shuffled))
    assert one.checksum == other.checksum
    for part in ("train", "validation", "test"):
        assert told(one, getattr(one, part)) == told(other, getattr(other, part))


@steady
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 8)), min_size=1, max_size=60), st.permutations(range(9)))
def test_renaming_items_renames_the_split_where_nothing_is_drawn(pairs, names):
    rows = [(user, item, 1, time) for time, (user, item) in enumerate(pairs)]
    assume(canonical(log(rows), feedback="implicit"))
    renamed = [(user, names[item], rating, time) for user, item, rating, time in rows]
    for protocol in ("leave-two-out", "global-time"):
        one, other = (make_split(log(each), feedback="implicit", protocol=protocol) for each in (rows, renamed))
        for part in ("train", "validation", "test"):
            expected = [(u, names[i // 10] * 10, r, t) for u, i, r, t in told(one, getattr(one, part))]
            assert told(other, getattr(other, part)) == expected


@steady
@given(logs)
def test_global_time_cuts_between_times(rows):
    dataset = log(rows)
    kept = [row for each in canonical(dataset, feedback="implicit").values() for row in each]
    assume(len({row[3] for row in kept}) >= 3)
    split = make_split(dataset, feedback="implicit", protocol="global-time")
    assert sorted(merged(split)) == sorted(kept)
    assert split.train.timestamp.max() < split.validation.timestamp.min()
    assert split.validation.timestamp.max() < split.test.timestamp.min()


def test_global_time_is_80_10_10_where_no_times_tie():
    rows = [(row % 20, row // 20, 1, 7 * row) for row in range(1000)]
    split = make_split(log(rows), feedback="implicit", protocol="global-time")
    assert [len(split.train), len(split.validation), len(split.test)] == [800, 100, 100]


def test_per_user_draws_each_row_equally_often():
    rows = [(user, item, 1, item) for user in range(4000) for item in range(10)]
    split = make_split(log(rows), feedback="implicit")
    counts = np.bincount(split.test.item, minlength=10)
    chi_square = ((counts - 400) ** 2 / 400).sum()
    assert counts.sum() == 4000
    assert chi_square < 27.9  # 99.9 % point of chi-square with 9 degrees of freedom


def test_seed_alone_changes_the_draw_and_feedback_does_not():
    rows = [(user, item, 1 + (user + item) % 5, item) for user in range(30) for item in range(10)]
    first = make_split(log(rows), feedback="implicit", seed=1)
    assert told(first, first.test) == told(first, make_split(log(rows), feedback="explicit", seed=1).test)
    assert told(first, first.test) != told(first, make_split(log(rows), feedback="implicit", seed=2).test)


def test_repeats_keep_the_last_rating_but_sequences_keep_all():
    rows = [(0, 0, 5, 1), (0, 1, 4, 2), (0, 2, 3, 3), (0, 0, 1, 4)]
    explicit = make_split(log(rows), feedback="explicit", protocol="leave-two-out")
    assert told(explicit, explicit.test) == [(0, 0, 1, 4)]
    assert len(explicit.train) == 1
    assert len(make_split(log(rows), feedback="sequential").train) == 2


def test_without_times_a_log_keeps_its_order():
    rows = [(0, item, 1, 0) for item in (5, 3, 4, 1, 2)]
    split = make_split(log(rows, times=False), feedback="sequential")
    assert [row[1] for row in merged(split)] == [50, 30, 40, 10, 20]
    assert split.train.timestamp is None
    assert split.tied_times == 0


def test_position_minus_one_sorts_first():
    split = make_split(log([(0, 1, 1, 0), (0, 2, 1, 1), (0, 3, 1, -1)]), feedback="sequential")
    assert [row[3] for row in merged(split)] == [-1, 0, 1]


def test_threshold_drops_rows_first_and_stands_in_the_protocol():
    rows = [(user, item, 1 + item % 5, item) for user in range(3) for item in range(10)]
    split = make_split(log(rows), feedback="implicit", threshold=3.0)
    assert split.protocol == "per-user[threshold=3]"
    assert min(row[2] for row in merged(split)) == 3
    assert len(merged(split)) == 18
    again = make_split(log(rows), feedback="implicit", protocol=split.protocol)
    assert again.axes == split.axes
    assert told(again, again.test) == told(split, split.test)


def test_given_is_used_as_it_is():
    rows = [(0, 0, 1, 0), (0, 0, 1, 1), (0, 1, 1, 2), (1, 0, 1, 0), (2, 5, 1, 0)]
    split = make_split(log(rows, given_split=[0, 2, 1, 0, -1]), feedback="implicit", protocol="given")
    assert told(split, split.train) == [(0, 0, 1, 0), (10, 0, 1, 0)]
    assert told(split, split.validation) == [(0, 10, 1, 2)]
    assert told(split, split.test) == [(0, 0, 1, 1)]
    assert split.item_ids.tolist() == [0, 10]


def test_given_without_validation_carves_a_tenth_of_train():
    rows = [(user, item, 1, item) for user in range(10) for item in range(11)]
    parts = [2 if item == 10 else 0 for _, item, _, _ in rows]
    one, same, other = (
        make_split(log(rows, given_split=parts), feedback="implicit", protocol="given", seed=seed) for seed in (0, 0, 1)
    )
    assert (len(one.train), len(one.validation), len(one.test)) == (90, 10, 10)
    assert told(one, one.validation) == told(same, same.validation) != told(other, other.validation)


def test_tied_times_are_the_share_of_rows_that_share_user_and_second():
    split = make_split(log([(0, 0, 1, 5), (0, 1, 1, 5), (0, 2, 1, 6), (0, 3, 1, 7)]), feedback="implicit")
    assert split.tied_times == 0.5


SHORT = [(0, 0, 1, 0), (0, 1, 1, 1), (1, 0, 1, 2), (1, 0, 1, 3), (1, 1, 1, 4)]
LONG = [(0, item, 1 + item, item) for item in range(4)]


@pytest.mark.parametrize(
    ("dataset", "options", "error", "message"),
    [
        (log(SHORT), {"feedback": "implicit"}, DataError, "every user of 'toy' has fewer than three rows"),
        (log(LONG), {"feedback": "implicit", "threshold": 4}, DataError, "fewer than three rows rated 4 or more"),
        (log(LONG, ratings=False), {"feedback": "explicit"}, DataError, "no ratings"),
        (log(LONG, ratings=False), {"feedback": "implicit", "threshold": 4}, DataError, "no ratings"),
        (log(LONG), {"feedback": "implicit", "protocol": "given"}, DataError, "no split column"),
        (log(LONG, times=False), {"feedback": "implicit", "protocol": "global-time"}, DataError, "no timestamps"),
        (log([(0, i, 1, 9) for i in range(4)]), {"feedback": "implicit", "protocol": "global-time"}, DataError,
         "1 distinct timestamp,"),
        (log(LONG, given_split=[0, 0, 1, 1]), {"feedback": "implicit", "protocol": "given"}, DataError, "no test rows"),
        (log(LONG), {"feedback": "likes"}, ParameterError, "'likes' is unknown"),
        (log(LONG), {"feedback": "explicit", "threshold": 4}, ParameterError, "implicit only"),
        (log(LONG), {"feedback": "implicit", "threshold": float("nan")}, ParameterError, "finite"),
        (log(LONG), {"feedback": "implicit", "protocol": "per-user[folds=3]"}, ParameterError, "threshold=NUMBER"),
        (log(LONG), {"feedback": "implicit", "protocol": "per-user[threshold=2]", "threshold": 3}, ParameterError,
         "disagree"),
        (log(LONG), {"feedback": "implicit", "protocol": "peruser"}, UnknownNameError, "did you mean 'per-user'"),
    ],
)  # fmt: skip
def test_what_cannot_be_split_is_refused_in_one_sentence(dataset, options, error, message):
    with pytest.raises(error) as caught:
        make_split(dataset, **options)
    assert message in str(caught.value)
    assert isinstance(caught.value, RecbenchError)


@pytest.mark.parametrize(
    ("file", "shape", "sizes"),
    [
        ("ml-1m/ratings.parquet", (6040, 3706), (791_718, 99_692, 108_799)),
        ("amazon-magazine/ratings.parquet", (3092, 1305), (5_984, 436, 6_269)),
    ],
)
def test_published_splits_come_out_whole(real_data, file, shape, sizes):
    split = make_split(load_dataset(real_data / file), feedback="implicit", protocol="given")
    assert (split.num_users, split.num_items) == shape
    assert (len(split.train), len(split.validation), len(split.test)) == sizes


def test_most_times_of_ml_100k_tie(real_data):
    split = make_split(load_dataset(real_data / "ml-100k" / "u.data"), feedback="sequential")
    assert round(split.tied_times, 2) == 0.76
    assert len(split.test) == len(split.validation) == 943

"""From scores to rows: means of units, ties, budgets, nesting."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbench.bench.order import keep, order_units, out_of_reach
from recbench.contracts.errors import ParameterError
from recbench.contracts.records import UNITS, Budget, Interactions


def train_of(user: list[int], item: list[int] | None = None) -> Interactions:
    users = np.array(sorted(user), dtype=np.int32)
    items = np.array(item if item is not None else range(len(user)), dtype=np.int32)
    return Interactions(users, items, np.ones(len(user), np.float32), None, users.max() + 1, items.max() + 1)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@st.composite
def scored(draw: st.DrawFn) -> tuple[Interactions, np.ndarray]:
    """Rows of few users and items, up to one user or one item, with scores that are often tied."""
    size = draw(st.integers(1, 60))
    users = draw(st.lists(st.integers(0, draw(st.integers(0, 8))), min_size=size, max_size=size))
    items = draw(st.lists(st.integers(0, draw(st.integers(0, 8))), min_size=size, max_size=size))
    scores = draw(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 3.0]), min_size=size, max_size=size))
    return train_of(users, items), np.array(scores, dtype=np.float32)


def test_the_highest_come_first():
    scores = np.array([0.5, -2, 7, 0], dtype=np.float32)
    assert order_units(scores, train_of([0, 0, 1, 1]), "interaction", rng=rng()).tolist() == [2, 0, 3, 1]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=50), st.integers(0, 9))
def test_interactions_stand_as_a_stable_sort_of_the_drawn_order_has_them(values, seed):
    scores = np.array([*values, 0.0, -0.0, values[0]], dtype=np.float32)
    drawn = rng(seed).permutation(np.arange(len(scores), dtype=np.uint32))
    wanted = drawn[np.argsort(-scores[drawn], kind="stable")]
    train = train_of([0] * len(scores))
    assert order_units(scores, train, "interaction", rng=rng(seed)).tolist() == wanted.tolist()


def test_a_unit_has_the_mean_of_its_rows_and_absent_units_stay_out():
    train = train_of([0, 0, 0, 2, 3, 3], [1, 1, 1, 0, 4, 0])
    scores = np.array([3, 3, 3, 5, 0, 4], dtype=np.float32)  # users: 3, -, 5, 2; items: 4.5, 3, -, -, 0
    assert order_units(scores, train, "user", rng=rng()).tolist() == [2, 0, 3]
    assert order_units(scores, train, "item", rng=rng()).tolist() == [0, 1, 4]


def test_a_mean_is_taken_in_double_precision():
    train = train_of([0] * 3 + [1])
    scores = np.array([1e8, 1, -1e8, 0.25], dtype=np.float32)  # in float32 the sum of user 0 would be 0
    assert order_units(scores, train, "user", rng=rng()).tolist() == [0, 1]


def test_ties_fall_by_the_seed_and_evenly():
    train, scores = train_of([0, 1, 2, 3]), np.zeros(4, dtype=np.float32)
    for unit in UNITS:
        first = [order_units(scores, train, unit, rng=rng(seed))[0] for seed in range(400)]
        assert np.bincount(first, minlength=4).min() > 60


def test_minus_zero_ties_with_zero():
    train, scores = train_of([0, 1]), np.array([0.0, -0.0], dtype=np.float32)
    assert {int(order_units(scores, train, "interaction", rng=rng(seed))[0]) for seed in range(20)} == {0, 1}


@settings(max_examples=150, deadline=None)
@given(scored(), st.sampled_from(UNITS), st.floats(0.001, 1), st.integers(0, 3))
def test_what_is_kept_is_whole_and_within_one_unit_of_the_budget(case, unit, share, seed):
    train, scores = case
    order = order_units(scores, train, unit, rng=rng(seed))
    rows = keep(order, train, unit, Budget(share))
    assert rows.dtype == np.int64
    assert (np.diff(rows) > 0).all()
    members = {"user": train.user, "item": train.item, "interaction": np.arange(len(train))}[unit]
    kept = np.unique(members[rows])
    assert np.array_equal(rows, np.flatnonzero(np.isin(members, kept)))
    assert set(kept) == set(order[: len(kept)].tolist())
    largest = np.bincount(members).max()
    assert abs(len(rows) - share * len(train)) <= largest
    if unit == "interaction" and share * len(train) >= 0.5:
        assert abs(len(rows) - share * len(train)) <= 0.5 + 1e-9


@settings(max_examples=100, deadline=None)
@given(scored(), st.sampled_from(UNITS), st.lists(st.floats(0.001, 1), min_size=2, max_size=6))
def test_samples_are_nested(case, unit, shares):
    train, scores = case
    order = order_units(scores, train, unit, rng=rng())
    kept = [set(keep(order, train, unit, Budget(share)).tolist()) for share in sorted(shares)]
    assert all(small <= large for small, large in pairwise(kept))


@pytest.mark.parametrize(
    ("text", "rows"),
    [("100%", 10), ("50%", 6), ("3rows", 3), ("6rows", 6), ("1users", 3), ("2users", 6), ("25%users", 3), ("1%", 3)],
)
def test_budgets_of_users(text, rows):
    # users 3, 2, 1, 0 in this order, with 3, 3, 3 and 1 rows: 3, 6, 9 or 10 rows can be kept
    train = train_of([0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    order = order_units(train.user.astype(np.float32), train, "user", rng=rng())
    assert len(keep(order, train, "user", Budget.parse(text))) == rows


def test_of_two_prefixes_equally_near_the_smaller_is_kept():
    train = train_of([0, 0, 1, 1])
    order = order_units(train.user.astype(np.float32), train, "user", rng=rng())
    assert keep(order, train, "user", Budget(3, "rows")).tolist() == [2, 3]


def test_a_share_of_users_is_of_those_with_a_row():
    train = train_of([0, 4, 4, 9])
    order = order_units(np.zeros(4, np.float32), train, "user", rng=rng())
    assert len(np.unique(train.user[keep(order, train, "user", Budget.parse("100%users"))])) == 3


@pytest.mark.parametrize(
    ("unit", "text", "said"),
    [
        ("interaction", "50%users", "unit=user"),
        ("item", "2users", "whole items are kept"),
        ("user", "5rows", "more than the 4 train rows"),
        ("user", "4users", "more than the 3 users"),
    ],
)
def test_budgets_out_of_reach_are_refused(unit, text, said):
    train = train_of([0, 4, 4, 9])
    order = order_units(np.zeros(4, np.float32), train, unit, rng=rng())
    assert said in out_of_reach(train, unit, Budget.parse(text))
    with pytest.raises(ParameterError, match=said):
        keep(order, train, unit, Budget.parse(text))

"""Samples in two stages: a share of the users, then of their interactions."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbench import Budget
from recbench.contracts.errors import ParameterError


@pytest.fixture
def even(split):
    """A hundred users with sixteen rows each."""
    return split([(user, (user + item) % 60) for user in range(100) for item in range(16)])


@pytest.mark.parametrize("label", ["random[unit=user+interaction]", "svp-cf[unit=user+interaction]"])
@pytest.mark.parametrize("share", [0.64, 0.25, 0.04])
def test_each_stage_keeps_the_square_root_of_the_share(drawer, even, label, share):
    rows = drawer(even).draw(label, Budget(share)).rows
    lengths = np.bincount(even.train.user[rows], minlength=100)
    assert abs(np.count_nonzero(lengths) - 100 * sqrt(share)) <= 1
    assert abs(lengths[lengths > 0] - 16 * sqrt(share)).max() <= 2


def test_users_and_rows_are_those_that_the_sampler_keeps_alone(drawer, even):
    make = drawer(even)
    rows = make.draw("svp-cf[unit=user+interaction]", Budget(0.25)).rows
    users = make.draw("svp-cf[unit=user]", Budget(50, "users")).rows
    assert set(even.train.user[rows]) <= set(even.train.user[users])
    alone = [set(make.draw("svp-cf", Budget(share / 100)).rows) for share in range(1, 101)]
    hardness = np.array([sum(row in kept for kept in alone) for row in range(len(even.train))])
    for user in np.unique(even.train.user[rows]):
        mine = np.flatnonzero(even.train.user == user)
        kept = np.isin(mine, rows)
        assert hardness[mine[kept]].min() >= hardness[mine[~kept]].max() - 1


@pytest.mark.parametrize(
    ("unit", "budget", "users", "length"),
    [
        ("user:0.5+interaction", 0.25, 50, 8),
        ("user+interaction:0.25", 0.2, 80, 4),
        ("user:0.5+interaction:0.2", 0.1, 50, 3.2),
        ("user:1+interaction", 0.5, 100, 8),
    ],
)
def test_a_given_share_is_kept(drawer, even, unit, budget, users, length):
    rows = drawer(even).draw(f"random[unit={unit}]", Budget(budget)).rows
    lengths = np.bincount(even.train.user[rows], minlength=100)
    assert len(rows) == 1600 * budget
    assert abs(np.count_nonzero(lengths) - users) <= 1
    assert abs(lengths[lengths > 0] - length).max() <= 1


@settings(max_examples=40, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=50),
    unit=st.sampled_from(["user+interaction", "item+interaction", "user:0.6+interaction", "user+interaction:0.7"]),
    seed=st.integers(0, 5),
)
def test_samples_are_nested_whatever_is_given(drawer, split, pairs, unit, seed):
    make = drawer(split(pairs))
    shares = [
        share for share in (0.01, 0.1, 0.3, 0.6, 0.8, 1) if not make.refusal(f"random[unit={unit}]", Budget(share))
    ]
    kept = [set(make.draw(f"random[unit={unit}]", Budget(share), seed).rows.tolist()) for share in shares]
    assert all(small <= large for small, large in pairwise(kept))
    assert all(abs(len(rows) - share * len(pairs)) <= 1 for rows, share in zip(kept, shares, strict=True))


@pytest.mark.parametrize(
    ("label", "budget", "said"),
    [
        ("random[unit=user:0.5+interaction]", "60%", "asks for 0.6 of the rows, but .* keeps at most 0.5 of them"),
        ("random[unit=user:0.5+interaction:0.2]", "20%", "keeps exactly 0.1 of them"),
        ("random[unit=user:0.5+interaction:0.2]", "1%", "keeps exactly 0.1 of them"),
        ("random[unit=user+interaction]", "5users", "counts users"),
        ("random[unit=interaction+user]", "10%", "write user\\+interaction or item\\+interaction"),
        ("random[unit=user+item]", "10%", "was not understood"),
        ("random[unit=user:0+interaction]", "10%", "above 0 and at most 1"),
        ("random[unit=user:half+interaction]", "10%", "was not understood"),
        ("head[unit=user+interaction]", "10%", "keeps: user"),
        ("stratified[unit=user+interaction]", "10%", "keeps: interaction"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_a_sentence(drawer, even, label, budget, said):
    with pytest.raises(ParameterError, match=said):
        drawer(even).draw(label, Budget.parse(budget))


def test_a_share_that_is_a_few_rows_short_is_filled_by_whole_users(drawer, split):
    """Fifteen users of ten rows: half of the rows are seven users and a half."""
    make = drawer(split([(user, item) for user in range(15) for item in range(10)]))
    for seed in range(3):
        kept = make.draw("random[unit=user:0.5+interaction]", Budget(0.5), seed)
        lengths = np.bincount(make.split.train.user[kept.rows], minlength=15)
        assert sorted(lengths) == [0] * 7 + [5] + [10] * 7


def test_shares_are_written_so_that_they_read_as_the_same(drawer, even):
    make = drawer(even)
    third = 0.1**0.5
    label = make.label(f"random[unit=user:{third}+interaction:{third}]")
    assert label == f"random[unit=user:{third}+interaction:{third}]" and make.label(label) == label
    assert len(make.draw(label, Budget(0.1)).rows) == 160
    assert len(make.draw("random[unit=user:0.316+interaction:0.316]", Budget(0.1)).rows) == 160, "three digits will do"
    assert make.label("random[unit=user:1.+interaction]") == "random[unit=user:1+interaction]"
    assert make.label("random[unit=user:0.00001+interaction]") == "random[unit=user:0.00001+interaction]"


def test_equal_stages_have_one_label(drawer, even):
    make = drawer(even)
    assert make.label("random[unit=user:.50+interaction]") == "random[unit=user:0.5+interaction]"

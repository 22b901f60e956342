"""Samplers made of others: what they keep follows from what the others drew."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import recbench_samplers
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recbench import Budget, SamplerSpec
from recbench.bench.sample import SampleDrawer
from recbench.contracts.errors import ParameterError
from recbench.registry import Registry


def two_stages(train, budget, context):
    """Whole users at the square root of the share, then rows of theirs."""
    theirs = context.draw("random[unit=user]", Budget(sqrt(budget.amount))).rows
    count = max(1, round(budget.amount * len(train)))
    return np.sort(context.rng.permutation(theirs)[:count])


def by_budget(train, budget, context):
    """Users where much is kept, rows where little is."""
    return context.draw("random[unit=user]" if budget.amount >= 0.5 else "random", budget).rows


def latest(train, budget, context):
    """What another sampler keeps, whatever the budget."""
    return context.draw("temporal", budget).rows


@pytest.fixture(scope="module")
def known() -> Registry:
    registry = Registry(entry_points=False)
    for spec in recbench_samplers.recbench_samplers():
        registry.register(spec, distribution="recbench")
    toys = (
        ("two-stages", two_stages, "interaction"),
        ("by-budget", by_budget, "user"),
        ("latest", latest, "interaction"),
    )
    for name, load, unit in toys:
        registry.register(SamplerSpec(name=name, load=load, summary=".", form="select", units=(unit,)))
    return registry


@settings(max_examples=60, deadline=None)
@given(
    users=st.integers(1, 20),
    length=st.integers(1, 9),
    share=st.one_of(st.just(1.0), st.floats(0.001, 1)),
    seed=st.integers(0, 5),
)
def test_two_stages_keep_rows_of_the_users_of_the_first(known, split, users, length, share, seed):
    toy = split([(user, item) for user in range(users) for item in range(length)])
    # Users weigh alike, so the first stage misses its share by half a user at most: it may hold too little.
    assume(round(users * sqrt(share)) * length >= round(share * users * length))
    drawer = SampleDrawer(toy, known, check=True)
    rows = drawer.draw("two-stages", Budget(share), seed).rows
    first = drawer.draw("random[unit=user]", Budget(sqrt(share)), seed).rows
    assert set(rows) <= set(first)
    assert abs(len(rows) - share * len(toy.train)) <= 1
    assert (np.diff(rows) > 0).all()


def test_two_stages_keep_each_row_equally_often(known, split):
    toy = split([(user, item) for user in range(16) for item in range(8)])
    drawer = SampleDrawer(toy, known)
    drawn = [drawer.draw("two-stages", Budget(0.25), seed).rows for seed in range(300)]
    assert {len(np.unique(toy.train.user[rows])) for rows in drawn} <= {6, 7, 8}  # half of them, and hardly one unseen
    kept = sum(np.bincount(rows, minlength=128) for rows in drawn)
    assert abs(kept / 300 - 0.25).max() < 0.1  # four standard deviations


def test_one_that_picks_another_has_its_rows(known, split):
    toy = split([(user, item) for user in range(30) for item in range(user % 4 + 1)])
    drawer = SampleDrawer(toy, known, check=True)
    for seed in range(3):
        for share, label in ((0.2, "random"), (0.6, "random[unit=user]")):
            picked, other = (drawer.draw(each, Budget(share), seed) for each in ("by-budget", label))
            assert picked.digest == other.digest
            assert picked.sampler == "by-budget"


def test_what_the_other_cannot_do_is_said_by_its_name(known, split):
    toy = split([(user, item) for user in range(9) for item in range(3)], times=False)
    with pytest.raises(ParameterError, match="'temporal' needs timestamps"):
        SampleDrawer(toy, known).draw("latest", Budget(0.5))

"""What holds for every built-in sampler, unit and data set, however degenerate."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recbench_samplers import recbench_samplers

from recbench.bench.context import bind_sampler
from recbench.contracts.records import Budget, Interactions
from recbench.data.frames import frame_dataset
from recbench.data.split import make_split

SPECS = {
    spec.name if unit == spec.units[0] else f"{spec.name}[unit={unit}]": spec
    for spec in recbench_samplers()
    for unit in spec.units
}
SPECS |= {label: SPECS["svp-cf"] for label in ("svp-cf[proxy=mf]", "svp-cf[proxy=mf,unit=user]")}
SPECS |= {
    label: SPECS[label.partition("[")[0]]
    for label in (
        "random[unit=user+interaction]",
        "svp-cf[unit=user+interaction]",
        "svp-cf-prop[unit=item+interaction]",
    )
}
LABELS = list(SPECS)
DRAWING = [label for label, spec in SPECS.items() if spec.draws]

DEGENERATE = {
    "one row": [(0, 0)],
    "one user": [(0, item) for item in range(20)],
    "one item": [(user, 0) for user in range(20)],
    "one row a user": [(user, user % 3) for user in range(20)],
    "a heavy head": [(0, item) for item in range(40)] + [(user, 0) for user in range(1, 5)],
    "users without rows": [(3, 0), (3, 1), (9, 1)],
    "disconnected": [(user, user // 2) for user in range(8)] + [(user, 5 + user) for user in range(8)],
    "all equal": [(user, (user + place) % 6) for user in range(6) for place in range(3)],
    "repeated pairs": [(user, 0) for user in range(4)] * 5,
}
logs = st.one_of(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=50),
    st.sampled_from(list(DEGENERATE.values())),
)


def members(train: Interactions, label: str) -> np.ndarray:
    unit = "user" if label == "head" else (re.search(r"unit=(.+)]", label) or ["", "interaction"])[1]
    return {"user": train.user, "item": train.item}.get(unit, np.arange(len(train)))


@settings(max_examples=150, deadline=None)
@given(pairs=logs, label=st.sampled_from(LABELS), share=st.floats(0.001, 1), seed=st.integers(0, 5))
def test_rows_are_distinct_sorted_whole_and_within_one_unit_of_the_budget(drawer, split, pairs, label, share, seed):
    toy = split(pairs)
    before = [array.copy() for array in (toy.train.user, toy.train.item, toy.train.rating, toy.train.timestamp)]
    rows = drawer(toy).draw(label, Budget(share), seed).rows
    assert len(rows) >= 1
    assert rows[-1] < len(pairs)
    assert (np.diff(rows) > 0).all()
    units = members(toy.train, label)
    assert np.array_equal(rows, np.flatnonzero(np.isin(units, units[rows])))
    assert abs(len(rows) - share * len(pairs)) <= np.bincount(units).max()
    after = (toy.train.user, toy.train.item, toy.train.rating, toy.train.timestamp)
    assert all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))


@settings(max_examples=60, deadline=None)
@given(pairs=logs, label=st.sampled_from(LABELS), seed=st.integers(0, 5))
def test_samples_are_nested_and_the_whole_is_everything(drawer, split, pairs, label, seed):
    make = drawer(split(pairs))
    kept = [set(make.draw(label, Budget(share), seed).rows.tolist()) for share in (0.01, 0.1, 0.2, 0.4, 0.6, 0.8, 1)]
    assert all(small <= large for small, large in pairwise(kept))
    assert len(kept[-1]) == len(pairs)


@pytest.mark.parametrize("label", LABELS)
def test_equal_seeds_give_equal_samples(drawer, split, label):
    toy = split([(user, item) for user in range(30) for item in range(user % 7 + 1)])
    one, other = (drawer(toy).draw(label, Budget(0.3), 4).rows for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("label", DRAWING)
def test_seeds_differ_where_the_method_draws(drawer, split, label):
    toy = split([(user, (user + item) % 40) for user in range(40) for item in range(3)])
    make = drawer(toy)
    assert len({make.draw(label, Budget(0.3), seed).digest for seed in range(4)}) > 1


@pytest.mark.parametrize("name", list(DEGENERATE))
def test_head_is_the_same_for_all_seeds_unless_users_tie(drawer, split, name):
    toy = split(DEGENERATE[name])
    lengths = np.bincount(toy.train.user)
    lengths = lengths[lengths > 0]
    drawn = {drawer(toy).draw("head", Budget(1, "users"), seed).digest for seed in range(8)}
    tied = int((lengths == lengths.max()).sum())
    assert 1 <= len(drawn) <= tied
    assert len(drawn) > 1 or tied == 1


@pytest.mark.parametrize("name", [spec.name for spec in recbench_samplers() if not spec.draws])
def test_names_of_users_and_items_change_no_order_where_nothing_is_drawn(built_in, fake_context, name):
    rng = np.random.default_rng(1)
    pairs = [(user, int(item)) for user in range(25) for item in rng.choice(40, user % 7 + 3, replace=False)]
    user, item = np.array(pairs).T
    sampler = bind_sampler(name, built_in)
    orders = []
    for users, items in ((np.arange(25), np.arange(40)), (rng.permutation(25), rng.permutation(40))):
        frame = pl.DataFrame({"user": users[user], "item": items[item], "timestamp": np.arange(len(pairs))})
        toy = make_split(frame_dataset(frame, name="toy"), feedback="sequential")
        train = toy.train
        scores = sampler.load()(train, fake_context(unit=sampler.unit, parameters=sampler.parameters))
        names = toy.user_ids[train.user], toy.item_ids[train.item]
        rows = zip(np.argsort(users)[names[0]].tolist(), np.argsort(items)[names[1]].tolist(), strict=True)
        orders.append(dict(zip(rows, scores.tolist(), strict=True)))
    assert orders[0] == pytest.approx(orders[1], rel=1e-6)


def test_listing_the_samplers_imports_no_numerics():
    code = (
        "import sys, recbench_samplers; recbench_samplers.recbench_samplers(); "
        "print([name for name in ('numpy', 'scipy', 'jax', 'polars', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("label", LABELS)
def test_with_times_the_order_of_rows_in_the_file_changes_nothing(drawer, label):
    rng = np.random.default_rng(0)
    pairs = [(user, int(item)) for user in range(30) for item in rng.choice(20, user % 9 + 3, replace=False)]
    user, item = np.array(pairs).T
    frame = pl.DataFrame({"user": user, "item": item, "timestamp": rng.integers(0, 5, len(pairs))})
    kept = []
    for log in (frame, frame.sample(fraction=1, shuffle=True, seed=1)):
        toy = make_split(frame_dataset(log, name="toy"), feedback="implicit")
        rows = drawer(toy).draw(label, Budget(0.4)).rows
        kept.append(set(zip(toy.train.user[rows].tolist(), toy.train.item[rows].tolist(), strict=True)))
    assert kept[0] == kept[1]

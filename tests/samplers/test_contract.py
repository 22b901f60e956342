"""What holds for every built-in sampler, unit and log, however degenerate: see :mod:`recbench.testing`."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recbench_samplers import recbench_samplers

from recbench.bench.context import bind_sampler
from recbench.contracts.records import Budget
from recbench.testing import run_checks, sampler_checks
from recbench.testing.logs import AWKWARD
from recbench.testing.sampling import draw_checked

NAMES = [spec.name for spec in recbench_samplers()]
MORE = [
    "svp-cf[proxy=mf]",
    "svp-cf[proxy=mf,unit=user]",
    "random[unit=user+interaction]",
    "svp-cf[unit=user+interaction]",
    "svp-cf-prop[unit=item+interaction]",
]
LABELS = MORE + [
    spec.name if unit == spec.units[0] else f"{spec.name}[unit={unit}]"
    for spec in recbench_samplers()
    for unit in spec.units
]
logs = st.one_of(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=50),
    st.sampled_from(list(AWKWARD.values())),
)


@pytest.mark.parametrize("label", [*NAMES, *MORE])
def test_the_contract_is_kept(built_in, label):
    outcomes = run_checks(sampler_checks(label, registry=built_in))
    assert [outcome.reason for outcome in outcomes if not outcome.passed] == []
    assert {outcome.rule for outcome in outcomes} >= {"runs", "budget", "nested", "repeatable", "input-untouched"}


@settings(max_examples=150, deadline=None)
@given(pairs=logs, label=st.sampled_from(LABELS), share=st.floats(0.001, 1), seed=st.integers(0, 5))
def test_rows_are_distinct_sorted_whole_and_within_one_unit_of_the_budget(
    drawer, built_in, split, pairs, label, share, seed
):
    rows = draw_checked(drawer(split(pairs)), bind_sampler(label, built_in), Budget(share), seed).rows
    assert 1 <= len(rows) <= len(pairs)


@settings(max_examples=60, deadline=None)
@given(pairs=logs, label=st.sampled_from(LABELS), seed=st.integers(0, 5))
def test_samples_are_nested_and_the_whole_is_everything(drawer, split, pairs, label, seed):
    make = drawer(split(pairs))
    few, many, whole = (set(make.draw(label, Budget(share), seed).rows.tolist()) for share in (0.1, 0.4, 1))
    assert few <= many <= whole and len(whole) == len(pairs)


@pytest.mark.parametrize("name", list(AWKWARD))
def test_head_is_the_same_for_all_seeds_unless_users_tie(drawer, split, name):
    toy = split(AWKWARD[name])
    lengths = np.bincount(toy.train.user)
    lengths = lengths[lengths > 0]
    drawn = {drawer(toy).draw("head", Budget(1, "users"), seed).digest for seed in range(8)}
    tied = int((lengths == lengths.max()).sum())
    assert 1 <= len(drawn) <= tied
    assert len(drawn) > 1 or tied == 1


def test_listing_the_samplers_imports_no_numerics():
    code = (
        "import sys, recbench_samplers; recbench_samplers.recbench_samplers(); "
        "print([name for name in ('numpy', 'scipy', 'jax', 'polars', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

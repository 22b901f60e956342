"""Each rule of the contract of data sets catches what breaks it, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import numpy as np
import polars as pl
import pytest

from recbench import Dataset, DatasetSpec, frame_dataset
from recbench.registry import Registry
from recbench.testing import DATASET_RULES, Outcome, dataset_checks, run_checks

calls = count()


def log(users: int = 6, items: int = 8, rows: int = 4) -> Dataset:
    """Some rows a user, with ratings and times."""
    user = np.repeat(np.arange(users), rows)
    item = (user + np.tile(np.arange(rows), users) * 2) % items
    frame = {"user": user, "item": item, "rating": 1.0 + (user + item) % 5, "timestamp": np.arange(len(user))}
    return frame_dataset(pl.DataFrame(frame), name="toy")


def changed(**columns: Any) -> Dataset:
    """The log with other columns, and the checksum that it had."""
    data = log()
    return replace(data, interactions=replace(data.interactions, **columns))


def outcomes_of(load: Callable[[], Any], **spec: Any) -> dict[str, Outcome]:
    registry = Registry(entry_points=False)
    registry.register(DatasetSpec(**{"name": "toy", "load": load, "summary": "A toy."} | spec))
    return {outcome.rule: outcome for outcome in run_checks(dataset_checks("toy", registry=registry))}


def late_row_first() -> Dataset:
    rows = log().interactions
    return changed(timestamp=rows.timestamp[::-1].copy())


def a_user_without_rows() -> Dataset:
    data = log()
    rows = replace(data.interactions, num_users=data.interactions.num_users + 1)
    return replace(data, interactions=rows, user_ids=np.append(data.user_ids, 99))


@dataclass(frozen=True)
class Fault:
    """What is loaded, the one rule that it breaks, words of what is found, and what its spec says."""

    load: Callable[[], Any]
    rule: str
    words: str
    spec: dict[str, Any] = field(default_factory=dict)


FAULTS = [
    Fault(lambda: 1 / 0, "reads", "ZeroDivisionError"),
    Fault(lambda: replace(log(), name="other"), "reads", "it calls itself 'other'"),
    Fault(lambda: changed(rating=log().interactions.rating.astype(np.float64)), "columns", "rating is float64"),
    Fault(
        lambda: replace(log(), has_ratings=False, interactions=log().interactions), "columns", "has_ratings is False"
    ),
    Fault(lambda: replace(log(), item_ids=log().item_ids[::-1].copy()), "ids", "ids of items are not sorted"),
    Fault(a_user_without_rows, "ids", "1 of 7 users have no row"),
    Fault(late_row_first, "canonical", "stands in another order"),
    Fault(lambda: replace(log(), checksum="0" * 64), "canonical", "the checksum is 000000000000"),
    Fault(log, "counts", "24 rows, where the spec says 25", {"users": 6, "rows": 25}),
    Fault(lambda: log(users=5 + next(calls) % 2), "repeatable", "the checksums are"),
    Fault(lambda: log(rows=2), "splits", "fewer than three rows"),
]
FOLLOWS = {"columns": {"canonical"}, "ids": {"canonical"}}
"""What is made anew differs as well."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule}-{fault.words[:12]}")
def test_a_fault_breaks_its_rule_and_no_other(fault):
    outcomes = outcomes_of(fault.load, **fault.spec)
    broken = {rule: outcome.reason for rule, outcome in outcomes.items() if outcome.status == "failed"}
    assert fault.rule in broken and set(broken) <= {fault.rule, *FOLLOWS.get(fault.rule, ())}, broken
    assert f"the data set 'toy' broke the rule {fault.rule!r}" in broken[fault.rule]
    assert fault.words in broken[fault.rule]


def test_every_rule_has_a_fault_that_breaks_it():
    assert {fault.rule for fault in FAULTS} == set(DATASET_RULES)


def test_the_sane_break_nothing():
    outcomes = outcomes_of(log, users=6, items=8, rows=24)
    assert set(outcomes) == set(DATASET_RULES)
    assert [outcome.reason for outcome in outcomes.values() if not outcome.passed] == []
    assert "counts" not in outcomes_of(log)


def test_what_does_not_load_leaves_the_rest_untried():
    outcomes = outcomes_of(lambda: 7)
    assert "loaded as int, but a recbench.Dataset is expected" in outcomes["reads"].reason
    assert {outcome.status for rule, outcome in outcomes.items() if rule != "reads"} == {"untried"}


@pytest.mark.parametrize("name", ["synthetic-tiny", "synthetic-small"])
def test_built_in_data_keep_the_contract(registry, name):
    assert [outcome.reason for outcome in run_checks(dataset_checks(name)) if not outcome.passed] == []

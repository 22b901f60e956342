"""Each rule of the contract of samplers catches what breaks it, and nothing else does: toys with one fault each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from recbench import Budget, Parameter, SamplerSpec, Synthesis
from recbench.bench import sample
from recbench.registry import Registry
from recbench.testing import SAMPLER_RULES, Outcome, run_checks, sampler_checks

SEEN: list[Any] = []
"""Keeps arrays alive, so that no two of them have one address."""


def outcomes_of(load: Callable[..., Any], **spec: Any) -> dict[str, Outcome]:
    registry = Registry(entry_points=False)
    registry.register(SamplerSpec(**{"name": "toy", "load": load, "summary": "A toy."} | spec))
    outcomes = run_checks(sampler_checks("toy", registry=registry))
    assert len({outcome.rule for outcome in outcomes}) == len(outcomes)
    return {outcome.rule: outcome for outcome in outcomes}


# --- orders: sane, then with one fault each ---------------------------------------------------------------------------


def draw(train, context):
    return context.rng.random(len(train), dtype=np.float32)


def popular(train, context):
    return np.bincount(train.item)[train.item].astype(np.float32)


def stumbles(train, context):
    return draw(train, context) / (len(np.unique(train.item)) // (train.num_items - 1))


def divides(train, context):
    return draw(train, context) + np.float32(1 % context.parameters["parts"])


def shortens(train, context):
    return draw(train, context)[1:]


def leaves_holes(train, context):
    return np.where(train.item == 0, np.nan, draw(train, context))


def writes(train, context):
    train.rating[:] = 0
    return draw(train, context)


def asks_itself(train, context):
    return np.isin(np.arange(len(train)), context.draw("toy", Budget(0.5)).rows)


def looks_at_addresses(train, context):
    SEEN.append(train.user.base)
    return np.random.default_rng([id(train.user.base), context.rng.integers(2**31)]).random(len(train))


# --- selectors and synthesisers ---------------------------------------------------------------------------------------


def select(train, budget, context):
    return np.sort(context.rng.permutation(len(train))[: max(1, round(budget.amount * len(train)))])


def cuts_users(train, budget, context):
    return np.arange(max(1, round(budget.amount * len(train))))


def synthesise(train, budget, context):
    rows = context.rng.random((int(budget.amount), train.num_items), dtype=np.float32)
    return Synthesis(rows, "toy", budget, 0)


def likes_less_than_nothing(train, budget, context):
    made = synthesise(train, budget, context)
    return replace(made, rows=-made.rows)


@dataclass(frozen=True)
class Fault:
    """A toy, the one rule that it breaks, words of what is found, and what its spec says."""

    load: Callable[..., Any]
    rule: str
    words: str
    spec: dict[str, Any] = field(default_factory=dict)


SELECT, SYNTHESISE, FIXED = {"form": "select"}, {"form": "synthesise", "units": ("user",)}, {"draws": False}
FAULTS = [
    Fault(stumbles, "runs", "ZeroDivisionError", {}),
    Fault(lambda train, context: ["high"] * len(train), "order-numbers", "values of type <U4"),
    Fault(shortens, "order-length", "it returned shape"),
    Fault(leaves_holes, "order-finite", "of its"),
    Fault(lambda *given: select(*given) - 1, "rows-of-train", "not from 0 to", SELECT),
    Fault(lambda *given: select(*given)[::-1], "rows-sorted", "not increasing", SELECT),
    Fault(lambda *given: select(*given)[:1], "budget", "it kept 1 rows where", SELECT),
    Fault(cuts_users, "units-whole", "of users that are kept are dropped", {**SELECT, **FIXED, "units": ("user",)}),
    Fault(lambda *given: synthesise(*given).rows, "synthesis-form", "not a Synthesis", SYNTHESISE),
    Fault(likes_less_than_nothing, "synthesis-values", "some of its values are not", SYNTHESISE),
    Fault(writes, "input-untouched", "tried to write"),
    Fault(lambda train, context: np.random.default_rng().random(len(train)), "repeatable", "second call"),
    Fault(asks_itself, "no-circle", "toy is made of toy"),
    Fault(lambda train, context: np.arange(len(train)), "seed-matters", "say draws=False"),
    Fault(lambda train, context: draw(train, context), "seed-breaks-ties", "say draws=True", FIXED),
    Fault(looks_at_addresses, "file-order-means-nothing", "shuffled"),
    Fault(lambda train, context: train.item, "ids-mean-nothing", "are scored otherwise", FIXED),
    Fault(lambda train, context: draw(train, context) + 0 * train.timestamp, "times-are-declared",
          "say needs_timestamps=True"),
    Fault(divides, "parameters-fit", "parts=0 raised ZeroDivisionError",
          {"parameters": (Parameter("parts", 3, "parts", minimum=0),)}),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.rule)
def test_a_fault_breaks_its_rule_and_no_other(fault):
    outcomes = outcomes_of(fault.load, **fault.spec)
    broken = {rule: outcome.reason for rule, outcome in outcomes.items() if outcome.status == "failed"}
    allowed = {fault.rule} | ({"ids-mean-nothing"} if fault.rule == "seed-breaks-ties" else set())
    assert fault.rule in broken and set(broken) <= allowed, broken
    reason = broken[fault.rule]
    assert f"the sampler 'toy' broke the rule {fault.rule!r} ({SAMPLER_RULES[fault.rule]})" in reason
    assert fault.words in reason


def test_a_core_that_keeps_other_rows_at_each_budget_is_caught(monkeypatch):
    whole = sample.keep

    def shifts(order, train, unit, budget):
        return whole(np.roll(order, int(100 * budget.amount)), train, unit, budget)

    monkeypatch.setattr(sample, "keep", shifts)
    outcomes = outcomes_of(draw)
    assert [rule for rule, outcome in outcomes.items() if outcome.status == "failed"] == ["nested"]
    assert "20% drops" in outcomes["nested"].reason or "10% drops" in outcomes["nested"].reason


def test_every_rule_has_a_fault_that_breaks_it():
    assert {fault.rule for fault in FAULTS} | {"nested"} == set(SAMPLER_RULES)


@pytest.mark.parametrize(
    ("load", "spec"),
    [(draw, {}), (popular, FIXED), (select, SELECT), (synthesise, SYNTHESISE)],
    ids=["draw", "fixed", "select", "synthesise"],
)
def test_the_sane_break_nothing(load, spec):
    assert [outcome.reason for outcome in outcomes_of(load, **spec).values() if not outcome.passed] == []


def test_what_could_not_be_tried_is_not_said_to_be_kept():
    outcomes = outcomes_of(shortens)
    assert outcomes["nested"].status == "untried" and not outcomes["nested"].passed
    assert outcomes["nested"].reason == "not tried, because 'order-length' is broken"


def test_the_sentence_names_the_log_and_the_feedback():
    assert "on the log 'one row', explicit feedback" in outcomes_of(stumbles)["runs"].reason


def test_each_unit_is_checked_or_the_one_of_the_label():
    registry = Registry(entry_points=False)
    registry.register(SamplerSpec(name="toy", load=draw, summary="A toy.", units=("interaction", "user")))
    checks = sampler_checks("toy", registry=registry)
    assert {check.name for check in checks} == {"toy", "toy[unit=user]"}
    assert {check.on for check in sampler_checks("toy[unit=user]", registry=registry)} == {"user"}
    assert {check.on for check in sampler_checks("toy[unit=user+interaction]", registry=registry)} == {
        "user+interaction"
    }

"""Every registered algorithm keeps its contract: see :mod:`recbench.testing`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from recbench import AlgorithmSpec, Feedback, RecbenchError
from recbench.registry import Registry
from recbench.testing import Check, Outcome, algorithm_checks, run_checks

SMALL = {
    "latent": 4,
    "hidden": 8,
    "blocks": 1,
    "length": 8,
    "batch_size": 32,
    "learning_rate": 0.02,
    "dropout": 0.0,
}
"""What suits the planted logs, for every algorithm that has a hyper-parameter of the name."""

ALSO: dict[str, str] = {
    "edlae": "dropout=0.3",  # without it, it is EASE
    "neumf": "layers=1",
    "svae": "ahead=1",  # of the next two items either may come first
}
"""What single algorithms need beside it or instead, as in a label."""

ONE_STAGE = {("neumf", "explicit"): "pretrain=false"}
"""Three stages of an algorithm are compiled on one feedback type alone."""

SHOWN_BY_IMPLICIT = {
    "batch-changes-nothing",
    "padding-changes-nothing",
    "ids-mean-nothing",
    "learns-from-fake-users",
}
"""On sequential feedback the programs are those of implicit feedback: what takes long to compile is not shown twice."""


def contestants() -> Iterator[tuple[str, Feedback]]:
    """The label and the feedback types of every registered algorithm."""
    for name, entry in Registry().all("algorithms").items():
        spec: AlgorithmSpec = entry.spec
        values = [f"{each.name}={SMALL[each.name]}" for each in spec.hyper if each.name in SMALL]
        values = [value for value in values if value.partition("=")[0] + "=" not in ALSO.get(name, "")]
        for feedback in spec.feedback:
            more = filter(None, [ALSO.get(name), ONE_STAGE.get((name, feedback))])
            yield f"{name}[{','.join([*values, *more])}]".removesuffix("[]"), feedback


def checks_of(label: str, feedback: Feedback) -> list[Check]:
    """What is to be shown of a contestant."""
    checks = algorithm_checks(label, feedback=feedback)
    if feedback == "sequential" and (label, "implicit") in contestants():
        return [check for check in checks if check.rule not in SHOWN_BY_IMPLICIT]
    return checks


@pytest.fixture(scope="module")
def verdicts(request) -> Iterator[dict[tuple[str, str], Future[list[Outcome]]]]:
    """Outcomes of the contestants that this session asks for.

    Nearly all of their time is that of compilers, which take one core: two processes share them.
    """
    params = [item.callspec.params for item in request.session.items if item.path == request.path]
    asked = [(each["label"], each["feedback"]) for each in params]
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), mp_context=get_context("spawn")) as pool:
        yield {each: submitted(pool, *each) for each in asked}


def submitted(pool: ProcessPoolExecutor, label: str, feedback: Feedback) -> Future[list[Outcome]]:
    """The outcomes to come; what cannot even be loaded fails its own test alone."""
    try:
        return pool.submit(run_checks, checks_of(label, feedback))
    except RecbenchError as error:
        failed: Future[list[Outcome]] = Future()
        failed.set_exception(error)
        return failed


# What is sequential comes last: its programs are then found where those of implicit feedback have been kept.
@pytest.mark.parametrize(("label", "feedback"), sorted(contestants(), key=lambda each: each[1] == "sequential"))
def test_the_contract_is_kept(label, feedback, verdicts):
    outcomes = verdicts[label, feedback].result()
    failures = [outcome.reason for outcome in outcomes if not outcome.passed]
    assert not failures, "\n".join(dict.fromkeys(failures))
    assert len(outcomes) >= 6

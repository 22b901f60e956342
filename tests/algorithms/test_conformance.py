"""Every registered algorithm keeps its contract: see :mod:`recbench.testing`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from recbench import AlgorithmSpec, Feedback
from recbench.registry import Registry
from recbench.testing import algorithm_checks, run_checks

REGISTRY = Registry()

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

SHOWN_BY_IMPLICIT = {
    "batch-changes-nothing",
    "padding-changes-nothing",
    "ids-mean-nothing",
    "learns-from-fake-users",
}
"""On sequential feedback the programs are those of implicit feedback: what takes long to compile is not shown twice."""

ALSO: dict[str, str] = {
    "edlae": "dropout=0.3",  # without it, it is EASE
    "neumf": "layers=1",
}
"""What single algorithms need beside it or instead, as in a label."""


def contestants() -> Iterator[tuple[str, Feedback]]:
    """The label and the feedback types of every registered algorithm."""
    for name, entry in REGISTRY.all("algorithms").items():
        spec: AlgorithmSpec = entry.spec
        values = [f"{each.name}={SMALL[each.name]}" for each in spec.hyper if each.name in SMALL]
        values = [value for value in values if value.partition("=")[0] + "=" not in ALSO.get(name, "")]
        label = f"{name}[{','.join([*values, *filter(None, [ALSO.get(name)])])}]"
        yield from ((label.removesuffix("[]"), feedback) for feedback in spec.feedback)


@pytest.mark.parametrize(("label", "feedback"), list(contestants()))
def test_the_contract_is_kept(label, feedback):
    checks = algorithm_checks(label, feedback=feedback, registry=REGISTRY)
    spec = REGISTRY.get("algorithms", label.partition("[")[0]).spec
    if feedback == "sequential" and "implicit" in spec.feedback:
        checks = [check for check in checks if check.rule not in SHOWN_BY_IMPLICIT]
    outcomes = list(run_checks(checks))
    failures = [outcome.reason for outcome in outcomes if not outcome.passed]
    assert not failures, "\n".join(dict.fromkeys(failures))
    assert len(outcomes) >= 6

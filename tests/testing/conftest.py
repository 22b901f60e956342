"""Toys in a registry of their own, and what the checks say of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest

from recbench import AlgorithmSpec
from recbench.registry import Registry
from recbench.testing import Outcome, algorithm_checks, run_checks


@pytest.fixture
def verdict() -> Callable[..., dict[str, Outcome]]:
    """``verdict(kind, form=...)`` registers a class as an algorithm and gives the outcome of each check by rule.

    ``rules``: tries these alone.
    """

    def judge(
        kind: Any, *, feedback: str = "implicit", form: str = "solved", rules: Collection[str] = (), **spec: Any
    ) -> dict[str, Outcome]:
        registry = Registry(entry_points=False)
        registry.register(
            AlgorithmSpec(name="toy", load=kind, summary="A toy.", form=form, feedback=(feedback,), **spec)  # type: ignore[arg-type]
        )
        checks = algorithm_checks("toy", registry=registry)
        assert len({check.rule for check in checks}) == len(checks)
        outcomes = run_checks(check for check in checks if not rules or check.rule in rules)
        return {outcome.rule: outcome for outcome in outcomes}

    return judge

"""Splits made by hand, a context for calling a sampler's function alone, and a drawer with the built-in samplers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import recbench_samplers

from recbench.bench.sample import SampleDrawer
from recbench.contracts.records import Split
from recbench.contracts.specs import AlgorithmSpec, Parameter
from recbench.registry import Registry
from recbench.testing.logs import split_of
from recbench.testing.sampling import checking_drawer

MakeSplit = Callable[..., Split]


@dataclass
class FakeContext:
    """A context that no drawer stands behind; its proxy has the errors it is given."""

    unit: str = "interaction"
    feedback: str = "implicit"
    parameters: Any = field(default_factory=lambda: MappingProxyType({}))
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    errors: Any = None
    asked: list[tuple[str, Any, int, int]] = field(default_factory=list)

    def training_errors(self, algorithm: str, hyper: Any = None, *, epochs: int = 50, negatives: int = 10) -> Any:
        self.asked.append((algorithm, hyper, epochs, negatives))
        return self.errors


def proxy(name: str, *more: str) -> AlgorithmSpec:
    values = {"learning_rate": 0.01, "l2": 0.0, "batch_size": 512, "latent": 8, "dropout": 0.0}
    names = ("learning_rate", "l2", "batch_size", *more)
    return AlgorithmSpec(
        name=name, load="no:where", summary=".", hyper=tuple(Parameter(each, values[each], ".") for each in names)
    )


@pytest.fixture(scope="session")
def split() -> MakeSplit:
    return split_of


@pytest.fixture(scope="session")
def fake_context() -> type[FakeContext]:
    return FakeContext


@pytest.fixture(scope="session")
def built_in() -> Registry:
    """The built-in samplers, and proxies in name only."""
    registry = Registry(entry_points=False)
    for spec in recbench_samplers.recbench_samplers():
        registry.register(spec, distribution="recbench")
    registry.register(proxy("bias-only"))
    registry.register(proxy("mf", "latent", "dropout"))
    return registry


@pytest.fixture(scope="session")
def drawer(built_in: Registry) -> Callable[..., SampleDrawer]:
    """``drawer(split)``: a drawer that checks, whose proxies find rare items hard and differ between seeds."""

    def make(split: Split) -> SampleDrawer:
        return checking_drawer(split, built_in)

    return make

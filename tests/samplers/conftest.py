"""Splits made by hand, a context for calling a sampler's function alone, and a drawer with the built-in samplers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import recbench_samplers

from recbench.bench.sample import SampleDrawer
from recbench.contracts.records import Interactions, Split
from recbench.contracts.specs import AlgorithmSpec, Parameter
from recbench.registry import Registry

MakeSplit = Callable[..., Split]


def split_of(pairs: Sequence[tuple[int, int]], *, times: bool = True, feedback: str = "implicit") -> Split:
    """A split whose train rows are the given (user, item) pairs, each user's oldest first."""
    user, item = (np.array([pair[side] for pair in pairs], dtype=np.int32) for side in (0, 1))
    rows = np.argsort(user, kind="stable")
    stamps = np.arange(len(pairs), dtype=np.int64)[rows] if times else None
    ones = np.ones(len(pairs), np.float32)
    train = Interactions(user[rows], item[rows], ones, stamps, int(user.max()) + 1, int(item.max()) + 1)
    none = np.array([], dtype=np.int64)
    return Split(
        "toy", "checksum", feedback, "per-user", 0, train, train.take(none), train.take(none),  # type: ignore[arg-type]
        np.arange(len(pairs)), none, np.arange(train.num_users), np.arange(train.num_items), 0.0,
    )  # fmt: skip


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

    def make(split: Split, **options: Any) -> SampleDrawer:
        made = SampleDrawer(split, built_in, check=True, **options)
        counts = np.bincount(split.train.item)

        def train(algorithm: str, hyper: Any, *, key_data: Any, **asked: int) -> tuple[np.ndarray, float]:
            noise = np.random.default_rng(key_data).random(len(split.train))
            return (1 / counts[split.train.item] + 0.1 * noise).astype(np.float32), 1.0

        made._proxies._train = train  # type: ignore[method-assign, assignment]
        return made

    return make

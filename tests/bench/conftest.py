"""A small world for the bench: a data set, a registry of toys, and an engine that makes numbers up."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from recbench.bench.suite import Suite, read_suite
from recbench.contracts.records import Cost, Dataset
from recbench.contracts.specs import AlgorithmSpec, MetricSpec, Parameter, SamplerSpec
from recbench.data.frames import frame_dataset
from recbench.registry import Registry

TOY_SUITE = """
name = "toy"
version = 1
summary = "Toys."
datasets = ["none"]
feedback = ["implicit"]
samplers = ["shuffle", "first[unit=user]"]
budgets = ["50%", "20%"]
[protocol]
select = { implicit = "auc", sequential = "auc" }
[seeds]
full = [0, 1]
[metrics]
implicit = ["auc", "hr@10"]
sequential = ["auc"]
[algorithms.implicit]
plain = {}
deep = { width = [8, 16], rate = [0.1, 0.2] }
[algorithms.sequential]
plain = {}
"""


def shuffle(train: Any, context: Any) -> Any:
    """Rows in random order."""
    return context.rng.random(len(train), dtype=np.float32)


def first(train: Any, context: Any) -> Any:
    """Users by number."""
    return -train.user.astype(np.float32)


class Toy:
    """An algorithm that is never called: the fake engine looks at its spec alone."""


def toy_algorithm(name: str, **more: Any) -> AlgorithmSpec:
    return AlgorithmSpec(name=name, load=Toy, summary="A toy.", **more)


@pytest.fixture
def toys() -> Registry:
    """A registry of toys: two samplers, two algorithms, two metrics."""
    registry = Registry(entry_points=False)
    hyper = (Parameter("width", 8, "Static."), Parameter("rate", 0.1, "Traced.", traced=True))
    for spec in (
        SamplerSpec(name="shuffle", load=lambda *given: shuffle(*given), summary="Random."),
        SamplerSpec(
            name="first", load=lambda *given: first(*given), summary="By number.", units=("interaction", "user")
        ),
        toy_algorithm("plain"),
        toy_algorithm("deep", hyper=hyper, feedback=("implicit",)),
        MetricSpec(name="auc", load=lambda test, k: test, summary="A metric."),
        MetricSpec(name="hr", load=lambda test, k: test, summary="A metric.", cutoffs=(10, 100)),
        MetricSpec(name="mse", load=lambda a, b: a, summary="A metric.", of="rating", higher_is_better=False),
    ):
        registry.register(spec, distribution="recbench")
    return registry


@pytest.fixture
def toy_suite() -> Suite:
    return read_suite(TOY_SUITE, "toy.toml")


@pytest.fixture(scope="session")
def toy_data() -> Dataset:
    """300 users with 20 of 100 items each."""
    rng = np.random.default_rng(0)
    items = np.concatenate([rng.choice(100, 20, replace=False) for _ in range(300)])
    users = np.repeat(np.arange(300), 20)
    return frame_dataset(pl.DataFrame({"user": users, "item": items, "timestamp": np.arange(6000)}), name="toy-data")


@dataclass
class FakeEngine:
    """What the bench asked of the engine, and what it answers."""

    groups: list[tuple[str, list[Any]]] = field(default_factory=list)  # algorithm and runs of each call
    placed: int = 0
    training: Any = None
    deadline: float | None = None
    columns: list[str] = field(default_factory=list)
    raises: dict[str, Exception] = field(default_factory=dict)  # by algorithm
    diverging: set[float] = field(default_factory=set)  # values of rate
    refusing: dict[str, str] = field(default_factory=dict)  # why an algorithm does not fit into memory

    def place_split(self, split: Any) -> Any:
        self.placed += 1
        return split

    def run_replicas(
        self, data: Any, contestant: Any, runs: Any, *, training: Any, metrics: Any, deadline: float | None
    ) -> list[Any]:
        self.deadline = deadline
        assert isinstance(contestant.implementation, Toy)
        self.groups.append((contestant.name, list(runs)))
        self.training, self.columns = training, [column for spec, _ in metrics for column in spec.columns]
        if contestant.name in self.raises:
            raise self.raises[contestant.name]
        return [self.outcome(contestant.name, run) for run in runs]

    def outcome(self, name: str, run: Any) -> Any:
        rate = run.hyper.get("rate", 0.0)
        if name in self.refusing:
            return SimpleNamespace(status="skipped", reason=self.refusing[name], metrics={}, replicates={},
                                   validation=None, cost=None)  # fmt: skip
        if rate in self.diverging:
            return SimpleNamespace(status="diverged", reason="loss is not finite", metrics={}, replicates={},
                                   validation=None, cost=Cost(1.0, 0.0, 10, 1))  # fmt: skip
        value = len(run.sample.rows) / 1e5 + rate + run.hyper.get("width", 0) / 1e3 + run.training_seed / 1e6
        return SimpleNamespace(
            status="ok",
            reason="",
            metrics=dict.fromkeys(self.columns, value),
            replicates={column: np.full(200, value, np.float32) for column in self.columns},
            validation=value,
            cost=Cost(1.0, 0.5, 10, 1),
        )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Stands in for recbench.engine, so that these tests are about the bench."""
    fake = FakeEngine()
    modules = {
        "batch": {"place_split": fake.place_split},
        "run": {
            "run_replicas": fake.run_replicas,
            "Contestant": lambda name, spec, implementation: SimpleNamespace(
                name=name, spec=spec, implementation=implementation
            ),
            "Run": lambda sample, hyper, training_seed: SimpleNamespace(
                sample=sample, hyper=hyper, training_seed=training_seed
            ),
            "Training": SimpleNamespace,
        },
        "memory": {
            "bytes_per_run": lambda data, contestant, run: 1000 * run.hyper.get("width", 0),
            "too_large": lambda data, contestant, run: fake.refusing.get(contestant.name, ""),
        },
        "devices": {
            "compilations": lambda: len(fake.groups),
            "enable_compilation_cache": lambda folder: None,
            "memory_budget": lambda: 2**30,
        },
    }
    for name, content in modules.items():
        module = ModuleType(f"recbench.engine.{name}")
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return fake

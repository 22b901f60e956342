"""The hooks of recbench. Implement one with ``from recbench import hookimpl`` and return specs.

Each hook is called once, when the registry is first asked for anything; each plugin's implementation is called alone,
and one that fails is quarantined while the others go on.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from recbench.contracts.specs import AlgorithmSpec, CommandSpec, DatasetSpec, ExecutorSpec, MetricSpec, SamplerSpec

PROJECT = "recbench"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def recbench_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]
    """Data sets. Fires at discovery; ``load`` runs when a command first needs the rows."""


@hookspec
def recbench_samplers() -> Iterable[SamplerSpec]:  # type: ignore[empty-body]
    """Samplers. Fires at discovery; ``load`` is resolved when the first sample is drawn."""


@hookspec
def recbench_algorithms() -> Iterable[AlgorithmSpec]:  # type: ignore[empty-body]
    """Recommendation algorithms. Fires at discovery; ``load`` is resolved when the first group is trained."""


@hookspec
def recbench_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]
    """Metrics. Fires at discovery; ``load`` is resolved when the first group is scored."""


@hookspec
def recbench_executors() -> Iterable[ExecutorSpec]:  # type: ignore[empty-body]
    """Executors. Fires at discovery; ``load`` is resolved when a run starts with ``--executor NAME``."""


@hookspec
def recbench_commands() -> Iterable[CommandSpec]:  # type: ignore[empty-body]
    """Commands. Fires when the command line lists or looks up its commands; ``load`` when the command is called."""

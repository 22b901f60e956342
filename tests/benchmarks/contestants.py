"""An algorithm of a label, ready to run, as the benchmarks need it."""

from __future__ import annotations

from typing import Any

from recbench.contracts.labels import Label, bind
from recbench.engine.run import Contestant
from recbench.registry import Registry


def contestant(registry: Registry, label: str) -> tuple[Contestant, dict[str, Any]]:
    """The contestant and its hyper-parameters, complete."""
    parsed = Label.parse(label)
    entry = registry.get("algorithms", parsed.name)
    return Contestant(label, entry.spec, entry.load()()), bind(parsed, entry.spec.hyper)

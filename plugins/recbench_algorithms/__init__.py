"""The built-in recommendation algorithms: one method per file; their specs stand by family in ``specs``."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from recbench import AlgorithmSpec, hookimpl
from recbench_algorithms.specs import factors, graphs, linear, means, neighbours, networks, sequences


@hookimpl
def recbench_algorithms() -> Iterable[AlgorithmSpec]:
    """Fires at discovery."""
    families = (means, factors, neighbours, linear, graphs, networks, sequences)
    return chain.from_iterable(family.SPECS for family in families)

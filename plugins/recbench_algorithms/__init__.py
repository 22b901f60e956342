"""The built-in recommendation algorithms: one method per file; their specs stand by family in ``specs``."""

from __future__ import annotations

from collections.abc import Iterable

from recbench import AlgorithmSpec, hookimpl
from recbench_algorithms.specs import FAMILIES


@hookimpl
def recbench_algorithms() -> Iterable[AlgorithmSpec]:
    """Fires at discovery."""
    return [spec for family in FAMILIES for spec in family.SPECS]

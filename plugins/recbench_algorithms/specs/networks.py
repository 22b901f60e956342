"""Neural networks on pairs and on rows of users."""

from __future__ import annotations

from recbench import AlgorithmSpec

SPECS: tuple[AlgorithmSpec, ...] = ()

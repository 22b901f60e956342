"""Models of the order of a history."""

from __future__ import annotations

from recbench import AlgorithmSpec

SPECS: tuple[AlgorithmSpec, ...] = ()

"""Models of the graph of users and items."""

from __future__ import annotations

from recbench import AlgorithmSpec

SPECS: tuple[AlgorithmSpec, ...] = ()

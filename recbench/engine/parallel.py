"""How the runs of a batch share a device: side by side on an accelerator, in turn on each core of a CPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np


def in_turn() -> bool:
    """Whether runs train one after the other: on a CPU, where each then has the caches for itself.

    On a CPU a vectorised batch of small models is slower than the same runs in turn (measured: 2 to 4 times), because
    their tables push each other out of the caches; on an accelerator it is what fills the device.
    """
    return jax.devices()[0].platform == "cpu"


def cores_for(runs: int) -> int:
    """How many cores equal shares of the runs keep busy: a power of two that divides them."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = 1
    while cores * 2 <= min(runs, there) and runs % (cores * 2) == 0:
        cores *= 2
    return cores


def across_cores(program: Callable[..., Any], *mapped: Any) -> Any:
    """Calls a program on equal shares of the runs, one thread a core, and puts the results back in order.

    XLA leaves small programs on one core; calls from several threads run at the same time.

    Args:
      program: takes what ``mapped`` holds for some of the runs, and returns a pytree with the same leading axis.
      mapped: pytrees with a leading axis of runs.
    """
    runs = len(jax.tree.leaves(mapped)[0])
    parts = cores_for(runs)
    if parts == 1:
        return program(*mapped)

    def call(part: int) -> Any:
        return jax.tree.map(np.asarray, program(*share(mapped, part, parts)))

    def whole(*leaves: Any) -> Any:
        together = np.empty((runs, *leaves[0].shape[1:]), leaves[0].dtype)
        for part, leaf in enumerate(leaves):
            together[part::parts] = leaf
        return together

    with ThreadPoolExecutor(parts) as threads:
        return jax.tree.map(whole, *threads.map(call, range(parts)))


def share(mapped: Any, part: int, parts: int) -> Any:
    """Every ``parts``-th run: runs come sorted by size, and the shares should take equally long."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[part::parts], mapped)

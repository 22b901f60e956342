"""How the runs of a batch share devices: side by side on accelerators, in turn on each core of a CPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

_RUNS = "runs"


def in_turn() -> bool:
    """Whether runs train one after the other: on a CPU, where each then has the caches for itself.

    On a CPU a vectorised batch of small models is slower than the same runs in turn (measured: 2 to 4 times), because
    their tables push each other out of the caches; on an accelerator it is what fills the device.
    """
    return jax.devices()[0].platform == "cpu"


def devices_in_use() -> int:
    """How many local devices a batch of runs is shared by."""
    return 1 if in_turn() else jax.local_device_count()


def power_of_two(size: int) -> int:
    """The smallest power of two that is at least ``size``."""
    return 1 << max(0, size - 1).bit_length()


def places_for(runs: int) -> int:
    """Places of a batch that holds so many runs: on each device the same power of two."""
    return devices_in_use() * power_of_two(-(-runs // devices_in_use()))


def over_runs(function: Callable[..., Any], in_axes: tuple[int | None, ...]) -> Any:
    """A compiled program that maps a function of one run over a batch: jit(vmap), an equal share of it on each device.

    Runs know nothing of each other, so that the devices exchange nothing. A batch that cannot be shared equally is
    computed by each of them in whole.

    Args:
      function: of one run.
      in_axes: 0 for each argument with a leading axis of runs, None for what all runs share.
    """
    mapped = jax.vmap(function, in_axes=in_axes)

    def program(*arguments: Any) -> Any:
        if devices_in_use() == 1:
            return mapped(*arguments)
        runs = next(
            len(leaf)
            for argument, axis in zip(arguments, in_axes, strict=True)
            if axis == 0
            for leaf in jax.tree.leaves(argument)
        )
        shared = _by_runs(runs)
        specs = tuple(PartitionSpec() if axis is None else shared for axis in in_axes)
        sharded = jax.shard_map(mapped, mesh=_mesh(), in_specs=specs, out_specs=shared, check_vma=False)
        return sharded(*arguments)

    return jax.jit(program)


def place_shared(tree: Any) -> Any:
    """Arrays that every run reads, on each device."""
    if devices_in_use() == 1:
        return jax.device_put(tree)
    return jax.device_put(tree, NamedSharding(_mesh(), PartitionSpec()))


def place_runs(tree: Any) -> Any:
    """Arrays with a leading axis of runs, each device's share on it."""
    if devices_in_use() == 1:
        return jax.device_put(tree)
    return jax.device_put(tree, NamedSharding(_mesh(), _by_runs(len(jax.tree.leaves(tree)[0]))))


def _by_runs(runs: int) -> PartitionSpec:
    return PartitionSpec(_RUNS) if runs % devices_in_use() == 0 else PartitionSpec()


@lru_cache(maxsize=1)
def _mesh() -> Mesh:
    return Mesh(np.array(jax.local_devices()), (_RUNS,))


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

"""How much a run takes, how many fit, and when even one does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from recbench.contracts.records import Synthesis
from recbench.engine import devices
from recbench.engine.batch import DeviceSplit
from recbench.engine.contest import Contestant, Run, batch_of, static_hyper
from recbench.engine.parallel import devices_in_use, in_turn
from recbench.engine.programs import Static, stage_programs
from recbench.engine.solve import solved_programs

_COPIES = 3
"""A state beside its gradient or factor, and beside its best copy."""


def too_large(data: DeviceSplit, contestant: Contestant, run: Run) -> str:
    """Why a run cannot be held in memory, or nothing."""
    needed, there = bytes_per_run(data, contestant, run), devices.memory_limit()
    if needed <= there:
        return ""
    return f"needs about {needed / 1e9:.1f} GB of memory for a run, and {there / 1e9:.1f} GB may be used"


def batch_size(data: DeviceSplit, contestant: Contestant, runs: Sequence[Run]) -> int:
    """How many runs go into one device program: for each device a power of two within the memory budget."""
    form = contestant.spec.form
    if form == "host":
        return 1
    # On a CPU a closed form loses by company: its products are large enough alone, and blocks of users would be halved.
    most = 256 if not in_turn() else 16 if form == "trained" else 1
    fitting = devices.memory_budget() // max(1, bytes_per_run(data, contestant, runs[0]))
    return max(1, min(most, 1 << max(0, fitting.bit_length() - 1))) * devices_in_use()


def bytes_per_run(data: DeviceSplit, contestant: Contestant, run: Run) -> int:
    """Estimated device memory of one run: states with gradients and best copies, dense batches, index arrays.

    Found by tracing shapes, once for each program: nothing is computed. What a model keeps between its layers is not
    in it.
    """
    if contestant.spec.form == "host":
        return 0
    static = static_hyper(contestant.spec, run.hyper)
    fake = len(run.sample.rows) if isinstance(run.sample, Synthesis) else None
    key = ("bytes", type(contestant.implementation), static, fake)
    return data.once(key, lambda: _traced_bytes(data, contestant, run, static))


def _traced_bytes(data: DeviceSplit, contestant: Contestant, run: Run, static: Static) -> int:
    batch = batch_of(data, contestant, [run], negatives=False)
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), batch)
    if contestant.spec.form == "solved":
        states: Any = jax.eval_shape(solved_programs(contestant.implementation, static=static).solve, data.arrays, one)
        dense = 0
    else:
        stages = stage_programs(contestant.implementation, feedback=data.feedback, static=static)
        states = ()
        for programs in stages:
            states = (*states, jax.eval_shape(programs.build, data.arrays, one, states))
        rows = [programs.stage.batch_size for programs in stages if programs.stage.batch == "rows"]
        dense = max(rows, default=0) * data.split.num_items * 4
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(states))
    return int(_COPIES * (size + dense) + 16 * len(data.event_user) + 16 * data.split.num_users)

"""Trained and closed-form algorithms on a log of a million users, in a process of its own: a JSON line each.

The time of an epoch is that of its first steps, multiplied; what cannot be held is refused with its estimate.

``python tests/benchmarks/large.py [USERS ITEMS ROWS]``
"""

from __future__ import annotations

import sys
import time
from typing import Any

import jax
import numpy as np
import polars as pl
from contestants import contestant
from lines import peak_gib, say

from recbench import Dataset, make_split
from recbench.bench.sample import full_sample
from recbench.data.frames import frame_dataset
from recbench.engine.contest import batch_of, static_hyper
from recbench.engine.memory import bytes_per_run, too_large
from recbench.engine.programs import stage_programs
from recbench.engine.run import Contestant, Run, place_split
from recbench.engine.train import steps_per_epoch
from recbench.registry import Registry

LABELS = (
    "mf[latent=32,batch_size=8192,updates=rows]",
    "mf[latent=32,batch_size=65536]",
    "mvae[latent=16,batch_size=500]",
    "lightgcn[latent=32,layers=2,batch_size=1048576]",
    "ease",
    "ials[latent=32]",
    "item-knn",
)
SHARE = 0.05
"""Of an epoch, that is timed."""


def main(users: int, items: int, rows: int) -> None:
    data = place_split(make_split(drawn(users, items, rows), feedback="implicit"))
    say({"users": users, "items": data.split.num_items, "train": len(data.split.train), "peak_gib": peak_gib()})
    registry = Registry()
    for label in LABELS:
        one, hyper = contestant(registry, label)
        run = Run(full_sample(data.split), hyper, 0)
        about = {"algorithm": label, "estimated_gb": round(bytes_per_run(data, one, run) / 1e9, 2)}
        refusal = too_large(data, one, run)
        timed = {"refused": refusal} if refusal else {}
        if not refusal and one.spec.form == "trained":
            timed = _epoch(data, one, run)
        say(about | timed | {"peak_gib": peak_gib()})


def drawn(users: int, items: int, rows: int) -> Dataset:
    """About so many distinct pairs, users as busy and items as popular as Zipf has it, without tastes.

    The generator of the synthetic data sets looks at users x items, 10^11 pairs here; a step costs the same on these.
    """
    random = np.random.default_rng(0)
    user, item = (
        random.permutation(count)[(count * random.random(rows) ** power).astype(np.int64)]
        for count, power in ((users, 1.3), (items, 2.5))
    )
    pair = np.unique(user * items + item)
    return frame_dataset(pl.DataFrame({"user": pair // items, "item": pair % items}), name="large")


def _epoch(data: Any, one: Contestant, run: Run) -> dict[str, float]:
    (programs,) = stage_programs(one.implementation, feedback="implicit", static=static_hyper(one.spec, run.hyper))
    replica = batch_of(data, one, [run], negatives=True)
    state = programs.init(data.arrays, replica, ())
    whole = int(steps_per_epoch(programs, replica)[0])
    steps = max(2, round(SHARE * whole))
    alone = jax.tree.map(lambda leaf: leaf[0], (replica, state))
    first_steps = jax.jit(programs._advance)

    def train(steps: int) -> float:
        began = time.perf_counter()
        jax.block_until_ready(first_steps(data.arrays, *alone, np.int32(0), np.int32(1), np.int32(steps)))
        return time.perf_counter() - began

    train(1)
    seconds = train(steps)
    return {
        "steps": steps,
        "of_an_epoch": round(steps / whole, 3),
        "milliseconds_per_step": round(1e3 * seconds / steps, 1),
        "epoch_seconds": round(seconds / steps * whole, 1),
    }


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ("1000000", "100000", "50000000")))

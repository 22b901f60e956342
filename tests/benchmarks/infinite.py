"""The infinite autoencoder and Distill-CF on one data set: a JSON line a measurement, history and mask full.

``ridge``: six ridges, the best by validation HR@100, its test pass; beside the rate of a matrix product of that size.
``distill``: fake users, seconds a step, and what algorithms reach on them and on all real users.
``draws``: the same for fewer and more Gumbel draws. ``inducing``: kernels of some users, alone and as a basis for all.

``python tests/benchmarks/infinite.py ridge|distill|draws|inducing DATASET [--users N ...] [--sampler LABEL]``

At the size of Netflix, where each pass over the users takes minutes: ``distill synthetic-netflix --l2 0.1
--algorithm infinite-ae --real``, and on a GPU ``--l2 1 5 --real 'infinite-ae[users=30000]'``; ``--evaluated 10000``
scores that many of its users, where a kernel of many would take hours for all.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from contestants import contestant
from lines import peak_gib, say

from recbench import draw_sample, load_dataset, make_split
from recbench.bench.environment import programs_folder
from recbench.bench.roster import metric_functions
from recbench.bench.sample import full_sample
from recbench.contracts.records import Split
from recbench.engine import devices
from recbench.engine.evaluate import columns_of, summarise
from recbench.engine.run import Run, Training, fit_runs, place_split, score_fitted
from recbench.registry import Registry

METRICS = ("ndcg@10", "hr@10", "hr@100")
TRAINING = Training(history="full", select="hr@100")
RIDGES = (0.0, 1.0, 5.0, 20.0, 50.0, 100.0)
"""Those of the paper."""
FINER = (0.5, 1.0, 2.0, 3.5, 5.0, 7.0, 10.0, 14.0, 20.0, 35.0, 50.0, 100.0)
OF_FAKE = (1e-5, 1e-3, 0.01, 0.1, 0.3, 1.0, 3.0, 5.0, 10.0, 50.0)
OF_EASE = (0.1, 1.0, 10.0, 50.0, 200.0, 500.0, 1000.0, 2000.0, 4000.0)
AUTHORS = {"seconds": 52, "seconds_a_step": 6}
"""ml-1m with the authors' code, on the same two cores on a faster day: six ridges and the test pass; 500 fake users."""


class Bench:
    """One split, and what is asked of it."""

    def __init__(self, dataset: str, *, evaluated: int | None = None) -> None:
        self.registry = Registry()
        log = load_dataset(dataset)
        protocol = "given" if log.given_split is not None else "per-user"
        self.split: Split = make_split(log, feedback="implicit", protocol=protocol)
        self.data = place_split(self.split if evaluated is None else of_some_users(self.split, evaluated))
        self.metrics = metric_functions(METRICS, self.registry)
        self.columns = columns_of(self.metrics, self.data)

    def best(self, label: str, ridges: tuple[float, ...], sample: Any = None) -> dict[str, Any]:
        """The ridge by validation, its test metrics in percent; seconds of all, compilation apart."""
        one, hyper = contestant(self.registry, label)
        chosen = full_sample(self.split) if sample is None else sample
        began, compiling = time.perf_counter(), devices.compile_seconds()
        scores = np.full(len(ridges), -1.0)
        fitting = 0.0
        for place, l2 in enumerate(ridges):
            fitted = fit_runs(
                self.data, one, (Run(chosen, {**hyper, "l2": l2}, 0),), training=TRAINING, metrics=self.metrics
            )
            fitting += fitted.progress[0].seconds
            scored = score_fitted(fitted, "validation", training=TRAINING, columns=self.columns)
            if not scored.finite[0]:
                continue
            scores[place] = summarise(scored, metrics=self.metrics, columns=self.columns, run=0)["hr@100"]
            if scores[place] == scores.max():
                kept = fitted
        test = summarise(
            score_fitted(kept, "test", training=TRAINING, columns=self.columns),
            metrics=self.metrics,
            columns=self.columns,
            run=0,
        )
        spent = time.perf_counter() - began - (devices.compile_seconds() - compiling)
        found = {name: round(100 * value, 3) for name, value in test.items() if name in METRICS}
        grid = dict(zip(ridges, np.round(100 * scores, 3).tolist(), strict=True))
        return {
            "algorithm": label,
            "l2": ridges[int(scores.argmax())],
            **found,
            "seconds": round(spent, 2),
            "fitting": round(fitting, 2),
            "grid": grid,
        }


def of_some_users(split: Split, count: int) -> Split:
    """The same train rows; the validation and test rows of so many users, drawn from those that have test rows."""
    there = np.flatnonzero(np.bincount(split.test.user, minlength=split.num_users))
    chosen = np.zeros(split.num_users, bool)
    chosen[np.random.default_rng(0).choice(there, count, replace=False)] = True
    seen = chosen[split.validation.user]
    return replace(
        split,
        validation=split.validation.take(seen),
        validation_position=split.validation_position[seen],
        test=split.test.take(chosen[split.test.user]),
    )


def rate(size: int, inner: int) -> float:
    """Operations a second of a product [size, inner] x [inner, size]."""
    rows = jnp.ones((size, inner))
    product = jax.jit(lambda rows: jnp.matmul(rows, rows.T, precision="highest"))
    jax.block_until_ready(product(rows))
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        jax.block_until_ready(product(rows))
        seconds.append(time.perf_counter() - began)
    return 2 * size * size * inner / min(seconds)


def ridge(asked: argparse.Namespace) -> None:
    began, compiling = time.perf_counter(), devices.compile_seconds()
    bench = Bench(asked.dataset)
    loading = time.perf_counter() - began - (devices.compile_seconds() - compiling)
    users, items, rows = bench.split.num_users, bench.split.num_items, len(bench.split.train)
    bench.best("infinite-ae", RIDGES[2:3])  # compiles
    bench = Bench(asked.dataset)  # nothing is left of it
    line = bench.best("infinite-ae", RIDGES)
    floor = len(RIDGES) * (users**3 + 2 * users * rows) + 2 * users * users * items
    total = loading + line["seconds"]
    speed = rate(users, items)
    say({**line, "loading": round(loading, 2), "total": round(total, 2), "authors": AUTHORS["seconds"],
         "floor_tflop": round(floor / 1e12, 2), "gflops": round(speed / 1e9, 1),
         "share_of_rate": round(floor / speed / total, 3), "peak_gib": peak_gib()})  # fmt: skip
    if asked.finer:
        for label in ("infinite-ae", "infinite-ae[repeats=counted]"):
            say(bench.best(label, (0.0, *FINER)))


def distilled(bench: Bench, label: str, users: int) -> tuple[Any, dict[str, Any]]:
    """Fake users, and how long they took."""
    times = []
    began, compiling = time.perf_counter(), devices.compile_seconds()
    made = draw_sample(
        label, bench.split, f"{users}users", report=lambda done, total, text: times.append(time.perf_counter())
    )
    seconds = time.perf_counter() - began - (devices.compile_seconds() - compiling)
    step = float(np.median(np.diff(times))) if len(times) > 1 else float("nan")
    said = {"sampler": label, "users": users, "seconds": round(seconds, 1), "seconds_a_step": round(step, 3)}
    return made, {**said, "authors_seconds_a_step": AUTHORS["seconds_a_step"], **made.facts, "peak_gib": peak_gib()}


def distill(asked: argparse.Namespace) -> None:
    bench = Bench(asked.dataset, evaluated=asked.evaluated)
    for users in asked.users or [500]:
        made, line = distilled(bench, asked.sampler, users)
        say(line)
        for label in asked.algorithm:
            found = bench.best(label, tuple(asked.l2 or (OF_EASE if label == "ease" else OF_FAKE)), made)
            say({"users": users, **found, "peak_gib": peak_gib()})
    for label in asked.algorithm if asked.real is None else asked.real:
        grid = tuple(asked.l2 or (OF_EASE if label == "ease" else FINER))
        say({"users": "all", **bench.best(label, grid), "peak_gib": peak_gib()})


def draws(asked: argparse.Namespace) -> None:
    bench = Bench(asked.dataset)
    for users in asked.users or [100]:
        for number in (1, 3, 10, 30, 200):
            made, line = distilled(bench, f"distill-cf[draws={number},steps={asked.steps}]", users)
            found = bench.best("infinite-ae", OF_FAKE, made)
            say({**line, **{name: found[name] for name in (*METRICS, "l2")}})


def inducing(asked: argparse.Namespace) -> None:
    bench = Bench(asked.dataset)
    for users in asked.users or [250, 500, 1000, 2000]:
        for how in ("false", "true"):
            label = f"infinite-ae[inducing={how},users={users}]"
            bench.best(label, FINER[:1])  # compiles
            say({"users": users, **bench.best(label, FINER)})
        for sampler in ("head", "svp-cf[unit=user]"):
            sample = draw_sample(sampler, bench.split, f"{users}users")
            say({"users": users, "sampler": sampler, **bench.best("infinite-ae", FINER, sample)})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["ridge", "distill", "draws", "inducing"])
    parser.add_argument("dataset")
    parser.add_argument("--users", type=int, nargs="*")
    parser.add_argument("--sampler", default="distill-cf")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument(
        "--algorithm", nargs="*", default=["infinite-ae", "ease"], help="distill: trained on fake users"
    )
    parser.add_argument("--real", nargs="*", help="distill: trained on real users, in place of the same algorithms")
    parser.add_argument("--l2", type=float, nargs="*", help="distill: ridges, in place of a grid")
    parser.add_argument("--evaluated", type=int, help="distill: validation and test users, drawn; otherwise all")
    parser.add_argument("--finer", action="store_true", help="ridge: also a finer grid, and repeats that count")
    asked = parser.parse_args()
    devices.enable_compilation_cache(programs_folder())
    {"ridge": ridge, "distill": distill, "draws": draws, "inducing": inducing}[asked.what](asked)


if __name__ == "__main__":
    main()

"""What training, scoring and compiling cost: figures in ``extra_info``.

Train rows, users and items are as many as ml-100k has; scoring is also measured at the size of ml-1m.
"""

from __future__ import annotations

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contestants import contestant
from floors import floor_seconds, work_of
from recbench_datasets.config import MEDIUM
from recbench_datasets.synthetic import generate
from together import LIKE_ML_100K

from recbench import make_split
from recbench.bench.roster import metric_functions
from recbench.bench.sample import full_sample
from recbench.engine import devices
from recbench.engine.contest import batch_of, static_hyper
from recbench.engine.evaluate import block_size, columns_of, run_histories, run_masks, shared_ranking_blocks
from recbench.engine.parallel import cores_for
from recbench.engine.programs import stage_programs
from recbench.engine.run import Run, Training, fit_runs, place_split, run_replicas, score_fitted
from recbench.engine.train import steps_per_epoch
from recbench.registry import Registry

COLUMNS = ["auc", "hr@10", "hr@100", "ndcg@10", "ndcg@100", "psp@10", "psp@100"]


@pytest.fixture(scope="module")
def registry():
    return Registry()


@pytest.fixture(scope="module")
def small():
    return {
        feedback: place_split(make_split(generate(LIKE_ML_100K)[0], feedback=feedback))
        for feedback in ("explicit", "implicit", "sequential")
    }


@pytest.fixture(scope="module")
def medium():
    return place_split(make_split(generate(MEDIUM)[0], feedback="implicit"))


def fitted(registry, data, label, runs, *, epochs=1):
    one, hyper = contestant(registry, label)
    select = "mse" if data.feedback == "explicit" else "auc"
    training = Training(select=select, epochs=epochs, validate_every=epochs)
    metrics = metric_functions([select], registry)
    chosen = tuple(Run(full_sample(data.split), hyper, seed) for seed in range(runs))
    return fit_runs(data, one, chosen, training=training, metrics=metrics)


class StageClock:
    """The programs of an algorithm's stages on a batch of runs, ready to be timed."""

    def __init__(self, registry, data, label, runs):
        self.one, self.hyper = contestant(registry, label)
        self.data, self.runs = data, [Run(full_sample(data.split), self.hyper, seed) for seed in range(runs)]
        self.replicas = batch_of(data, self.one, self.runs, negatives=True)
        static = static_hyper(self.one.spec, self.hyper)
        self.stages = stage_programs(self.one.implementation, feedback=data.feedback, static=static)
        self.states = ()
        for programs in self.stages:
            state = programs.init(data.arrays, self.replicas, self.states)
            self.states = (*self.states, self.advanced(programs, state, 1))

    def advanced(self, programs, state, epochs):
        steps = steps_per_epoch(programs, self.replicas)
        span = np.full(len(self.runs), epochs, np.int32)
        return jax.block_until_ready(
            programs.advance(self.data.arrays, self.replicas, state, first=0, epochs=span, steps=steps)
        )

    def train(self, epochs):
        for programs, state in zip(self.stages, self.states, strict=True):
            self.advanced(programs, state, epochs)


@pytest.mark.parametrize("runs", [1, 16])
@pytest.mark.parametrize(
    ("feedback", "label"),
    [
        ("explicit", "bias-only"),
        ("explicit", "mf[latent=8]"),
        ("explicit", "neumf[latent=8,layers=2]"),
        ("implicit", "bias-only"),
        ("implicit", "mf[latent=8]"),
        ("implicit", "mf[latent=8,updates=rows]"),
        ("implicit", "neumf[latent=8,layers=2]"),
        ("implicit", "mvae[latent=8,batch_size=1024]"),
        ("sequential", "sasrec[latent=8,batch_size=1024]"),
        ("sequential", "svae[latent=8,batch_size=1024]"),
        ("sequential", "gru4rec[latent=8,batch_size=1024]"),
    ],
)
def test_training(benchmark, registry, small, feedback, label, runs):
    """Steps a second, and runs an hour of 100 epochs without validation, beside the floor of their operations."""
    clock, epochs = StageClock(registry, small[feedback], label, runs), 2
    benchmark.pedantic(lambda: clock.train(epochs), rounds=3, warmup_rounds=1)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves([state.params for state in clock.states]))
    work = work_of(clock.one.spec.name, clock.hyper, clock.data)
    steps = epochs * sum(count for count, _ in work)
    each = benchmark.stats.stats.min / runs  # seconds of a run
    floor = epochs * sum(count * floor_seconds(one) for count, one in work) / cores_for(runs)
    benchmark.extra_info.update(
        steps_per_second=round(steps / each),
        microseconds_per_step=round(1e6 * each / steps, 1),
        runs_per_hour=round(3600 / (each / epochs * 100)),
        floor_microseconds_per_step=round(1e6 * floor / steps, 1),
        share_of_floor=round(floor / each, 2),
        mega_operations_per_step=round(sum(count * one.operations for count, one in work) * epochs / steps / 1e6, 2),
        megabytes_per_step=round(sum(count * one.bytes for count, one in work) * epochs / steps / 1e6, 2),
    )


def comparison_rate(users, items):
    """Comparisons a second of the barest loop of this kind: scores of a block against one score a user."""

    @jax.jit
    def count(scores, mine):
        def compare(number, total):
            return total + jnp.sum(scores > mine + number.astype(jnp.float32), axis=1, dtype=jnp.int32)

        return jax.lax.fori_loop(0, 50, compare, jnp.zeros(users, jnp.int32))

    scores = np.random.default_rng(0).normal(size=(users, items)).astype(np.float32)
    times = []
    for _ in range(6):
        started = time.perf_counter()
        count(scores, scores[:, :1]).block_until_ready()
        times.append(time.perf_counter() - started)
    return 50 * users * items / min(times)


@pytest.mark.parametrize(
    ("size", "algorithm", "runs"),
    [("small", "popularity", 1), ("small", "popularity", 4), ("medium", "popularity", 1), ("medium", "ease", 1)],
)
def test_scoring(benchmark, request, registry, size, algorithm, runs):
    """All metrics for all test users, beside the floor: three comparisons per test item and item, and nothing else."""
    data = request.getfixturevalue("medium") if size == "medium" else request.getfixturevalue("small")["implicit"]
    ready = fitted(registry, data, algorithm, runs)
    columns = columns_of(metric_functions(COLUMNS, registry), data)
    scored = benchmark.pedantic(
        lambda: score_fitted(ready, "test", training=Training(), columns=columns), rounds=5, warmup_rounds=1
    )
    seconds = benchmark.stats.stats.min
    split = data.split
    assert scored.finite.all() and np.array_equal(scored.users, np.unique(split.test.user))
    comparisons = 3 * runs * len(split.test) * split.num_items
    width = run_histories(data, "test", [run.sample for run in ready.runs], view=Training().view,
                          need=ready.contestant.spec.history)[0].width  # fmt: skip
    users = block_size(data, runs, width)
    floor = comparisons / comparison_rate(users, split.num_items)
    benchmark.extra_info.update(
        users_per_second=round(runs * len(scored.users) / seconds),
        million_comparisons_per_second=round(comparisons / seconds / 1e6),
        floor_seconds=round(floor, 4),
        share_of_floor=round(floor / seconds, 3),
        users_per_block=users,
    )


@pytest.mark.parametrize("algorithm", ["popularity", "ease", "item-knn", "bias-only", "mf"])
def test_compile(benchmark, registry, small, algorithm):
    """From nothing to outcomes, with every program compiled anew: how many, and how long they take."""
    data, (one, hyper) = small["implicit"], contestant(registry, algorithm)
    run = Run(full_sample(data.split), hyper, 0)
    training = Training(epochs=1, validate_every=1)
    metrics = metric_functions(COLUMNS, registry)
    jax.clear_caches()
    before, seconds = devices.compilations(), devices.compile_seconds()
    (outcome,) = benchmark.pedantic(
        lambda: run_replicas(data, one, [run], training=training, metrics=metrics), rounds=1
    )
    assert outcome.status == "ok"
    benchmark.extra_info.update(
        programs=devices.compilations() - before, compile_seconds=round(devices.compile_seconds() - seconds, 2)
    )


def test_masks_and_blocks_are_built_once(benchmark, medium, registry):
    """What placing a split costs before the first run: the host's share."""

    def place():
        data = place_split(medium.split)
        shared_ranking_blocks(data, "test", size=256)
        run_masks(data, "test", [full_sample(data.split)], view=Training().view)
        return data

    data = benchmark.pedantic(place, rounds=3)
    assert shared_ranking_blocks(data, "test", size=256) is shared_ranking_blocks(data, "test", size=256)
    masks = [run_masks(data, "test", [full_sample(data.split)], view=Training().view)[0] for _ in range(2)]
    assert masks[0] is masks[1]

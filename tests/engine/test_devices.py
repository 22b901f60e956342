"""What compiling cost and what memory there is; many runs in little memory are cut into batches."""

from __future__ import annotations

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recbench.engine import devices, memory, run
from recbench.engine.run import batch_size


def test_compilations_are_counted_once():
    program = jax.jit(lambda x: jnp.sin(x) * 3 + 1)
    before, seconds = devices.compilations(), devices.compile_seconds()
    program(np.ones(7, np.float32))
    assert devices.compilations() == before + 1
    assert devices.compile_seconds() > seconds
    program(np.zeros(7, np.float32))
    assert devices.compilations() == before + 1
    program(np.zeros(8, np.float32))
    assert devices.compilations() == before + 2


def test_what_is_traced_inside_another_program_counts_once(monkeypatch):
    """An inner trace of a second within one of four, lowering of one: five in all, and one program."""
    meter, event = devices._Meter(), "/jax/core/compile/"
    for end, name, duration in (
        (2.0, "jaxpr_trace", 1.0),
        (4.0, "jaxpr_trace", 4.0),
        (5.5, "jaxpr_to_mlir_module", 1.0),
    ):
        monkeypatch.setattr(devices.time, "monotonic", lambda end=end: end)
        meter.on_duration(f"{event}{name}_duration", duration)
    assert (meter.seconds, meter.count) == (5.0, 0)
    monkeypatch.setattr(devices.time, "monotonic", lambda: 9.0)
    meter.on_duration(f"{event}backend_compile_duration", 2.0)
    meter.on_duration("/jax/another/event", 3.0)
    assert (meter.seconds, meter.count) == (7.0, 1)


def test_jax_reports_all_that_is_counted():
    """Names of events are no part of JAX's interface: one that changes must not go unnoticed."""
    heard = set()
    jax.monitoring.register_event_duration_secs_listener(lambda event, duration, **_: heard.add(event))
    jax.jit(lambda x: jnp.cos(x) * 5 - 2)(np.ones(11, np.float32))
    assert heard.issuperset(devices._COMPILING)


def test_many_programs_are_let_go(monkeypatch):
    program = jax.jit(lambda x: jnp.sin(x) * 7 - 1)
    program(np.ones(5, np.float32))
    before = devices.compilations()
    devices.limit_programs()
    program(np.ones(5, np.float32))
    assert devices.compilations() == before
    monkeypatch.setattr(devices, "_MOST_PROGRAMS", 0)
    devices.limit_programs()
    assert devices.forgotten_programs() == before
    program(np.ones(5, np.float32))
    assert devices.compilations() == before + 1


def test_memory_can_be_given(monkeypatch):
    monkeypatch.setenv("RECBENCH_MEMORY", "3e6")
    assert devices.memory_budget() == 3_000_000
    monkeypatch.delenv("RECBENCH_MEMORY")
    assert devices.memory_budget() > 2**20


class Wide:
    """Popularity with a state of items x items."""

    def fit(self, train, *, hyper, key):
        return jnp.tile(train.item_sums(train.value), (train.num_items, 1))

    def score(self, state, query):
        return jnp.broadcast_to(state[0], (query.users.shape[0], query.num_items))


def test_runs_are_cut_into_batches_that_fit(implicit, bench, sample_of, monkeypatch):
    """In a memory for one run at a time, three runs still come out, in order, as they do together."""
    toy = bench(implicit, Wide, form="solved")
    runs = [toy.run(sample_of(implicit.split, share)) for share in (1.0, 0.5, 0.2)]
    monkeypatch.setattr(memory, "in_turn", lambda: False)  # on a CPU a closed form is solved and scored alone
    assert batch_size(implicit, toy.contestant, runs) > 1
    together = toy.outcomes(*runs)
    monkeypatch.setenv("RECBENCH_MEMORY", "1000")
    assert batch_size(implicit, toy.contestant, runs) == 1
    apart = toy.outcomes(*runs)
    assert len({outcome.metrics["auc"] for outcome in apart}) == 3
    assert [outcome.metrics for outcome in apart] == [pytest.approx(outcome.metrics, abs=1e-6) for outcome in together]
    assert [outcome.cost.samples_processed for outcome in apart] == [len(run.sample.rows) for run in runs]


def test_a_batch_that_a_device_cannot_hold_is_halved(implicit, bench, sample_of, monkeypatch):
    """Until it fits; a single run that does not is skipped, and other errors of the device are errors."""
    toy = bench(implicit, Wide, form="solved")
    runs = [toy.run(sample_of(implicit.split, share)) for share in (1.0, 0.5, 0.2)]
    together, fit_runs, tried = toy.outcomes(*runs), run.fit_runs, []

    def full_above(most, message="RESOURCE_EXHAUSTED: Out of memory"):
        def fit(*arguments, width, **options):
            tried.append(width)
            if width > most:
                raise jax.errors.JaxRuntimeError(message)
            return fit_runs(*arguments, width=width, **options)

        monkeypatch.setattr(run, "fit_runs", fit)

    monkeypatch.setattr(run, "batch_size", lambda *_: 8)
    full_above(1)
    apart = toy.outcomes(*runs)
    assert tried == [4, 2, 1, 1, 1]
    assert [outcome.metrics for outcome in apart] == [pytest.approx(outcome.metrics, abs=1e-6) for outcome in together]
    full_above(0)
    assert {(outcome.status, outcome.reason) for outcome in toy.outcomes(*runs)} == {
        ("skipped", "a device ran out of memory on this run alone")
    }
    full_above(1, "INTERNAL: a bug")
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        toy.outcomes(*runs)


CACHED = """
import sys
from pathlib import Path
import jax, jax.numpy as jnp
from recbench.engine import devices
devices.enable_compilation_cache(Path(sys.argv[1]))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.jit(lambda x: jnp.linalg.inv(x) @ x)(jnp.eye(5)).block_until_ready()
print(devices.cache_hits() > 0)
"""


@pytest.mark.slow
def test_the_next_process_need_not_compile_again(tmp_path):
    found = [
        subprocess.run(
            [sys.executable, "-c", CACHED, str(tmp_path / "cache")],
            capture_output=True, check=True, text=True, env={**os.environ, "JAX_PLATFORMS": "cpu"},
        ).stdout.strip()
        for _ in range(2)
    ]  # fmt: skip
    assert found == ["False", "True"]


def test_products_are_of_full_precision_unless_asked_otherwise():
    program = "import jax; from recbench.engine import devices; print(jax.config.jax_default_matmul_precision)"
    for asked, used in ((None, "highest"), ("bfloat16", "bfloat16")):
        env = {name: value for name, value in os.environ.items() if name != "JAX_DEFAULT_MATMUL_PRECISION"}
        if asked is not None:
            env["JAX_DEFAULT_MATMUL_PRECISION"] = asked
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env)
        assert done.stdout.strip() == used

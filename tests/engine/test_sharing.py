"""Several devices share the runs of a batch: what comes out is what one device gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
import numpy as np, polars as pl
from recbench.bench.roster import metric_functions
from recbench.bench.sample import full_sample
from recbench.contracts.labels import Label, bind
from recbench.contracts.records import Budget, Sample
from recbench.data.frames import frame_dataset
from recbench.data.split import make_split
from recbench.engine import parallel, programs, solve, train
from recbench.engine.run import Contestant, Run, Training, batch_size, fit_runs, place_split, run_replicas
from recbench.registry import Registry

for module in (parallel, programs, solve, train):
    if sys.argv[1] == "shared":
        module.in_turn = lambda: False
random, registry = np.random.default_rng(0), Registry()
user = np.repeat(np.arange(50), 8)
item = np.concatenate([random.choice(25, 8, replace=False) for _ in range(50)])
log = frame_dataset(pl.DataFrame({"user": user, "item": item}), name="log")
data = place_split(make_split(log, feedback="implicit"))
training = Training(epochs=24, validate_every=2, patience=2)
metrics = metric_functions(["auc", "ndcg@10"], registry)
found = {}
for label, values in (("bias-only[batch_size=64]", (0.3, 0.1, 0.001, 0.0005)), ("ease", (1.0, 10.0, 100.0, 1000.0))):
    entry = registry.get("algorithms", Label.parse(label).name)
    contestant, hyper = Contestant(label, entry.spec, entry.load()()), bind(Label.parse(label), entry.spec.hyper)
    name = "l2" if label == "ease" else "learning_rate"
    kept = [np.sort(random.permutation(len(data.split.train))[: 300 - 40 * seed]) for seed in range(4)]
    runs = [
        Run(Sample(rows, "test", Budget(0.9), seed), {**hyper, name: value}, seed)
        for seed, (rows, value) in enumerate(zip(kept, values))
    ]
    outcomes = run_replicas(data, contestant, runs, training=training, metrics=metrics)
    outcomes += run_replicas(data, contestant, runs[:1], training=training, metrics=metrics)
    found[label] = [[outcome.metrics, outcome.cost.epochs] for outcome in outcomes]
    replicas = fit_runs(data, contestant, tuple(runs), training=training, metrics=metrics).replicas
    found[label + " devices"] = len(replicas.key.sharding.device_set)
    found[label + " at once"] = batch_size(data, contestant, runs)
print(json.dumps(found))
"""


def outcomes(way: str, *, devices: int) -> dict:
    env = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
    command = [sys.executable, "-c", PROGRAM, way]
    run = subprocess.run(command, capture_output=True, text=True, env=env, cwd=Path(__file__).parents[2])
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.slow
def test_devices_that_share_runs_give_the_same_as_one():
    one, several = outcomes("in turn", devices=1), outcomes("shared", devices=2)
    for label in ("bias-only[batch_size=64]", "ease"):
        assert (one[f"{label} devices"], several[f"{label} devices"]) == (1, 2)
        assert several[f"{label} at once"] >= 2
        for (wanted, epochs), (metrics, trained) in zip(one[label], several[label], strict=True):
            assert metrics == pytest.approx(wanted, abs=1e-5)
            assert epochs == trained
    assert len({epochs for _, epochs in one["bias-only[batch_size=64]"]}) > 1, (
        "some run stops early, or nothing is dropped"
    )

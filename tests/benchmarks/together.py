"""Many runs in one device program beside one: a JSON line an algorithm, a number of runs and a precision of products.

Ten epochs on a synthetic log of the size of ml-100k, one sample, as many seeds as runs: seconds a run, compilation
apart, and the test metric of seed 0, which is the same in any company. On accelerators with reduced-precision matrix
units, ``--precision default`` shows what those save and what they change.

``python tests/benchmarks/together.py [LABEL ...] [--runs 1 16 64] [--precision highest default]``
"""

from __future__ import annotations

import argparse
import time

import jax
from contestants import contestant
from lines import say
from recbench_datasets.config import SyntheticConfig
from recbench_datasets.synthetic import generate

from recbench import make_split
from recbench.bench.environment import programs_folder
from recbench.bench.roster import metric_functions
from recbench.bench.sample import full_sample
from recbench.engine import devices
from recbench.engine.run import Run, Training, place_split, run_replicas
from recbench.registry import Registry

LIKE_ML_100K = SyntheticConfig(name="bench", users=943, items=1_682, rows=100_000)
EPOCHS = 10


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("labels", nargs="*", default=["bias-only", "mf", "neumf", "mvae", "sasrec", "ease"])
    parser.add_argument("--runs", type=int, nargs="*", default=[1, 16])
    parser.add_argument("--precision", nargs="*", default=["highest"])
    asked = parser.parse_args()
    devices.enable_compilation_cache(programs_folder())
    registry, log = Registry(), generate(LIKE_ML_100K)[0]
    placed = {each: place_split(make_split(log, feedback=each)) for each in ("implicit", "sequential")}
    training = Training(epochs=EPOCHS, validate_every=EPOCHS, select="auc")
    metrics = metric_functions(("auc", "ndcg@10"), registry)
    for precision in asked.precision:
        for label in asked.labels:
            one, hyper = contestant(registry, label)
            data = placed["implicit" if "implicit" in one.spec.feedback else "sequential"]
            sample = full_sample(data.split)
            for runs in asked.runs:
                chosen = tuple(Run(sample, hyper, seed) for seed in range(runs))
                with jax.default_matmul_precision(precision):
                    seconds = []
                    for _ in range(2):  # the first compiles
                        began, compiling = time.perf_counter(), devices.compile_seconds()
                        outcomes = run_replicas(data, one, chosen, training=training, metrics=metrics)
                        spent = time.perf_counter() - began - (devices.compile_seconds() - compiling)
                        seconds.append(round(spent / runs, 4))
                first = outcomes[0]
                say({"device": jax.devices()[0].device_kind, "precision": precision, "algorithm": label, "runs": runs,
                     "seconds_a_run": seconds[-1], "status": first.status,
                     **{name: round(value, 5) for name, value in first.metrics.items()}})  # fmt: skip


if __name__ == "__main__":
    main()

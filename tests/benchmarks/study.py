"""The fifteen runs of the sampling study's table on ml-100k, alone and sixteen at a time, compilation apart.

Latent size 8, batches of 1,024 interactions or users, histories of 100, at most 100 epochs (MF and NeuMF stages too), a
validation every 5, stopped after 5 without a gain. Prints a JSON line a row: seconds a run, epochs, the test metric.

``RECBENCH_DATA=... python tests/benchmarks/study.py [LABEL ...]``
"""

from __future__ import annotations

import json
import sys
import time

from contestants import contestant

from recbench import load_dataset, make_split
from recbench.bench.roster import metric_functions
from recbench.bench.sample import full_sample
from recbench.contracts.labels import Label
from recbench.engine import devices
from recbench.engine.run import Run, Training, place_split, run_replicas
from recbench.registry import Registry

AUTHORS = {
    ("explicit", "bias-only"): (18, 0.869),
    ("explicit", "mf"): (6, 0.847),
    ("explicit", "neumf"): (22, 0.831),
    ("implicit", "bias-only"): (18, 40.4),
    ("implicit", "mf"): (32, 66.1),
    ("implicit", "neumf"): (150, 67.6),
    ("implicit", "mvae"): (21, 59.3),
    ("implicit", "popularity"): (1, 42.1),
    ("sequential", "bias-only"): (24, 29.6),
    ("sequential", "mf"): (39, 48.6),
    ("sequential", "neumf"): (158, 50.3),
    ("sequential", "mvae"): (6, 42.0),
    ("sequential", "sasrec"): (188, 45.8),
    ("sequential", "svae"): (266, 56.1),
    ("sequential", "popularity"): (1, 31.6),
}
"""Seconds of a run and its test metric (MSE; HR@100 in percent) with the authors' code on the same two cores, once."""

TUNED = {
    "neumf": "latent=8,layers=2",
    "mf": "latent=8",
    "mvae": "latent=8,batch_size=1024",
    "sasrec": "latent=8,batch_size=1024,learning_rate=0.006",
    "svae": "latent=8,hidden=24,batch_size=1024,learning_rate=0.02",
}
METRIC = {"explicit": "mse", "implicit": "hr@100", "sequential": "hr@100"}
SELECT = {"explicit": "mse", "implicit": "auc", "sequential": "hr@100"}
BATCH = 16


def measured(data, registry, label: str, runs: int) -> tuple[float, list]:
    one, hyper = contestant(registry, label)
    training = Training(select=SELECT[data.feedback])
    columns = dict.fromkeys((METRIC[data.feedback], training.select))
    chosen = [Run(full_sample(data.split), hyper, seed) for seed in range(runs)]
    began, compiling = time.perf_counter(), devices.compile_seconds()
    outcomes = run_replicas(data, one, chosen, training=training, metrics=metric_functions(columns, registry))
    return time.perf_counter() - began - (devices.compile_seconds() - compiling), outcomes


def main(wanted: list[str]) -> None:
    registry, dataset = Registry(), load_dataset("ml-100k")
    placed = {feedback: place_split(make_split(dataset, feedback=feedback)) for feedback in METRIC}
    for (feedback, name), (authors, quality) in AUTHORS.items():
        labels = [label for label in wanted if Label.parse(label).name == name] if wanted else [name]
        for label in labels:
            if label == name and name in TUNED:
                label = f"{name}[{TUNED[name]}]"
            row = {"feedback": feedback, "algorithm": label, "authors_seconds": authors, "authors_metric": quality}
            for runs in (1, BATCH):
                measured(placed[feedback], registry, label, runs)  # compiles
                seconds, outcomes = measured(placed[feedback], registry, label, runs)
                metric = METRIC[feedback]
                scale = 1 if metric == "mse" else 100
                values = [scale * outcome.metrics.get(metric, float("nan")) for outcome in outcomes]
                each = seconds / runs
                row |= {f"seconds_{runs}": round(each, 3), f"ratio_{runs}": round(authors / each, 1)}
                row |= {f"metric_{runs}": round(sum(values) / runs, 4), "epochs": [o.cost.epochs for o in outcomes][:4]}
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])

"""Algorithms on full data beside published figures: a JSON line a point, best by validation last, full ranking.

``implicit`` is the given split of MovieLens-1M, tuned by validation HR@100 over the points below; ``sequential`` is
the same file, the last two rows of every user held out. One run a point, seed 0.

``python tests/benchmarks/quality.py implicit|sequential RATINGS.parquet [ALGORITHM ...]``
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from contestants import contestant
from lines import say

from recbench import load_dataset, make_split
from recbench.bench.environment import programs_folder
from recbench.bench.roster import metric_functions
from recbench.bench.sample import full_sample
from recbench.contracts.labels import Label
from recbench.engine import devices
from recbench.engine.run import Run, Training, place_split, run_replicas
from recbench.registry import Registry

POINTS = {
    "implicit": {
        "ease[l2=200]": 200,
        "ease[l2=500]": 200,
        "ease[l2=1000]": 200,
        "ease[l2=2000]": 200,
        "ials[latent=128]": 200,
        "ials[latent=256]": 200,
        "item-knn[neighbours=100,weighting=tf-idf]": 200,
        "item-knn[neighbours=200,weighting=tf-idf]": 200,
        "item-knn[neighbours=200,weighting=bm25]": 200,
        "mf[latent=64,batch_size=8192,learning_rate=0.003,l2=0.003,dropout=0.0]": 200,
        "neumf[latent=16,layers=2,batch_size=8192,learning_rate=0.003,dropout=0.3]": 60,
        "mvae[latent=64,batch_size=500,learning_rate=0.002,dropout=0.5,anneal_epochs=50]": 150,
        "lightgcn[latent=64,layers=2,l2=0.001,batch_size=65536,learning_rate=0.01]": 200,
    },
    "sequential": {
        "gru4rec[latent=64,length=200,dropout=0.2,batch_size=128]": 15,
        "sasrec[latent=50,length=200,dropout=0.2,learning_rate=0.002]": 80,
    },
}
"""Points to try and the most epochs of each (of each stage)."""
PUBLISHED = {
    "implicit": {"ease": 29.88, "mf": 25.65, "neumf": 24.44, "mvae": 22.14, "lightgcn": 28.85},
    "sequential": {"sasrec": 12.6},
}
"""nDCG@10 in percent: Sachdeva et al., Infinite Recommendation Networks (2022), table 1; SASRec as often reproduced."""
METRICS = ("ndcg@10", "hr@10", "hr@100")
PROTOCOL = {"implicit": "given", "sequential": "leave-two-out"}


def main(feedback: str, file: Path, wanted: list[str]) -> None:
    devices.enable_compilation_cache(programs_folder())
    registry = Registry()
    data = place_split(make_split(load_dataset(file), feedback=feedback, protocol=PROTOCOL[feedback]))
    best: dict[str, dict] = {}
    for label, epochs in POINTS[feedback].items():
        name = Label.parse(label).name
        if wanted and name not in wanted:
            continue
        row = measured(data, registry, label, epochs)
        say(row)
        best[name] = max(best.get(name, row), row, key=lambda each: each["validation_hr@100"])
    for name, row in best.items():
        say({"best": name, "published": PUBLISHED[feedback].get(name), **row})


def measured(data, registry: Registry, label: str, epochs: int) -> dict:
    one, hyper = contestant(registry, label)
    training = Training(history="full", select="hr@100", epochs=epochs)
    began = time.perf_counter()
    runs = [Run(full_sample(data.split), hyper, 0)]
    [outcome] = run_replicas(data, one, runs, training=training, metrics=metric_functions(METRICS, registry))
    if outcome.status != "ok":
        return {"algorithm": label, "status": outcome.status, "reason": outcome.reason, "validation_hr@100": -1.0}
    figures = {metric: round(100 * outcome.metrics[metric], 2) for metric in METRICS}
    return {
        "algorithm": label,
        **figures,
        "validation_hr@100": round(100 * outcome.validation, 2),
        "epochs": outcome.cost.epochs,
        "wall_seconds": round(time.perf_counter() - began, 1),
    }


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])

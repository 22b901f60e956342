"""Draws and splits a synthetic log in a process of its own and prints seconds and peak memory of each step as JSON.

``python tests/benchmarks/scale.py synthetic-netflix``
"""

from __future__ import annotations

import json
import sys
import time

from lines import peak_gib

from recbench import load_dataset, make_split


def main(name: str) -> None:
    steps: dict[str, float] = {}
    begin = time.perf_counter()
    dataset = load_dataset(name)
    _note(steps, "generate", begin)
    begin = time.perf_counter()
    split = make_split(dataset, feedback="implicit")
    _note(steps, "split", begin)
    sizes = {
        "users": split.num_users,
        "items": split.num_items,
        "train": len(split.train),
        "validation": len(split.validation),
        "test": len(split.test),
    }
    sys.stdout.write(json.dumps(sizes | steps) + "\n")


def _note(steps: dict[str, float], step: str, begin: float) -> None:
    steps[f"{step}_seconds"] = round(time.perf_counter() - begin, 1)
    steps[f"{step}_peak_gib"] = peak_gib()


if __name__ == "__main__":
    main(sys.argv[1])

"""Reads a csv in a process of its own and prints seconds, CPU seconds and peak memory as JSON.

``python tests/benchmarks/reading.py ratings.csv dataset|bare``; ``bare`` is Polars' own reader, nothing else.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import polars as pl
from lines import peak_gib

from recbench import load_dataset


def main(path: Path, how: str) -> None:
    begin = time.perf_counter()
    rows = len(load_dataset(path).interactions) if how == "dataset" else pl.read_csv(path).height
    found = {
        "rows": rows,
        "seconds": round(time.perf_counter() - begin, 2),
        "cpu_seconds": round(time.process_time(), 2),
        "peak_gib": peak_gib(),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

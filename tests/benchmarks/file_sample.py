"""``recbench sample`` from a csv to a csv, in a process of its own: seconds and peak memory as a JSON line.

The log has four columns, as a public log of films: users as busy and items as popular as Zipf has it.

``python tests/benchmarks/file_sample.py [ROWS] [LABEL ...]``
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from lines import peak_gib, say


def main(rows: int, labels: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "ratings.csv"
        draw(rows).write_csv(log)
        say({"rows": rows, "gib": round(log.stat().st_size / 2**30, 2)})
        for label in labels:
            out = Path(folder) / "out.csv"
            command = [sys.executable, "-m", "recbench", "sample", str(log), "-o", str(out), "--sampler", label]
            began = time.perf_counter()
            done = subprocess.run([*command, "--keep", "10%", "--force"], capture_output=True, text=True)
            seconds = round(time.perf_counter() - began, 1)
            peak = peak_gib(resource.RUSAGE_CHILDREN)  # of all children so far
            say({"sampler": label, "seconds": seconds, "peak_gib": peak, "code": done.returncode, "said": done.stderr})


def draw(rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    users, items = (np.minimum(rng.zipf(a, rows), most) for a, most in ((1.2, 162_541), (1.3, 59_047)))
    users = rng.permutation(162_542)[users]  # the busy ones stand anywhere
    times = rng.integers(789_652_009, 1_574_327_703, rows)
    ratings = rng.integers(1, 11, rows) / 2
    return pl.DataFrame({"userId": users, "movieId": items, "rating": ratings, "timestamp": times}).sort("userId")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25_000_095, sys.argv[2:] or ["random"])

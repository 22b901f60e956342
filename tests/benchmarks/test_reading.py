"""How long 20 million rows of csv take to become a data set, and Polars' reader alone: figures in ``extra_info``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROWS, USERS, ITEMS = 20_000_263, 138_493, 26_744  # as many as ml-20m has


@pytest.fixture(scope="module")
def ratings(tmp_path_factory) -> Path:
    """A csv of the shape of ml-20m: sorted by user, times at random."""
    random = np.random.default_rng(0)
    item_ids = np.sort(random.choice(131_263, ITEMS, replace=False) + 1)
    frame = pl.DataFrame(
        {
            "userId": np.sort(random.integers(1, USERS + 1, ROWS)),
            "movieId": item_ids[(random.random(ROWS) ** 3 * ITEMS).astype(np.int64)],
            "rating": random.integers(1, 11, ROWS) / 2,
            "timestamp": random.integers(789_652_004, 1_427_784_002, ROWS),
        }
    )
    path = tmp_path_factory.mktemp("ratings") / "ratings.csv"
    frame.write_csv(path)
    return path


@pytest.mark.parametrize("how", ["bare", "dataset"])
def test_read_20_million_rows(benchmark, ratings, how):
    command = [sys.executable, str(Path(__file__).with_name("reading.py")), str(ratings), how]
    run = benchmark.pedantic(
        subprocess.run, args=(command,), kwargs={"capture_output": True, "check": True, "text": True}, rounds=1
    )
    benchmark.extra_info.update(json.loads(run.stdout))

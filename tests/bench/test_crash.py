"""kill -9 at random moments: nothing stored is computed twice, and the end is that of an uninterrupted run."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from recbench.bench.store import Store

SUITE = """
name = "crash"
version = 1
summary = "Small enough to be killed often."
datasets = ["synthetic-tiny"]
feedback = ["implicit"]
samplers = ["random", "head"]
budgets = ["60%", "40%"]
[protocol]
select = { implicit = "auc" }
epochs = 4
validate_every = 2
[seeds]
full = [0, 1]
[metrics]
implicit = ["auc", "hr@10"]
[algorithms.implicit]
popularity = {}
mf = { latent = [4, 8], l2 = [0.0, 0.01] }
ease = { l2 = [1.0, 10.0] }
"""
KILLS = 3


def start(suite: Path, store: Path) -> subprocess.Popen[bytes]:
    script = "from recbench.cli.main import main; main()"
    command = [sys.executable, "-c", script, "run", str(suite), "--store", str(store), "--json", "--offline"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def parts(store: Path) -> int:
    return len(list(store.glob("part-*.parquet")))


def kill_after_a_part(suite: Path, store: Path, moment: random.Random) -> None:
    """Lets a run store something new, waits a random moment, and kills it."""
    before = parts(store)
    process = start(suite, store)
    while parts(store) == before and process.poll() is None:
        time.sleep(0.01)
    time.sleep(moment.uniform(0, 0.3))
    process.kill()
    process.communicate()
    assert process.returncode == -9, "it was killed before it was through"


@pytest.mark.slow
def test_killed_three_times_it_ends_as_if_it_never_was(tmp_path: Path) -> None:
    suite = tmp_path / "crash.toml"
    suite.write_text(SUITE)
    moment = random.Random(0)
    for _ in range(KILLS):
        kill_after_a_part(suite, tmp_path / "killed", moment)
    for store in ("killed", "whole"):
        process = start(suite, tmp_path / store)
        _, said = process.communicate()
        assert process.returncode == 0, said.decode()
    rows = Store(tmp_path / "killed").rows()
    assert rows.height == rows.unique(["cell", "metric"]).height, "no stored cell is computed again"
    killed, whole = (
        Store(tmp_path / store).frame().select("cell", "metric", "status", "value").sort("cell", "metric")
        for store in ("killed", "whole")
    )
    assert killed.drop("value").equals(whole.drop("value"))
    assert (killed["value"] - whole["value"]).abs().max() < 1e-5  # type: ignore[operator]
    finished = killed.filter(pl.col("status") == "ok")
    assert finished.height == 2 * (4 + 2 + 3 * (1 + 4) - 2), "both metrics of the grids and all that follows them"

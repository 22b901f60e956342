"""How long a command line takes before it does anything."""

from __future__ import annotations

import subprocess
import sys

from recbench.registry import KINDS, Registry


def test_help(benchmark):
    benchmark.pedantic(subprocess.run, ([sys.executable, "-m", "recbench", "--help"],), {"stdout": -3}, rounds=5)


def test_discovery(benchmark):
    benchmark(lambda: [Registry().all(kind) for kind in KINDS])

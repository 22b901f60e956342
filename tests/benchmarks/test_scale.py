"""How long a log takes to draw and split, and the most memory that needs: the figures stand in ``extra_info``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["synthetic-medium", "synthetic-netflix"])
def test_generate_and_split(benchmark, name):
    command = [sys.executable, str(Path(__file__).with_name("scale.py")), name]
    run = benchmark.pedantic(
        subprocess.run, args=(command,), kwargs={"capture_output": True, "check": True, "text": True}, rounds=1
    )
    benchmark.extra_info.update(json.loads(run.stdout))

"""What the benchmarks print: JSON lines, and the peak of memory."""

from __future__ import annotations

import json
import resource
import sys
from typing import Any


def say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def peak_gib(of: int = resource.RUSAGE_SELF) -> float:
    """The most memory that this process (or the largest of its children) has held so far, GiB."""
    return round(resource.getrusage(of).ru_maxrss / 2**20, 2)

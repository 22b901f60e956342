"""Where long work stands, in a file: arrays and a few facts, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

Arrays = Mapping[str, NDArray[Any]]


def save(path: Path, arrays: Arrays, facts: Mapping[str, Any]) -> None:
    """Replaces the file.

    Args:
      facts: what JSON can hold.
    """
    temporary = path.with_name(f"{path.name}.new")
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    save_file(contiguous, temporary, metadata={"facts": json.dumps(facts)})
    os.replace(temporary, path)


def load(path: Path, *, of: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
    """What was saved; None where there is no file, or its fact ``of`` is another: that of other work."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {}).get("facts", "{}"))
            if facts.get("of") != of:
                return None
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118
    except (SafetensorError, ValueError):  # of a foreign format
        return None

"""Seeds and keys from named axes: no global generator, and no draw depends on what else is drawn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recbench.contracts.records import ParameterValue

Axes = Mapping[str, ParameterValue | None]


def digest(axes: Axes) -> str:
    """Stable sha256 of named axes: equal on every machine, Python version and order of the names.

    >>> digest({"seed": 1, "sampler": "random"}) == digest({"sampler": "random", "seed": 1})
    True
    """
    text = json.dumps(dict(axes), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def generator(**axes: ParameterValue | None) -> np.random.Generator:
    """NumPy generator seeded from the axes."""
    return np.random.Generator(np.random.PCG64(int(digest(axes), 16)))


def key_data(**axes: ParameterValue | None) -> NDArray[np.uint32]:
    """Raw data of a JAX threefry key, uint32 [2]; wrapped on the device, so that making keys compiles nothing."""
    return np.frombuffer(bytes.fromhex(digest(axes)[:16]), dtype=">u4").astype(np.uint32)

"""Loops over the nodes and edges of a graph, compiled as they are imported, so that no sampler waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Visit = Callable[
    ["NDArray[np.int64]", "NDArray[np.int32]", "NDArray[np.int64]", float, np.random.Generator], "NDArray[np.int64]"
]
"""From starts, neighbours, seeds, a chance and a source of randomness to each node's place: see ``earlier_first``."""

_NODES = numba.int64[::1]
_SIGNATURE = _NODES(_NODES, numba.int32[::1], _NODES, numba.float64, numba.types.npy_rng)


def compiled(visit: Visit) -> Visit:
    """Machine code of ``visit``: kept beside the package or in the user's cache, or, where neither can be written, in
    this process alone.
    """
    try:
        return cast("Visit", numba.njit(_SIGNATURE, cache=True)(visit))
    except RuntimeError:  # Numba says so when it finds no folder for its cache.
        return cast("Visit", numba.njit(_SIGNATURE)(visit))

"""A few row numbers that stand for a sample: two sketches tell about how many rows two samples have in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIZE = 256
"""Row numbers of a sketch, at most."""

Rows = NDArray[np.int64]


class Overlap(NamedTuple):
    """Rows that two samples have in common, as a share of the larger one."""

    share: float
    error: float  # standard error of the share; 0 where the sketches hold all rows


def sketch(rows: Rows) -> Rows:
    """The kept rows whose hashes are the lowest, int64 [at most 256], increasing.

    Source: Broder, On the resemblance and containment of documents, 1997: bottom-k sketches.
    """
    return np.sort(rows[np.argsort(_hashes(rows), kind="stable")[:SIZE]])


def overlap(first: Rows, second: Rows, *, sizes: tuple[int, int]) -> Overlap:
    """About how far two samples agree, from their sketches.

    Of the 256 lowest hashes of both together, those in both sketches give the Jaccard index of the samples.

    Args:
      sizes: rows of each sample.

    >>> rows = np.arange(0, 3000, 3)
    >>> overlap(sketch(rows), sketch(rows), sizes=(1000, 1000))
    Overlap(share=1.0, error=0.0)
    """
    both = np.union1d(first, second)
    lowest = both[np.argsort(_hashes(both), kind="stable")[:SIZE]]
    if not len(lowest):
        return Overlap(1.0, 0.0)
    jaccard = float(np.isin(lowest, np.intersect1d(first, second)).mean())
    error = 0.0 if max(sizes) <= SIZE else float(np.sqrt(jaccard * (1 - jaccard) / len(lowest)))
    scale = sum(sizes) / max(sizes)
    return Overlap(min(1.0, scale * jaccard / (1 + jaccard)), scale * error / (1 + jaccard) ** 2)


def _hashes(rows: Rows) -> NDArray[np.uint64]:
    """Well mixed numbers, the same everywhere (the finaliser of SplitMix64; Steele, Lea, Flood, OOPSLA 2014)."""
    mixed = rows.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))

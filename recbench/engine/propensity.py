"""Propensities: how likely a relevant interaction is to be observed at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def inverse_propensity(
    counts: ArrayLike, *, num_interactions: int, a: float = 0.55, b: float = 1.5
) -> NDArray[np.float64]:
    """Inverse propensity of each item (or user): how much rarer an observation of it is than a relevance.

    1/p = 1 + C (f + B)^-A with C = (ln n - 1)(B + 1)^A; C is taken as 0 for n < e, where it would be negative.

    Args:
      counts: interactions of each item (or user) in the full train set, f, shape [m].
      num_interactions: interactions of the full train set in all, n.
      a, b: A and B of the model; the defaults are the source's.

    Returns:
      1/p, float64 [m], at least 1, decreasing in the count.

    Source: Jain, Prabhu, Varma, KDD 2016, section 4.

    >>> inverse_propensity([0, 10, 1000], num_interactions=100_000).round(3)
    array([14.923,  5.542,  1.389])
    """
    scale = max(0.0, math.log(max(1, num_interactions)) - 1) * (b + 1) ** a
    inverse: NDArray[np.float64] = 1 + scale * (np.asarray(counts, dtype=np.float64) + b) ** -a
    return inverse

"""Statistics of rankings: Kendall's tau-b over many replicates at once, regret, paired differences, Holm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

Floats = NDArray[np.float64]


def pair_signs(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Who beats whom: sign of the difference for each pair (first < second) of the last axis.

    Args:
      values: [..., algorithms]; NaN where missing.

    Returns:
      1, 0 or -1, NaN where one of the two is missing; float32 [..., pairs], pairs in the order of ``np.triu_indices``.
    """
    first, second = np.triu_indices(values.shape[-1], k=1)
    return np.sign(values[..., first] - values[..., second]).astype(np.float32)


def tau_b(first: NDArray[np.float32], second: NDArray[np.float32]) -> Floats:
    """Kendall's tau-b of rankings that are given as signs of pairs.

    Concordant less discordant pairs, over the geometric mean of the pairs that are not tied on either side.

    Args:
      first, second: from :func:`pair_signs`, [..., pairs]; leading axes broadcast.

    Returns:
      float64 [...]; NaN where a side is constant or a value is missing.
    """
    agree = np.einsum("...p,...p->...", first, second).astype(np.float64)
    untied = np.einsum("...p,...p->...", first, first) * np.einsum("...p,...p->...", second, second).astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(untied > 0, agree / np.sqrt(np.where(untied > 0, untied, 1)), np.nan)


def top_regret(truth: Floats, picked: Floats) -> Floats:
    """What is lost in ``truth`` by taking the best of ``picked``; the mean over its winners where several tie.

    Args:
      truth, picked: higher is better, [..., algorithms].

    Returns:
      At least 0, in units of ``truth``, [...]; NaN where a value is missing.
    """
    winners = picked == picked.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        mean = np.where(winners, truth, 0).sum(axis=-1) / winners.sum(axis=-1)
    return np.asarray(truth.max(axis=-1) - mean)


def paired_p_value(
    difference: Floats, replicates: NDArray[np.floating], *, seeds: tuple[Floats, Floats] | None = None
) -> Floats:
    """Two-sided p-value of a difference, from its paired bootstrap replicates.

    The replicates give the standard error and the normal distribution the tail: 200 of them cannot resolve what is left
    after a correction for many comparisons. Where they all agree, the p-value is what 200 can resolve.

    Args:
      difference: [...].
      replicates: of the difference, [..., replicates].
      seeds: what training seeds add: the variance of the difference and its degrees of freedom, [...] each; the tail
        is then Student's, after Satterthwaite (1946).

    Returns:
      In (0, 1], [...]; NaN where something is missing.
    """
    count = replicates.shape[-1]
    if count < 2:
        return np.full(difference.shape, np.nan)
    variance, of_seeds = replicates.var(axis=-1, ddof=1, dtype=np.float64), seeds[0] if seeds else 0.0
    spread = np.sqrt(variance + of_seeds)
    constant = spread <= 1e-9 * np.abs(difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = seeds[1] * (1 + variance / of_seeds) ** 2 if seeds else np.inf
        p_value = 2 * stdtr(
            np.where(of_seeds == 0, np.inf, freedom), -np.abs(difference) / np.where(constant, np.nan, spread)
        )
    resolved = np.where(difference == 0, 1.0, 2 / (count + 1))
    missing = np.isnan(difference) | np.isnan(spread)
    return np.asarray(np.where(missing, np.nan, np.where(constant, resolved, p_value)))


def pair_differences(values: Floats, replicates: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """By how much each algorithm is ahead of each other one in the mean over its runs, and whether that is chance.

    The test users are resampled, the same for all; that other training seeds would give other means counts too, as far
    as the runs tell. The correction is over all pairs, for which of them stand side by side shows in the data alone.

    Args:
      values: [runs, algorithms], one run a training seed; NaN where missing.
      replicates: [runs, algorithms, replicates].

    Returns:
      Differences and p-values after Holm, [pairs] in the order of ``np.triu_indices``; NaN where one is missing.
    """
    runs, algorithms = values.shape
    first, second = np.triu_indices(algorithms, k=1)
    mean, resampled = values.mean(axis=0), replicates.mean(axis=0, dtype=np.float64)
    difference = mean[first] - mean[second]
    seeds = None
    if runs > 1:
        variance = values.var(axis=0, ddof=1) / runs
        both = variance[first] + variance[second]
        with np.errstate(invalid="ignore"):
            seeds = both, (runs - 1) * both**2 / (variance[first] ** 2 + variance[second] ** 2)
    return difference, holm(paired_p_value(difference, resampled[first] - resampled[second], seeds=seeds))


def holm(p_values: Floats) -> Floats:
    """p-values corrected for their number after Holm (1979), [tests]; missing ones (NaN) stay so and do not count.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    corrected = np.full(p_values.shape, np.nan)
    present = np.flatnonzero(~np.isnan(p_values))
    order = present[np.argsort(p_values[present], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return corrected

"""How far a sampler keeps the ranking of the algorithms that the full data give."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recbench.bench.ranking import Floats, pair_differences, pair_signs, tau_b, top_regret
from recbench.bench.scores import Contest, Roster, Runs, contests
from recbench.contracts.errors import UnknownNameError
from recbench.contracts.labels import Label
from recbench.contracts.records import Agreement
from recbench.registry import Registry, default

LEVEL = 0.05
"""Algorithms differ significantly on the full data when their corrected p-value is below this."""

FIXED = "no ceiling: all algorithms are deterministic"


def agreement(
    results: pl.DataFrame, *, algorithms: Roster | None = None, registry: Registry | None = None
) -> list[Agreement]:
    """Kendall's tau-b between the rankings on samples and on the full data, with its interval, ceiling and cost.

    Args:
      results: a store's frame, failed cells and all points of the grids included.
      algorithms: over which algorithms, by feedback type; None: all that the results of a data set name.

    Returns:
      One a (data set, feedback, noise, metric, sampler, budget). Where a cell is missing, tau is None and ``reason``
      says why; where every algorithm is deterministic, no seed moves the ranking and the ceiling is None.

    Raises:
      ParameterError: the results of one data set were made under several settings.
    """
    return [each.agreement for each in measured(results, algorithms=algorithms, registry=registry)]


@dataclass(frozen=True, slots=True)
class Measured:
    """An agreement with the replicates of its tau."""

    agreement: Agreement
    replicates: NDArray[np.float64] | None  # [replicates], paired between samplers; None: no tau, or none are stored


def measured(
    results: pl.DataFrame,
    *,
    algorithms: Roster | None = None,
    registry: Registry | None = None,
    fixed: Collection[str] | None = None,
) -> list[Measured]:
    """The same as :func:`agreement`, with what averages and comparisons rest on.

    Args:
      fixed: labels of the algorithms that no seed moves; None: as they are registered.
    """
    known = registry or default()
    found: list[Measured] = []
    for contest in contests(results, registry=known, algorithms=algorithms):
        without_seed = [x for x in contest.algorithms if (_deterministic(x, known) if fixed is None else x in fixed)]
        truth = _truth(contest, len(without_seed))
        found += [_measured(contest, truth, place, runs) for place, runs in contest.samples.items()]
    return found


def agreement_frame(found: Sequence[Agreement]) -> pl.DataFrame:
    """The same as a frame, one column a field; None is null."""
    types = {name: pl.String() for name in ("dataset", "feedback", "metric", "sampler", "budget", "reason")}
    counts = {name: pl.Int64() for name in ("num_algorithms", "num_deterministic", "significant_pairs")}
    schema = {field.name: {**types, **counts}.get(field.name, pl.Float64()) for field in fields(Agreement)}
    return pl.DataFrame([asdict(each) for each in found], schema=schema, orient="row")


@dataclass(frozen=True, slots=True)
class Tau:
    """Kendall's tau-b of a sampler, with its replicates."""

    value: float | None
    replicates: NDArray[np.float64] | None  # [replicates], paired between samplers
    reason: str  # why there is none


def sample_tau(contest: Contest, runs: Runs) -> Tau:
    """Mean tau-b over pairs of a full-data seed i and a run on a sample with a training seed j != i.

    Where there is only one seed in all, that pair counts.
    """
    full = contest.full
    if full.missing:
        return Tau(None, None, f"on the full data, {full.missing}")
    if runs.missing:
        return Tau(None, None, runs.missing)
    if len(contest.algorithms) < 2:
        return Tau(None, None, "a ranking needs at least two algorithms")
    first, second = seed_pairs(full, runs)
    value = float(tau_b(full.signs[first], runs.signs[second]).mean())
    if np.isnan(value):
        return Tau(None, None, "all algorithms score the same on one side")
    if full.replicates.shape[2] != runs.replicates.shape[2]:
        return Tau(value, None, "")
    replicates = tau_b(full.replicate_signs[first], runs.replicate_signs[second]).mean(axis=0)
    return Tau(value, None if not replicates.size or np.isnan(replicates).any() else replicates, "")


def seed_pairs(full: Runs, runs: Runs) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which runs are compared: row numbers of the full-data runs and of the runs on samples."""
    differ = full.seeds[:, None] != runs.seeds
    first, second = np.nonzero(differ if differ.any() else ~differ)
    return first, second


@dataclass(frozen=True, slots=True)
class _Truth:
    """What the full data alone say."""

    ceiling: float | None
    num_deterministic: int
    fixed: bool  # all of them are: runs with other seeds are the same run
    significant: NDArray[np.bool_]  # [pairs]
    signs: NDArray[np.float32]  # [pairs], of the mean over the seeds


def _truth(contest: Contest, deterministic: int) -> _Truth:
    full = contest.full
    fixed = deterministic == len(contest.algorithms)
    if full.missing:
        none = np.zeros(0)
        return _Truth(None, deterministic, fixed, none.astype(bool), none.astype(np.float32))
    pairs = list(combinations(range(len(full.seeds)), 2))
    taus = np.array([tau_b(full.signs[one], full.signs[other]) for one, other in pairs])
    ceiling = float(taus.mean()) if len(taus) and not fixed and not np.isnan(taus).any() else None
    _, p_values = pair_differences(full.values, full.replicates)
    return _Truth(ceiling, deterministic, fixed, p_values < LEVEL, pair_signs(full.values.mean(axis=0)))


def _deterministic(label: str, registry: Registry) -> bool:
    try:
        return bool(registry.get("algorithms", Label.parse(label).name).spec.deterministic)
    except UnknownNameError:  # results of a plugin that is not here
        return False


def _measured(contest: Contest, truth: _Truth, place: tuple[str, str], runs: Runs) -> Measured:
    tau = sample_tau(contest, runs)
    return Measured(_agreement(contest, truth, place, runs, tau), tau.replicates)


def _agreement(contest: Contest, truth: _Truth, place: tuple[str, str], runs: Runs, tau: Tau) -> Agreement:
    low, high = (None, None) if tau.replicates is None else np.percentile(tau.replicates, [2.5, 97.5]).tolist()
    complete = not (contest.full.missing or runs.missing)
    regret, accuracy, share, speedup = _costs_of_trust(contest.full, runs, truth) if complete else (None,) * 4
    positive = truth.ceiling is not None and truth.ceiling > 0
    return Agreement(
        dataset=contest.dataset,
        feedback=contest.feedback,
        metric=contest.metric,
        sampler=place[0],
        budget=place[1],
        num_algorithms=len(contest.algorithms),
        tau=tau.value,
        tau_low=low,
        tau_high=high,
        ceiling=truth.ceiling,
        num_deterministic=truth.num_deterministic,
        share_of_ceiling=tau.value / truth.ceiling if positive and tau.value is not None and truth.ceiling else None,
        regret=regret,
        pair_accuracy=accuracy,
        significant_pairs=int(truth.significant.sum()),
        samples_share=share,
        speedup=speedup,
        noise=contest.noise,
        reason="; ".join(filter(None, (tau.reason or (FIXED if truth.fixed else ""), *_left_out(contest)))),
    )


def _left_out(contest: Contest) -> Iterator[str]:
    return (f"{name} is not ranked: on the full data, skipped: {why}" for name, why in contest.left_out.items())


def _costs_of_trust(full: Runs, runs: Runs, truth: _Truth) -> tuple[float | None, ...]:
    """Regret, pair accuracy, share of samples processed, speed-up."""
    first, second = seed_pairs(full, runs)
    regret = top_regret(full.values[first], runs.values[second]).mean()
    right = 0.5 + 0.5 * truth.signs[truth.significant] * runs.signs[:, truth.significant]
    # A sample is drawn once for all algorithms, whoever of them pays: so is its time counted.
    seconds = runs.seconds.sum(axis=1) + runs.sampler_seconds.max(axis=1)
    # Of the runs on full data the fastest counts: one that ran while a grid was searched must not flatter samples.
    fastest = full.seconds.min(axis=0).sum(keepdims=True)
    return (
        _number(regret),
        _number(right.mean()) if right.size else None,
        _ratio(runs.samples.sum(axis=1), full.samples.sum(axis=1)),
        _ratio(fastest, seconds),
    )


def _ratio(above: Floats, below: Floats) -> float | None:
    """Of the means over runs."""
    return _number(above.mean() / below.mean()) if below.mean() > 0 else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

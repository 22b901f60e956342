"""Whether results are all that a suite asks for, cell by cell: what is missing of them, and what is too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import polars as pl

from recbench.bench.cells import hyper_text
from recbench.bench.plan import ALL_ROWS
from recbench.bench.roster import entrants
from recbench.bench.sample import FULL
from recbench.bench.selection import choose
from recbench.bench.suite import Suite
from recbench.contracts.records import Feedback
from recbench.registry import Registry

Points = Mapping[str, Sequence[str]]
"""Hyper-parameters to try of each algorithm, as they stand in cells, by its label."""

_LISTED = 3
_UNFINISHED = ("failed", "timeout")
"""What is no result; a run that was skipped had a reason to be, and one that diverged would diverge again."""


class Place(NamedTuple):
    """A cell among those of one data set and feedback type."""

    sampler: str
    budget: str
    sample_seed: int
    algorithm: str
    hyper: str
    training_seed: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A cell that a suite asks for and that has no result."""

    dataset: str
    feedback: Feedback
    place: Place
    why: str

    def __str__(self) -> str:
        where = "full data" if self.place.sampler == FULL else f"{self.place.sampler} at {self.place.budget}"
        seed = f"seed {self.place.training_seed}"
        return f"{self.dataset}, {self.feedback}, {where}, {self.place.algorithm}, {seed} ({self.why})"


def grid_points(suite: Suite, feedback: Feedback, registry: Registry) -> dict[str, list[str]]:
    """The algorithms of a suite with the points of their grids.

    Raises:
      UnknownNameError, ParameterError, SuiteError: as :func:`~recbench.bench.roster.entrants`.
    """
    return {each.label: [hyper_text(h) for h in each.grid] for each in entrants(suite, feedback, registry)}


def missing_cells(
    rows: pl.DataFrame, suite: Suite, *, samplers: Sequence[str], points: Points, registry: Registry
) -> Iterator[Missing]:
    """What a suite asks for on one data set and feedback type and the results do not have.

    Args:
      rows: a store's rows on them, at least one.
      samplers: canonical labels.
    """
    first = rows.row(0, named=True)
    dataset, feedback = first["dataset"], first["feedback"]
    wanted = set(suite.metrics[feedback])
    found = rows.group_by(Place._fields).agg(pl.col("metric").drop_nulls(), pl.col("status", "reason").last())
    there = {Place(*row[:6]): row[6:] for row in found.iter_rows()}
    for place in _planned(rows, suite, samplers, points, registry)[0]:
        if place not in there:
            yield Missing(dataset, feedback, place, "not run")
            continue
        metrics, status, reason = there[place]
        if status in _UNFINISHED:
            yield Missing(dataset, feedback, place, f"{status}: {reason}")
        elif status == "ok" and (without := sorted(wanted - set(metrics))):
            yield Missing(dataset, feedback, place, f"no value of {without[0]}")


def planned_cells(
    rows: pl.DataFrame, suite: Suite, *, samplers: Sequence[str], points: Points, registry: Registry
) -> set[Place]:
    """Every cell that a suite may lead to on one data set and feedback type."""
    needed, possible = _planned(rows, suite, samplers, points, registry)
    return {*needed, *possible}


def summary(missing: Sequence[Missing], *, of: int) -> str:
    """The first few of them and their number, in one line."""
    more = f"; and {len(missing) - _LISTED:,} more" if len(missing) > _LISTED else ""
    return f"{len(missing):,} of {of:,} cells: {'; '.join(map(str, missing[:_LISTED]))}{more}"


def _planned(
    rows: pl.DataFrame, suite: Suite, samplers: Sequence[str], points: Points, registry: Registry
) -> tuple[list[Place], list[Place]]:
    """The cells that must be there, and those that may be: of algorithms that finished no point of their grid."""
    full = [(FULL, ALL_ROWS.budget, 0, seed) for seed in suite.seeds.full]
    drawn = [(*place, place[2]) for place in product(samplers, suite.budgets, suite.seeds.sample)]
    chosen = _chosen(rows, registry) if suite.protocol.tuning == "full" else {}
    needed: list[Place] = []
    possible: list[Place] = []
    for label, grid in points.items():
        if suite.protocol.tuning == "sample":
            needed += [_place(where, label, hyper) for where in (*full, *drawn) for hyper in grid]
            continue
        if len(grid) > 1:
            needed += [_place(full[0], label, hyper) for hyper in grid]
        rest = (*full[len(grid) > 1 :], *drawn)
        hyper = grid[0] if len(grid) == 1 else chosen.get(label)
        (needed if hyper is not None else possible).extend(_place(where, label, hyper or grid[0]) for where in rest)
    return needed, possible


def _place(where: tuple[str, str, int, int], label: str, hyper: str) -> Place:
    sampler, budget, sample_seed, training_seed = where
    return Place(sampler, budget, sample_seed, label, hyper, training_seed)


def _chosen(rows: pl.DataFrame, registry: Registry) -> dict[str, str]:
    """What validation chose of each algorithm's grid, on the full data."""
    best = choose(rows, registry).filter(pl.col("sampler") == FULL, pl.col("status") == "ok")
    return dict(best.unique("algorithm", keep="first", maintain_order=True).select("algorithm", "hyper").iter_rows())

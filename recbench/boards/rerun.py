"""Running some of an entry's runs again: the only thing that proves a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from recbench.bench.cells import PROTOCOL_VERSION, Cell
from recbench.bench.executor import LocalExecutor
from recbench.bench.plan import Group
from recbench.bench.roster import code_of
from recbench.boards.entry import CellEntry, Entry
from recbench.boards.redraw import check_samplers
from recbench.boards.runs import cell_axes, tables_of
from recbench.boards.shelf import Shelf
from recbench.contracts.errors import ParameterError, VerificationError
from recbench.contracts.labels import Label
from recbench.registry import Registry
from recbench.rng import generator

TOLERANCE = 0.01
"""Relative difference of a metric that is trained again, at most: devices and versions round differently."""


class Rerun(NamedTuple):
    """What running again came to."""

    runs: int
    difference: float  # the largest relative one of any metric


def rerun(entry: Entry, count: int, *, seed: int, tolerance: float, shelf: Shelf, registry: Registry) -> Rerun:
    """Runs cells that are chosen at random among the finished ones, and compares their metrics.

    Raises:
      ParameterError: data or code that one of them needs are not here.
      VerificationError: names the first metric that is another, with both values.
    """
    finished = [number for number, cell in enumerate(entry.cells) if cell.status == "ok" and cell.metrics]
    source = generator(purpose="verify", seed=seed, cells=len(entry.cells), suite=entry.suite)
    chosen = sorted(source.permutation(finished)[:count].tolist())
    executor = LocalExecutor(registry)
    largest = 0.0
    for number in chosen:
        found = _again(number, entry, executor, shelf=shelf, registry=registry)
        for metric, stated in entry.cells[number].metrics.items():
            difference = abs(found[metric] - stated) / max(abs(found[metric]), abs(stated), 1e-12)
            largest = max(largest, difference)
            if difference > tolerance:
                raise VerificationError(
                    f"'cells.{number}.metrics.{metric}' is {stated!r} in the entry, but {found[metric]!r} when "
                    f"{_named(entry.cells[number])} is run again, and {tolerance:g} is the largest difference allowed"
                )
    return Rerun(len(chosen), largest)


def _again(number: int, entry: Entry, executor: LocalExecutor, *, shelf: Shelf, registry: Registry) -> dict[str, float]:
    cell, tables = entry.cells[number], tables_of(entry)
    _check_here(entry, cell, registry)
    conditions = next(x for x in entry.conditions if (x.dataset, x.feedback) == (cell.dataset, cell.feedback))
    split = shelf.split(conditions)
    if isinstance(split, str):
        raise ParameterError(f"{_named(cell)} cannot be run again: {split}")
    if conditions.protocol != PROTOCOL_VERSION:
        raise ParameterError(
            f"{_named(cell)} cannot be run again: it is of version {conditions.protocol} of recbench's protocol, "
            f"here it is {PROTOCOL_VERSION}"
        )
    group = Group(split, (Cell(cell_axes(cell, tables)),), tuple(cell.metrics))
    ((record,),) = executor.run([group])
    if record.status != "ok":
        raise VerificationError(
            f"'cells.{number}.status' is 'ok' in the entry, but {record.status!r} when {_named(cell)} is run again: "
            f"{record.reason}"
        )
    return dict(record.metrics)


def _check_here(entry: Entry, cell: CellEntry, registry: Registry) -> None:
    """Whether the code of a run is here; nothing is installed for it."""
    lost = check_samplers(entry, registry)
    if cell.sampler in lost:
        raise ParameterError(f"{_named(cell)} cannot be run again: {lost[cell.sampler]}")
    stated = next(each for each in entry.algorithms if each.label == cell.algorithm)
    if code_of(registry.get("algorithms", Label.parse(cell.algorithm).name)) != stated.code:
        raise ParameterError(
            f"{_named(cell)} cannot be run again: the code of {cell.algorithm} is not the one that is installed here"
        )


def _named(cell: CellEntry) -> str:
    words: Sequence[str] = (cell.dataset, cell.feedback, cell.sampler, cell.budget, cell.algorithm)
    return f"{', '.join(words)}, seed {cell.training_seed}"

"""Running some of an entry's runs again: the only thing that proves a number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from recbench.bench.cells import PROTOCOL_VERSION, Cell, cell_id, hyper_text
from recbench.bench.executor import LocalExecutor
from recbench.bench.plan import GROUP_SIZE, Group
from recbench.bench.roster import code_of
from recbench.boards.entry import CellEntry, Conditions, Entry
from recbench.boards.redraw import check_samplers
from recbench.boards.runs import cell_axes, tables_of
from recbench.boards.shelf import Shelf
from recbench.contracts.errors import ParameterError, VerificationError
from recbench.contracts.labels import Label
from recbench.contracts.records import RunRecord
from recbench.registry import Registry
from recbench.rng import generator

TOLERANCE = 0.01
"""Relative difference of a metric that is trained again, at most: devices and versions round differently."""


class Rerun(NamedTuple):
    """What running again came to."""

    runs: int
    difference: float  # the largest relative one of any metric


def chosen_cells(entry: Entry, count: int, *, seed: int) -> list[int]:
    """Numbers of finished runs, chosen at random; whoever submits an entry cannot know the seed."""
    finished = [number for number, cell in enumerate(entry.cells) if cell.status == "ok" and cell.metrics]
    source = generator(purpose="verify", seed=seed)
    return sorted(int(number) for number in source.permutation(finished)[:count])


def rerun(entry: Entry, count: int, *, seed: int, tolerance: float, shelf: Shelf, registry: Registry) -> Rerun:
    """Makes some runs again and compares their metrics.

    Raises:
      ParameterError: data or code that one of them needs are not here.
      VerificationError: names the first metric that is another, with both values.
    """
    chosen = chosen_cells(entry, count, seed=seed)
    lost = check_samplers(entry, registry)
    for number in chosen:
        _check_here(entry, entry.cells[number], lost, registry)
    groups: dict[object, list[int]] = defaultdict(list)
    for number in chosen:  # those that share a program
        cell = entry.cells[number]
        groups[cell.dataset, cell.feedback, cell.algorithm, hyper_text(cell.hyper)].append(number)
    executor = LocalExecutor(registry)
    differences = [
        _compare(entry, number, record, tolerance)
        for numbers in groups.values()
        for number, record in _again(entry, numbers, executor, shelf)
    ]
    return Rerun(len(chosen), max(differences, default=0.0))


def _again(
    entry: Entry, numbers: Sequence[int], executor: LocalExecutor, shelf: Shelf
) -> Iterator[tuple[int, RunRecord]]:
    first, tables = entry.cells[numbers[0]], tables_of(entry)
    split = shelf.split(conditions_of(entry, first))
    if isinstance(split, str):
        raise ParameterError(f"{_named(first)} cannot be run again: {split}")
    cells = {number: Cell(cell_axes(entry.cells[number], tables)) for number in numbers}
    for start in range(0, len(numbers), GROUP_SIZE):
        some = tuple(cells[number] for number in numbers[start : start + GROUP_SIZE])
        (records,) = executor.run([Group(split, some, tuple(first.metrics))])
        by_id = {cell_id(record.cell): record for record in records}
        yield from ((n, by_id[cells[n].id]) for n in numbers[start : start + GROUP_SIZE])


def _compare(entry: Entry, number: int, record: RunRecord, tolerance: float) -> float:
    """The largest relative difference of the metrics of a run."""
    cell = entry.cells[number]
    if record.status != "ok":
        raise VerificationError(
            f"'cells.{number}.status' is 'ok' in the entry, but {record.status!r} when {_named(cell)} is run again: "
            f"{record.reason}"
        )
    largest = 0.0
    for metric, stated in cell.metrics.items():
        found = record.metrics[metric]
        difference = abs(found - stated) / max(abs(found), abs(stated), 1e-12)
        if not difference <= tolerance:
            raise VerificationError(
                f"'cells.{number}.metrics.{metric}' is {stated!r} in the entry, but {found!r} when {_named(cell)} is "
                f"run again: a relative difference of {tolerance:g} is allowed"
            )
        largest = max(largest, difference)
    return largest


def conditions_of(entry: Entry, cell: CellEntry) -> Conditions:
    """What the runs beside a cell share."""
    return next(x for x in entry.conditions if (x.dataset, x.feedback) == (cell.dataset, cell.feedback))


def _check_here(entry: Entry, cell: CellEntry, lost: Mapping[str, str], registry: Registry) -> None:
    """Whether the code of a run is here; nothing is installed for it."""
    why = lost.get(cell.sampler, "")
    stated = next(each for each in entry.algorithms if each.label == cell.algorithm)
    if code_of(registry.get("algorithms", Label.parse(cell.algorithm).name)) != stated.code:
        why = f"the code of {cell.algorithm} is not the one that is installed here"
    protocol = conditions_of(entry, cell).protocol
    if protocol != PROTOCOL_VERSION:
        why = f"it is of version {protocol} of recbench's protocol, here it is {PROTOCOL_VERSION}"
    if why:
        raise ParameterError(f"{_named(cell)} cannot be run again: {why}")


def _named(cell: CellEntry) -> str:
    words: Sequence[str] = (cell.dataset, cell.feedback, cell.sampler, cell.budget, cell.algorithm)
    return f"{', '.join(words)}, seed {cell.training_seed}"

"""Computing groups of runs in this process: draw the samples, train, score, and turn whatever goes wrong into rows."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from recbench.bench.cells import Cell
from recbench.bench.environment import programs_folder
from recbench.bench.plan import Group
from recbench.bench.roster import metric_functions
from recbench.bench.sample import FULL, SampleDrawer, coverage, too_small
from recbench.bench.sketch import sketch
from recbench.contracts.errors import ParameterError
from recbench.contracts.labels import Label
from recbench.contracts.records import Coverage, RunRecord, Sample, Split, Status, Synthesis
from recbench.registry import Registry, default
from recbench.registry.entries import short_reason

if TYPE_CHECKING:
    from recbench.engine.batch import DeviceSplit
    from recbench.engine.run import Outcome, Training

SHELF_BYTES = 1 << 29
"""Samples that are kept for the next algorithm, at most; beyond that they are taken from their order anew."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample, or why there is none worth training on."""

    sample: Sample | Synthesis | None
    status: Status = "ok"
    reason: str = ""
    coverage: Coverage | None = None
    digest: str = ""
    sketch: bytes | None = None
    seconds: float = 0.0  # drawing it, proxy included


class LocalExecutor:
    """Runs groups one after the other on this process's device.

    The split, its samples and the proxies are kept while groups of the same split follow each other.

    Args:
      timeout: seconds that a group may train; a solved or host algorithm is not stopped in the middle.
    """

    def __init__(self, registry: Registry | None = None, *, timeout: float | None = None) -> None:
        self._timeout = timeout
        self._registry = registry or default()
        self._split: Split | None = None
        self._data: DeviceSplit
        self._drawer: SampleDrawer
        self._shelf: dict[tuple[str, str, int], Drawn] = {}

    def run(self, groups: Iterable[Group], /) -> Iterator[Sequence[RunRecord]]:
        """The records of each group as it is done; an error inside a group becomes its rows and ends nothing."""
        for group in groups:
            self._place(group.split)
            drawn = [self._draw(cell) for cell in group.cells]
            ready = [(cell, each) for cell, each in zip(group.cells, drawn, strict=True) if each.status == "ok"]
            rest = [(cell, each) for cell, each in zip(group.cells, drawn, strict=True) if each.status != "ok"]
            records = [_record(cell, each) for cell, each in rest]
            yield [*records, *self._train(group, ready)] if ready else records

    def _place(self, split: Split) -> None:
        from recbench.engine import devices  # JAX comes in with the first run
        from recbench.engine.batch import place_split

        devices.limit_programs()
        if self._split is None:
            _keep_programs()
        if self._split is not split:
            self._shelf.clear()
            self._data = place_split(split)
            self._drawer = SampleDrawer(split, self._registry, data=self._data)
            self._split = split

    def _draw(self, cell: Cell) -> Drawn:
        place = (cell.sampler, str(cell.axes["budget"]), cell.sample_seed)
        if place not in self._shelf:
            if sum(_size(each) for each in self._shelf.values()) > SHELF_BYTES:
                self._shelf.clear()
            self._shelf[place] = self._drawn_now(cell)
        return self._shelf[place]

    def _drawn_now(self, cell: Cell) -> Drawn:
        assert self._split is not None
        place = (cell.sampler, cell.budget, cell.sample_seed)
        try:
            sample = self._drawer.draw(*place)
            left = coverage(self._split, sample)
            reason = too_small(self._split, sample)
            seconds = self._drawer.seconds(*place)
        except ParameterError as error:
            return Drawn(None, "skipped", str(error))
        except Exception as error:
            return Drawn(None, "failed", _traced(error))
        marks = None if isinstance(sample, Synthesis) or sample.sampler == FULL else sketch(sample.rows)
        content = None if marks is None else marks.astype("<u4").tobytes()
        return Drawn(sample, "skipped" if reason else "ok", reason, left, sample.digest, content, seconds)

    def _train(self, group: Group, ready: Sequence[tuple[Cell, Drawn]]) -> list[RunRecord]:
        try:
            outcomes = self._outcomes(group, ready)
        except Exception as error:
            reason = _traced(error)
            return [_record(cell, replace(drawn, status="failed", reason=reason)) for cell, drawn in ready]
        return [_record(cell, drawn, outcome) for (cell, drawn), outcome in zip(ready, outcomes, strict=True)]

    def _outcomes(self, group: Group, ready: Sequence[tuple[Cell, Drawn]]) -> Sequence[Outcome]:
        from recbench.engine.run import Contestant, Run, run_replicas  # JAX comes in with the first run

        first = group.cells[0]
        entry = self._registry.get("algorithms", Label.parse(first.algorithm).name)
        contestant = Contestant(first.algorithm, entry.spec, entry.load()())
        columns = dict.fromkeys((*group.metrics, str(first.axes["select"])))
        return run_replicas(
            self._data,
            contestant,
            [Run(drawn.sample, cell.hyper, cell.training_seed) for cell, drawn in ready if drawn.sample is not None],
            training=_training(first),
            metrics=metric_functions(columns, self._registry),
            deadline=None if self._timeout is None else time.monotonic() + self._timeout,
        )


def _keep_programs() -> None:
    """Compiled programs stay on disk, in the user's cache unless JAX was told of another folder."""
    from recbench.engine.devices import enable_compilation_cache  # JAX comes in with the first run

    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        with suppress(OSError):  # a folder that cannot be written to costs time only
            enable_compilation_cache(programs_folder())


def _training(cell: Cell) -> Training:
    from recbench.engine.run import Training  # JAX comes in with the first run

    axes: Any = cell.axes
    return Training(
        mask=axes["mask"],
        history=axes["history"],
        select=axes["select"],
        epochs=axes["max_epochs"],
        validate_every=axes["validate_every"],
        patience=axes["patience"],
    )


def _record(cell: Cell, drawn: Drawn, outcome: Outcome | None = None) -> RunRecord:
    if outcome is None:
        return RunRecord(
            cell.axes,
            drawn.status,
            drawn.reason,
            coverage=drawn.coverage,
            sample_digest=drawn.digest,
            sample_sketch=drawn.sketch,
        )
    cost = None if outcome.cost is None else replace(outcome.cost, sampler_seconds=drawn.seconds)
    return RunRecord(
        cell.axes,
        outcome.status,
        outcome.reason,
        outcome.metrics,
        outcome.replicates,
        outcome.validation,
        cost,
        drawn.coverage,
        drawn.digest,
        drawn.sketch,
    )


def _size(drawn: Drawn) -> int:
    return 0 if drawn.sample is None else drawn.sample.rows.nbytes


def _traced(error: Exception) -> str:
    """The reason that stands in the row; ``RECBENCH_TRACE`` shows where it came from."""
    if os.environ.get("RECBENCH_TRACE"):
        traceback.print_exception(error)
    return short_reason(error)

"""Running a suite: what is stored already is left out, and each group is stored as it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from recbench.bench.cells import Cell
from recbench.bench.estimate import Estimate, estimate
from recbench.bench.executor import LocalExecutor
from recbench.bench.parts import Origin
from recbench.bench.plan import Copy, Hyper, Plan, left_out
from recbench.bench.roster import check
from recbench.bench.selection import JUDGED_BY, chosen_hyper
from recbench.bench.store import Store
from recbench.bench.suite import Suite, load_suite
from recbench.bench.summary import Progress, Report, Summary
from recbench.contracts.errors import DataError, DownloadError, RecbenchError
from recbench.contracts.protocols import Executor
from recbench.contracts.records import Dataset, Feedback, RunRecord, Split
from recbench.data.frames import frame_dataset
from recbench.data.noise import corrupt
from recbench.data.readers import load_dataset
from recbench.data.split import make_split
from recbench.registry import Registry, default

__all__ = ["Benchmark", "LocalExecutor", "Progress", "Summary", "run_suite"]


@dataclass(frozen=True, slots=True)
class _Refused:
    """What the data do not allow: an error where nothing else can be run, a note otherwise."""

    note: str
    error: RecbenchError


class Benchmark:
    """A suite, the data it runs on, and the store it fills.

    Args:
      suite: a name, a path, or a :class:`~recbench.bench.suite.Suite` (with its overrides applied).
      data: a path, a frame or a :class:`Dataset` in place of the suite's data sets.
      executor: where runs are computed: an executor, or a registered name; None: here.
      timeout: seconds that a group of runs may train, unless an executor is given that was made with its own; what is
        not done by then is stored as ``timeout``.
      read: gives the data set of a name or a path; None: :func:`load_dataset`.

    Raises:
      RecbenchError: the suite names what cannot be run; no data have been read.
    """

    def __init__(
        self,
        suite: str | Path | Suite,
        *,
        data: Any = None,
        store: str | Path | Store | None = None,
        registry: Registry | None = None,
        executor: Executor | str | None = None,
        timeout: float | None = None,
        read: Callable[[str | Path], Dataset] | None = None,
    ) -> None:
        self.suite = suite if isinstance(suite, Suite) else load_suite(suite)
        self.registry = registry or default()
        self.store = store if isinstance(store, Store) else Store(store)
        self.summary = Summary()
        self._sources: Sequence[Any] = self.suite.datasets if data is None else [data]
        self._read = read or partial(load_dataset, registry=self.registry)
        self._report: Report = _silent
        self._total = self._done = 0
        check(self.suite, self.registry)
        self._executor = self._found(executor, timeout)

    def plans(self) -> Iterator[Plan]:
        """The plan of each data set and feedback type; what the data do not allow is noted and left out.

        Raises:
          RecbenchError: nothing at all can be run.
        """
        refused: list[_Refused] = []
        any_split = False
        for found in chain.from_iterable(map(self._splits, self._sources)):
            if isinstance(found, _Refused):
                refused.append(found)
            any_split = any_split or isinstance(found, Split)
            while any_split and refused:
                self._note(refused.pop(0).note)
            if isinstance(found, Split):
                yield Plan(self.suite, found, self.registry)
        if refused:
            raise refused[0].error

    def estimates(self) -> Iterator[Estimate]:
        """What a run would do, and about what it would take; nothing is trained or written."""
        return (estimate(plan, self.store, self.registry) for plan in self.plans())

    def run(self, progress: Report | None = None, *, retry_failed: bool = False) -> Summary:
        """Runs what is not stored yet. Interrupted, or killed, it loses the group in flight; run again, it resumes.

        Raises:
          StoreError: results cannot be written; what was stored is kept.
        """
        started, compiled = time.perf_counter(), _compilations()
        self._report = progress or _silent
        for plan in self.plans():
            self._total += plan.size
            noise = f", noise {plan.split.noise:g}" if plan.split.noise else ""
            self._tell("split", f"{plan.split.dataset}, {plan.split.feedback}{noise}: {plan.size} cells")
            self._phase(plan, plan.first(), retry_failed)
            self._phase(plan, plan.then(self._chosen(plan)), retry_failed)
        self.summary.seconds = time.perf_counter() - started
        self.summary.compilations = _compilations() - compiled
        return self.summary

    def _phase(self, plan: Plan, cells: Sequence[Cell], retry_failed: bool) -> None:
        done = self.store.done(plan.metrics, retry_failed=retry_failed)
        todo = left_out(cells, done)
        self.summary.cells.update(cell.id for cell in cells)
        self.summary.stored += len(cells) - len(todo)
        self._done += len(cells) - len(todo)
        possible, skipped = plan.refused(todo)
        self._keep(plan.split, skipped)
        trained, copies = plan.copies(possible, done)
        for records in self._executor.run(plan.groups(trained)):
            self._keep(plan.split, records)
        self._repeat(plan.split, copies)

    def _repeat(self, split: Split, copies: Sequence[Copy]) -> None:
        if not copies:
            return
        filed = self.store.repeat(copies)
        self.summary.copied += filed
        self._done += filed
        algorithms = ", ".join(sorted({copy.cell.algorithm for copy in copies}))
        self._tell("group", f"{split.dataset}, {split.feedback}: {algorithms}, which no seed changes")

    def _keep(self, split: Split, records: Sequence[RunRecord]) -> None:
        if not records:
            return
        self.store.append(records, origin=Origin(self.suite.name, self.suite.version, split.dataset))
        self.summary.statuses.update(record.status for record in records)
        self._done += len(records)
        algorithms = ", ".join(sorted({str(record.cell["algorithm"]) for record in records}))
        self._tell("group", f"{split.dataset}, {split.feedback}: {algorithms}")

    def _chosen(self, plan: Plan) -> dict[str, Hyper]:
        """Hyper-parameters by algorithm, from the store; one that cannot run keeps its first point, to be skipped."""
        cells = plan.first()
        tuned = {cell.algorithm for cell in cells}
        runnable = {cell.algorithm for cell in plan.refused(cells)[0]}
        chosen: dict[str, Hyper] = {label: plan.entrants[label].grid[0] for label in tuned - runnable}
        chosen |= chosen_hyper(cells, self.store.frame(JUDGED_BY), self.registry)
        where = f"{plan.split.dataset}, {plan.split.feedback}"
        if not len(plan.split.validation) and any(len(each.grid) > 1 for each in plan.entrants.values()):
            self._note(
                f"{where}: there are no validation rows to choose hyper-parameters by: they are taken as they come"
            )
        if self.suite.protocol.tuning == "full":
            for label in sorted(tuned - set(chosen)):
                self._note(f"{where}: {label!r} finished no point of its grid, so its other runs are left out")
        return chosen

    def _tell(self, kind: Literal["split", "group", "note"], text: str) -> None:
        self._report(Progress(kind, text, self._done, self._total))

    def _note(self, text: str) -> None:
        self.summary.notes.append(text)
        self._tell("note", text)

    def _found(self, executor: Executor | str | None, timeout: float | None) -> Executor:
        if executor is None:
            return LocalExecutor(self.registry, timeout=timeout)
        if not isinstance(executor, str):
            return executor
        made: Executor = self.registry.get("executors", executor).load()(self.registry, timeout=timeout)
        return made

    def _splits(self, source: Any) -> Iterator[Split | _Refused]:
        try:
            dataset = self._dataset(source)
        except (DataError, DownloadError) as error:
            self.summary.lost.append(str(source))
            yield _Refused(str(error), error)
            return
        for feedback in self.suite.feedback:
            try:
                yield from self._noisy(dataset, feedback)
            except DataError as error:
                yield _Refused(f"{feedback} feedback is left out: {error}", error)

    def _dataset(self, source: Any) -> Dataset:
        if isinstance(source, Dataset):
            return source
        if isinstance(source, str | Path):
            return self._read(source)
        return frame_dataset(source)

    def _noisy(self, dataset: Dataset, feedback: Feedback) -> Iterator[Split]:
        """The split with each share of noise."""
        protocol = self.suite.protocol
        name = protocol.split_of(feedback, given=dataset.given_split is not None)
        split = make_split(dataset, feedback=feedback, protocol=name, seed=protocol.split_seed)
        for share in protocol.noise:
            yield corrupt(split, share=share, seed=protocol.noise_seed) if share else split


def run_suite(
    suite: str | Path | Suite,
    *,
    datasets: Sequence[str] | None = None,
    data: Any = None,
    feedback: Sequence[str] | None = None,
    samplers: Sequence[str] | None = None,
    budgets: Sequence[str] | None = None,
    algorithms: Sequence[str] | None = None,
    full_seeds: int | Sequence[int] | None = None,
    sample_seeds: int | Sequence[int] | None = None,
    seed: int | None = None,
    store: str | Path | Store | None = None,
    registry: Registry | None = None,
    executor: Executor | str | None = None,
    progress: Report | None = None,
    retry_failed: bool = False,
    timeout: float | None = None,
    offline: bool = False,
) -> Summary:
    """Runs a suite and stores its results; called again, it goes on where it stopped.

    Args:
      suite: a suite's name, or the path of a file.
      datasets, feedback, samplers, budgets, algorithms, full_seeds, sample_seeds, seed: in place of the suite's; see
        :meth:`Suite.override`.
      data: a path, a Polars or pandas frame, or a :class:`Dataset`, in place of the suite's data sets.
      store: folder of the results; by default ``RECBENCH_STORE`` or ``./recbench-results``.
      executor: where runs are computed: an executor, or a registered name; None: here.
      progress: called with each :class:`Progress`.
      retry_failed: run cells again that failed, diverged or ran out of time.
      timeout: seconds that a group of runs may train; what is not done by then is stored with status ``timeout``.
      offline: never use the network.

    Raises:
      RecbenchError: something that was asked for cannot be run, or results cannot be written.
    """
    found = suite if isinstance(suite, Suite) else load_suite(suite)
    chosen = found.override(
        datasets=datasets,
        feedback=feedback,
        samplers=samplers,
        budgets=budgets,
        algorithms=algorithms,
        full_seeds=full_seeds,
        sample_seeds=sample_seeds,
        seed=seed,
    )
    read = partial(load_dataset, offline=offline, registry=registry)
    bench = Benchmark(chosen, data=data, store=store, registry=registry, executor=executor, timeout=timeout, read=read)
    return bench.run(progress, retry_failed=retry_failed)


def _silent(progress: Progress) -> None:
    """Reports nothing."""


def _compilations() -> int:
    from recbench.engine.devices import compilations  # JAX comes in with the first run

    return compilations()

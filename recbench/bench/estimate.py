"""What a plan would take, said before anything is trained: runs, device programs, time, memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from recbench.bench.cells import Cell
from recbench.bench.plan import Plan, expected_rows, left_out
from recbench.bench.sample import full_sample
from recbench.bench.selection import JUDGED_BY, chosen_hyper
from recbench.bench.store import Store
from recbench.contracts.labels import Label
from recbench.contracts.records import Split
from recbench.registry import Registry

_ROW_BYTES = 20  # user, item, value and the two columns of events, on the device once


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan would do. Figures are rough: for deciding whether to start, not for reporting."""

    dataset: str
    feedback: str
    noise: float
    split: str
    rows: int  # of train
    algorithms: int
    cells: int
    stored: int  # need no run
    skipped: int  # cannot be run, as their specs say, or for want of memory
    copied: int  # equal another run: no seed changes the algorithm
    runs: int
    groups: int
    programs: int  # (algorithm, static hyper-parameters) that are compiled
    seconds: float | None  # of training and scoring, after earlier runs in the store; None: of no algorithm known
    untimed: tuple[str, ...]  # algorithms whose runs are not in it: the store has none of theirs
    memory: int  # bytes on the device at the peak: groups beyond the memory budget are divided
    too_large: Mapping[str, str]  # algorithms that would be skipped for want of memory, some points at least, and why


class _Need(NamedTuple):
    """What one device program takes for a run."""

    memory: int  # bytes
    refusal: str  # why it cannot be had; empty when it can


def estimate(plan: Plan, store: Store, registry: Registry) -> Estimate:
    """The estimate of a plan, given what is stored."""
    first = plan.first()
    chosen = chosen_hyper(first, store.frame(JUDGED_BY), registry)
    cells = [*first, *plan.then({label: chosen.get(label, each.grid[0]) for label, each in plan.entrants.items()})]
    done = store.done(plan.metrics)
    todo = left_out(cells, done)
    possible, skipped = plan.refused(todo)
    distinct, copies = plan.copies(possible, done)
    needs = _needs(plan, distinct, registry)
    trained = [cell for cell in distinct if not needs[plan.program(cell)].refusal]
    groups = plan.groups(trained)
    seconds, untimed = _seconds(trained, plan.split, store)
    return Estimate(
        dataset=plan.split.dataset,
        feedback=plan.split.feedback,
        noise=plan.split.noise,
        split=plan.split.protocol,
        rows=len(plan.split.train),
        algorithms=len(plan.entrants),
        cells=len(cells),
        stored=len(cells) - len(todo),
        skipped=len(skipped) + len(distinct) - len(trained),
        copied=len(copies),
        runs=len(trained),
        groups=len(groups),
        programs=len({plan.program(cell) for cell in trained}),
        seconds=seconds,
        untimed=untimed,
        memory=_memory(plan, [(needs[plan.program(group.cells[0])].memory, len(group.cells)) for group in groups]),
        too_large={str(program[0]): need.refusal for program, need in needs.items() if need.refusal},
    )


def _seconds(cells: Iterable[Cell], split: Split, store: Store) -> tuple[float | None, tuple[str, ...]]:
    """From the seconds per kept row of each algorithm's earlier runs; and the algorithms that have none."""
    past = store.rows(["feedback", "algorithm", "seconds", "kept_rows"])
    past = past.filter(pl.col("feedback") == split.feedback, pl.col("kept_rows") > 0, pl.col("seconds").is_not_null())
    rates = past.group_by("algorithm").agg(rate=(pl.col("seconds") / pl.col("kept_rows")).mean())
    rate: dict[str, float] = dict(rates.iter_rows())
    needed = [(cell.algorithm, expected_rows(cell.budget, split)) for cell in cells]
    known = [rate[algorithm] * rows for algorithm, rows in needed if algorithm in rate]
    untimed = tuple(dict.fromkeys(algorithm for algorithm, _ in needed if algorithm not in rate))
    return (sum(known) if known or not untimed else None), untimed


def _needs(plan: Plan, cells: Sequence[Cell], registry: Registry) -> dict[tuple[object, ...], _Need]:
    """What each program of these cells takes: the engine traces shapes, and computes nothing."""
    if not cells:
        return {}
    # JAX comes in with the first run.
    from recbench.engine.batch import place_split
    from recbench.engine.memory import bytes_per_run, too_large
    from recbench.engine.run import Contestant, Run

    data, everything = place_split(plan.split), full_sample(plan.split)

    def need(cell: Cell) -> _Need:
        entry = registry.get("algorithms", Label.parse(cell.algorithm).name)
        try:
            contestant = Contestant(cell.algorithm, entry.spec, entry.load()())
            run = Run(everything, cell.hyper, cell.training_seed)
            return _Need(bytes_per_run(data, contestant, run), too_large(data, contestant, run))
        except Exception:  # of any type: an algorithm that breaks here breaks in its runs, and they say how
            return _Need(0, "")

    return {program: need(cell) for program, cell in {plan.program(cell): cell for cell in cells}.items()}


def _memory(plan: Plan, groups: Iterable[tuple[int, int]]) -> int:
    """At the peak, from the bytes of a run and the number of runs of each group."""
    from recbench.engine.devices import memory_budget  # JAX comes in with the first run

    budget = memory_budget()
    largest = max((max(run, min(run * runs, budget)) for run, runs in groups), default=0)
    return _ROW_BYTES * len(plan.split.train) + largest

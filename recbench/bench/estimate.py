"""What a plan would take, said before anything is trained: runs, device programs, time, memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from recbench.bench.cells import Cell
from recbench.bench.plan import Group, Plan, expected_rows, left_out
from recbench.bench.selection import JUDGED_BY, chosen_hyper
from recbench.bench.store import Store
from recbench.contracts.records import Split
from recbench.registry import Registry

_ROW_BYTES = 20  # user, item, value and the two columns of events, on the device once
_RUN_ROW_BYTES = 8  # row numbers and thresholds of negatives
_STATES = 4  # of a float: the weight, its best copy, two moments of Adam


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan would do. Figures are rough: for deciding whether to start, not for reporting."""

    dataset: str
    feedback: str
    noise: float
    rows: int  # of train
    cells: int
    stored: int  # need no run
    skipped: int  # cannot be run, as their specs say
    copied: int  # equal another run: no seed changes the algorithm
    runs: int
    groups: int
    programs: int  # (algorithm, static hyper-parameters) that are compiled
    seconds: float | None  # of training and scoring, after earlier runs in the store; None: an algorithm has none
    memory: int  # bytes on the device at the peak: groups beyond the memory budget are divided


def estimate(plan: Plan, store: Store, registry: Registry) -> Estimate:
    """The estimate of a plan, given what is stored."""
    first = plan.first()
    chosen = chosen_hyper(first, store.frame(JUDGED_BY), registry)
    cells = [*first, *plan.then({label: chosen.get(label, each.grid[0]) for label, each in plan.entrants.items()})]
    done = store.done(plan.metrics)
    todo = left_out(cells, done)
    possible, skipped = plan.refused(todo)
    trained, copies = plan.copies(possible, done)
    groups = plan.groups(trained)
    return Estimate(
        dataset=plan.split.dataset,
        feedback=plan.split.feedback,
        noise=plan.split.noise,
        rows=len(plan.split.train),
        cells=len(cells),
        stored=len(cells) - len(todo),
        skipped=len(skipped),
        copied=len(copies),
        runs=len(trained),
        groups=len(groups),
        programs=len({plan.program(cell) for cell in trained}),
        seconds=_seconds(trained, plan.split, store),
        memory=_ROW_BYTES * len(plan.split.train) + max((_group_bytes(group, plan) for group in groups), default=0),
    )


def _seconds(cells: Iterable[Cell], split: Split, store: Store) -> float | None:
    """From the seconds per kept row of each algorithm's earlier runs."""
    past = store.rows(["feedback", "algorithm", "seconds", "kept_rows"])
    past = past.filter(pl.col("feedback") == split.feedback, pl.col("kept_rows") > 0, pl.col("seconds").is_not_null())
    rates = past.group_by("algorithm").agg(rate=(pl.col("seconds") / pl.col("kept_rows")).mean())
    rate: dict[str, float] = dict(rates.iter_rows())
    needed = [(cell.algorithm, expected_rows(cell.budget, split)) for cell in cells]
    if not all(algorithm in rate for algorithm, _ in needed):
        return None
    return sum(rate[algorithm] * rows for algorithm, rows in needed)


def _group_bytes(group: Group, plan: Plan) -> int:
    from recbench.engine.devices import memory_budget  # JAX comes in with the first run

    run = _RUN_ROW_BYTES * len(group.split.train) + _state_bytes(group.cells[0], plan)
    return max(run, min(run * len(group.cells), memory_budget()))


def _state_bytes(cell: Cell, plan: Plan) -> int:
    """What a run learns: about two item x item matrices where it is solved, vectors of users and items otherwise."""
    split = plan.split
    if plan.entrants[cell.algorithm].spec.form == "solved":
        return 2 * 4 * split.num_items**2
    widths = [value for value in cell.hyper.values() if type(value) is int and value < 1024]
    return _STATES * 4 * max(widths, default=1) * (split.num_users + split.num_items)

"""Whether what an entry says of its samples fits together: sizes within budgets, and too small ones not run on."""

from __future__ import annotations

from recbench.bench.coverage import is_too_small
from recbench.bench.sample import FULL
from recbench.boards.entry import CellEntry, Entry, SampleEntry, SamplerEntry
from recbench.contracts.errors import VerificationError
from recbench.contracts.records import Budget


def check_samples(entry: Entry) -> None:
    """Compares samples with their budgets, and runs with the samples that they were made on.

    Raises:
      VerificationError: names the sample or the run.
    """
    train = {(each.dataset, each.feedback): each.rows for each in entry.samples if each.sampler == FULL}
    samplers = {each.label: each for each in entry.samplers}
    places = {}
    for number, each in enumerate(entry.samples):
        places[each.dataset, each.feedback, each.sampler, each.budget, each.seed] = each
        if each.sampler != FULL:
            _check_size(f"samples.{number}", each, samplers[each.sampler], train.get((each.dataset, each.feedback)))
    for number, cell in enumerate(entry.cells):
        sample = places.get((cell.dataset, cell.feedback, cell.sampler, cell.budget, cell.sample_seed))
        if cell.status == "ok" and sample is None:
            raise VerificationError(f"'cells.{number}' was run on a sample that 'samples' does not have")
        if sample is not None and cell.sampler != FULL and samplers[cell.sampler].form != "synthesise":
            _check_status(f"cells.{number}", cell, sample)


def _check_size(place: str, sample: SampleEntry, sampler: SamplerEntry, train: int | None) -> None:
    """Where the entry alone tells: rows where single rows are kept, users where they are counted."""
    budget = Budget.parse(sample.budget)
    if budget.of == "users":
        field, found, most = "users", sample.users, budget.amount
    elif sampler.unit != "interaction" or budget.of == "user-share" or (budget.of == "share" and train is None):
        return
    else:
        field, found, most = "rows", sample.rows, budget.amount * (train or 0 if budget.of == "share" else 1)
    # Within one unit, and at least one, whatever the budget.
    if abs(found - most) >= 1 and found != 1:
        raise VerificationError(f"'{place}.{field}' is {found:,}, but the budget {sample.budget} is of {most:,.0f}")


def _check_status(place: str, cell: CellEntry, sample: SampleEntry) -> None:
    budget = Budget.parse(sample.budget)
    small = is_too_small(budget, users=sample.users, items=sample.items, rows=sample.rows)
    if (cell.status == "ok") if small else cell.reason.startswith("too small"):
        raise VerificationError(
            f"'{place}.status' is {cell.status!r} ({cell.reason or 'no reason'}), but its sample has {sample.users:,} "
            f"users, {sample.items:,} items and {sample.rows:,} rows"
        )

"""Verifying an entry: its form, its digests, its suite, everything that follows from its runs, its samples, some runs.

Digests prove integrity, not honesty: they show that nothing was changed since the entry was made. Only running again
proves a number.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from secrets import randbelow

import polars as pl

from recbench.bench.sample import FULL
from recbench.bench.suite import Suite
from recbench.boards.against_suite import check_board, check_plan, suite_of
from recbench.boards.agreed import check_equal
from recbench.boards.claims import check_samples
from recbench.boards.derive import derive, line
from recbench.boards.digests import check_digests
from recbench.boards.entry import DERIVED, Entry
from recbench.boards.files import Submission, entry_name, read_submission, replicates_path
from recbench.boards.redraw import redraw
from recbench.boards.rerun import TOLERANCE, rerun
from recbench.boards.runs import entry_frame
from recbench.boards.shelf import Shelf
from recbench.boards.verdict import Tier, Verdict, make_verdict
from recbench.contracts.errors import VerificationError
from recbench.registry import Registry, default

_FOLLOWS = "follows from its runs"
_LISTED = 20


def verify(
    path: Path,
    *,
    suite: Suite | None = None,
    runs: int = 0,
    seed: int | None = None,
    tolerance: float = TOLERANCE,
    shelf: Shelf | None = None,
    registry: Registry | None = None,
) -> Verdict:
    """Checks an entry, from what is quick to what is not.

    Args:
      path: of the entry; its replicates lie beside it.
      suite: None: the one that comes with recbench and has the name of the entry's.
      runs: how many runs to make again, chosen at random.
      seed: chooses them; None: one that nobody knows before.
      tolerance: relative difference of their metrics, at most.
      shelf: the data sets at hand; None: those that are registered and here already.

    Raises:
      VerificationError: the first thing that is wrong, in one sentence that names the field.
      UnknownNameError, ParameterError: something that the check needs is not here.
    """
    known = registry or default()
    at_hand = shelf or Shelf(known)
    submission = read_submission(path)
    entry = submission.entry
    check_integrity(path, submission)
    check_board(entry)
    chosen = suite_of(entry, suite)
    frame = entry_frame(entry, submission.replicates)
    check_samples(entry)
    check_plan(entry, frame, chosen, shelf=at_hand, registry=known)
    check_outcomes(entry, frame, registry=known)
    drawn = redraw(entry, shelf=at_hand, registry=known)
    tier: Tier = "recomputed" if drawn.complete else "self-reported"
    seed = randbelow(1 << 31) if seed is None else seed
    again = rerun(entry, runs, seed=seed, tolerance=tolerance, shelf=at_hand, registry=known) if runs else None
    if again is not None and again.runs and drawn.complete:
        tier = "re-run"
    return make_verdict(
        path,
        tier=tier,
        samples=(drawn.exact, drawn.alike),
        runs=again.runs if again else 0,
        seed=seed if again else 0,
        tolerance=tolerance if again else 0.0,
        difference=again.difference if again else 0.0,
        notes=tuple((*drawn.notes, *_unchecked(entry))),
    )


def check_integrity(path: Path, submission: Submission) -> None:
    """Whether an entry is what it was when it was made.

    Raises:
      VerificationError: names the value that was changed, or the file whose content is not what its name says.
    """
    entry = submission.entry
    check_digests(entry, submission.replicates)
    found, file = hashlib.sha256(submission.packed).hexdigest(), replicates_path(path, entry)
    check_equal("replicates.sha256", entry.replicates.sha256, found, why=f"is the hash of {file.name}")
    name = entry_name(entry, path.read_bytes())
    if path.name != name:
        raise VerificationError(
            f"the entry {path} is not what its name says: with its content it is called {name}; it was renamed, or "
            "written anew"
        )


def check_outcomes(entry: Entry, frame: pl.DataFrame, *, registry: Registry) -> None:
    """Computes everything that follows from the runs of an entry, by the code that made it, and compares.

    Args:
      frame: its runs; see :func:`~recbench.boards.runs.entry_frame`.

    Raises:
      VerificationError: names the first number that does not follow, with both values.
    """
    fixed = {each.label for each in entry.algorithms if each.deterministic}
    found = derive(entry.board, frame, fixed=fixed, registry=registry)
    for name in (*DERIVED, "cost"):
        value = getattr(entry, name)
        stated = value.model_dump() if name == "cost" else [row.model_dump() for row in value]
        check_equal(name, stated, found[name], why=_FOLLOWS)


def _unchecked(entry: Entry) -> list[str]:
    """What a check of the entry alone cannot tell."""
    reasons = {cell.reason for cell in entry.cells if cell.status == "skipped" and cell.sampler == FULL}
    said = [line(f"taken on trust, as it depends on the machine: skipped on full data: {x}") for x in sorted(reasons)]
    return said if len(said) <= _LISTED else [*said[:_LISTED], f"and {len(said) - _LISTED:,} more such reasons"]

"""What verifying an entry came to, kept beside it: entries cannot say it of themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from recbench import __version__
from recbench.bench.parts import publish
from recbench.boards.fields import Amount, Count, Digest, Model, Name, Reason
from recbench.boards.files import read_bounded, sentence
from recbench.contracts.errors import VerificationError

Tier = Literal["self-reported", "recomputed", "re-run"]
TIERS: tuple[Tier, ...] = ("self-reported", "recomputed", "re-run")
"""From what rests on the word of whoever submitted it to what was run again."""

_LARGEST = 1 << 20  # bytes


class Verdict(Model):
    """What was checked of an entry, by whom and when.

    ``self-reported``: its form and its digests hold, and what follows from its runs does follow.
    ``recomputed``: and its samples were drawn again from their seeds.
    ``re-run``: and some of its runs, chosen at random, were made again and came out the same.
    """

    entry: Digest  # sha256 of the entry's file
    tier: Tier
    date: AwareDatetime
    recbench: Name  # version of the one who verified
    samples: Count  # drawn again, the same to the last row
    similar_samples: Count  # drawn again, alike within what training anew allows
    runs: Count  # made again
    seed: Count  # that chose them
    tolerance: Amount  # relative difference of metrics that was allowed
    difference: Amount  # the largest that was found
    notes: Annotated[tuple[Reason, ...], Field(max_length=1000)]  # what could not be checked, and why


_SUFFIX = ".verified.json"


def verdict_path(entry: Path) -> Path:
    """Where the verdict on an entry lies."""
    return entry.with_name(f"{entry.stem}{_SUFFIX}")


def is_verdict(path: Path) -> bool:
    """Whether a file is named as the verdict on an entry is."""
    return path.name.endswith(_SUFFIX)


def make_verdict(
    entry: Path,
    *,
    tier: Tier,
    samples: tuple[int, int] = (0, 0),
    runs: int = 0,
    seed: int = 0,
    tolerance: float = 0.0,
    difference: float = 0.0,
    notes: tuple[str, ...] = (),
) -> Verdict:
    """A verdict of now on the entry in a file."""
    return Verdict(
        entry=hashlib.sha256(entry.read_bytes()).hexdigest(),
        tier=tier,
        date=datetime.now(UTC),
        recbench=__version__,
        samples=samples[0],
        similar_samples=samples[1],
        runs=runs,
        seed=seed,
        tolerance=tolerance,
        difference=difference,
        notes=notes,
    )


def write_verdict(verdict: Verdict, entry: Path) -> Path:
    """Records a verdict beside its entry, in place of an earlier one."""
    target = verdict_path(entry)
    publish(f"{verdict.model_dump_json(indent=1)}\n".encode(), target)
    return target


def read_verdict(entry: Path) -> Verdict | None:
    """The verdict on an entry; None: there is none, or the entry is not the one that it is on.

    Raises:
      VerificationError: the file beside the entry is no verdict.
    """
    path = verdict_path(entry)
    if not path.exists():
        return None
    try:
        verdict = Verdict.model_validate_json(read_bounded(path, _LARGEST, "the verdict"))
    except ValidationError as error:
        raise VerificationError(f"the verdict {path} is refused: {sentence(error)}") from error
    return verdict if verdict.entry == hashlib.sha256(entry.read_bytes()).hexdigest() else None


def read_verdicts(folder: Path, entries: Collection[str]) -> dict[str, Verdict]:
    """The verdicts on the entries of a board's folder that have one, by the names of the entries' files.

    Raises:
      VerificationError: the file beside an entry is no verdict.
    """
    found = {name: read_verdict(folder / "entries" / name) for name in entries}
    return {name: verdict for name, verdict in found.items() if verdict is not None}

"""What a benchmark says while it runs, and at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """What a benchmark reports while it runs."""

    kind: Literal["split", "group", "note"]  # a split is ready; records were stored; something to know
    text: str
    done: int  # cells that are stored, of this suite
    total: int  # cells of the splits seen so far


@dataclass
class Summary:
    """What a benchmark did."""

    statuses: Counter[str] = field(default_factory=Counter)  # of the runs of this call, by status
    stored: int = 0  # cells that were stored before
    copied: int = 0  # cells that are another under a further seed, of algorithms that no seed changes
    cells: set[str] = field(default_factory=set)  # ids of all cells that the suite asked for
    notes: list[str] = field(default_factory=list)  # what was left out, and why
    lost: list[str] = field(default_factory=list)  # data sets that could not be read
    seconds: float = 0.0
    compilations: int = 0

    @property
    def runs(self) -> int:
        """Runs that were trained."""
        return sum(count for status, count in self.statuses.items() if status != "skipped")

    @property
    def runs_per_minute(self) -> float:
        return 60 * self.runs / self.seconds if self.seconds else 0.0

    @property
    def complete(self) -> bool:
        """Whether nothing failed; what was skipped had a reason to be."""
        return not self.lost and not set(self.statuses) - {"ok", "skipped"}


Report = Callable[[Progress], None]
"""Called with each step."""

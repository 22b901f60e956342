"""Drawing the samples of an entry again, from their seeds, where the data are at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from recbench.bench.cells import PROTOCOL_VERSION
from recbench.bench.context import bind_sampler
from recbench.bench.coverage import coverage
from recbench.bench.roster import sampler_code
from recbench.bench.sample import FULL, SampleDrawer
from recbench.bench.sketch import overlap, sketch
from recbench.boards.agreed import check_equal
from recbench.boards.collect import is_exact
from recbench.boards.entry import Entry, SampleEntry, SamplerEntry
from recbench.boards.shelf import Shelf
from recbench.contracts.errors import ParameterError, RecbenchError, UnknownNameError, VerificationError
from recbench.contracts.records import Budget, Sample, Split, Synthesis
from recbench.registry import Registry

COMMON = 0.99
"""Share of the rows that two draws have in common, at least, where something was trained for them."""

_FIELDS = ("rows", "users", "items", "cold_test_users", "cold_test_items", "popularity_shift", "time_span")
_WHY = "is what drawing it again gives"


class Redrawn(NamedTuple):
    """What drawing samples again came to."""

    exact: int  # samples that are the same to the last row
    alike: int  # that have at least 99 % of the rows in common, within twice the error of the estimate
    notes: Sequence[str]  # why others could not be drawn again, or not be compared

    @property
    def complete(self) -> bool:
        """Whether every sample was drawn again."""
        return not self.notes


def check_samplers(entry: Entry, registry: Registry) -> dict[str, str]:
    """Compares what an entry says of its samplers with what is registered here.

    Returns:
      By label, why samples of a sampler cannot be drawn here.

    Raises:
      VerificationError: a sampler has other parameters, another unit or form; or is said to be built in and is not.
    """
    lost: dict[str, str] = {}
    for number, each in enumerate(entry.samplers):
        place = f"samplers.{number}"
        try:
            bound = bind_sampler(each.label, registry)
            code = sampler_code(each.label, registry)
        except UnknownNameError as error:
            if not each.code:
                raise VerificationError(f"'{place}.code' is empty, as of what is built in, but {error}") from error
            lost[each.label] = f"{each.label} is not installed here"
            continue
        except ParameterError as error:
            raise VerificationError(f"'{place}.label' is {each.label!r}, but {error}") from error
        if code != each.code and each.code:
            lost[each.label] = f"the code of {each.label} is not the one that is installed here"
            continue
        check_equal(f"{place}.code", each.code, code, why="is that of what is registered here")
        found = {
            "label": bound.label,
            "parameters": dict(bound.parameters),
            "unit": bound.unit,
            "form": bound.spec.form,
        }
        for name, value in found.items():
            check_equal(f"{place}.{name}", getattr(each, name), value, why="is what is registered here")
    return lost


def redraw(entry: Entry, *, shelf: Shelf, registry: Registry) -> Redrawn:
    """Draws every sample of an entry again and compares it, as far as data and samplers are here.

    Raises:
      VerificationError: names the first sample that is another.
    """
    lost = check_samplers(entry, registry)
    samplers = {each.label: each for each in entry.samplers}
    notes: dict[str, None] = dict.fromkeys(_untold(entry, shelf))
    exact = alike = 0
    for conditions in entry.conditions:
        ground = (conditions.dataset, conditions.feedback)
        split = shelf.split(conditions)
        if conditions.protocol != PROTOCOL_VERSION:
            split = (
                f"the runs are of version {conditions.protocol} of recbench's protocol, here it is {PROTOCOL_VERSION}"
            )
        if isinstance(split, str):
            notes[split] = None
            continue
        drawer = SampleDrawer(split, registry)
        for number, sample in _of_ground(entry, ground):
            if reason := lost.get(sample.sampler):
                notes[reason] = None
                continue
            said = _compare(f"samples.{number}", sample, samplers.get(sample.sampler), split, drawer, registry)
            exact, alike = exact + (said == "exact"), alike + (said == "alike")
            if said not in ("exact", "alike"):
                notes[said] = None
    return Redrawn(exact, alike, list(notes))


def _untold(entry: Entry, shelf: Shelf) -> Iterator[str]:
    """Feedback types that are said not to go with data that are not here."""
    for each in entry.left_out:
        if isinstance(reason := shelf.dataset(each.dataset), str):
            yield f"whether {each.dataset} allows {each.feedback} feedback is not known: {reason}"


def _of_ground(entry: Entry, ground: tuple[str, str]) -> Iterator[tuple[int, SampleEntry]]:
    return ((n, each) for n, each in enumerate(entry.samples) if (each.dataset, each.feedback) == ground)


def _compare(
    place: str,
    sample: SampleEntry,
    sampler: SamplerEntry | None,
    split: Split,
    drawer: SampleDrawer,
    registry: Registry,
) -> str:
    """``exact``, ``alike``, or why the two could not be compared."""
    drawn = _draw(place, sample, drawer)
    if drawn.digest == sample.digest:
        found = coverage(split, drawn)
        for name in _FIELDS:
            check_equal(f"{place}.{name}", getattr(sample, name), getattr(found, name), why=_WHY)
        return "exact"
    trained = sampler is not None and not is_exact(sample.sampler, registry)
    if not trained:
        check_equal(f"{place}.digest", sample.digest, drawn.digest, why=_WHY)
    what = f"{sample.sampler} at {sample.budget}"
    if isinstance(drawn, Synthesis) or not sample.sketch:
        return f"{what} was drawn again and is not the same to the last digit, and the entry has no sketch to compare"
    marks = np.array(sample.sketch, dtype=np.int64)
    common = overlap(marks, sketch(drawn.rows), sizes=(sample.rows, len(drawn.rows)))
    if common.share + 2 * common.error < COMMON:
        raise VerificationError(
            f"'{place}.digest' is of a sample that has about {100 * common.share:.1f} % "
            f"(+- {200 * common.error:.1f}) of its rows in common with {what} drawn again: at least "
            f"{100 * COMMON:.0f} % are expected"
        )
    return "alike"


def _draw(place: str, sample: SampleEntry, drawer: SampleDrawer) -> Sample | Synthesis:
    budget = Budget(1.0) if sample.sampler == FULL else Budget.parse(sample.budget)
    try:
        return drawer.draw(sample.sampler, budget, sample.seed)
    except RecbenchError as error:
        raise VerificationError(f"'{place}' cannot be drawn again: {error}") from error

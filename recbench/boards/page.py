"""What the page of a board shows: rows of text and numbers, whatever form the entries have that they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from recbench.boards.verdict import Tier
from recbench.contracts.records import Feedback

ColumnKind = Literal["label", "word", "level", "number", "low", "high", "note", "entry"]


@dataclass(frozen=True, slots=True)
class Column:
    """How the page shows one field of its rows.

    A ``label`` is a name with parameters, a ``word`` one of few names, a ``level`` a budget, which has a place on an
    axis; ``low`` and ``high`` are the ends of an interval, the measure's where that is their name too; an ``entry`` is
    the name of one.
    """

    title: str
    kind: ColumnKind
    digits: int = 0  # of numbers, after the point
    ratio: bool = False  # a number that is averaged as one: geometrically


def _shown(title: str, kind: ColumnKind, *, digits: int = 0, ratio: bool = False) -> Any:
    return field(metadata={"column": Column(title, kind, digits, ratio)})


@dataclass(frozen=True, slots=True)
class SamplerRow:
    """How far one sampler at one budget keeps the ranking of the algorithms in one metric."""

    sampler: str = _shown("sampler", "label")
    dataset: str = _shown("data set", "word")
    feedback: str = _shown("feedback", "word")
    metric: str = _shown("metric", "word")
    budget: str = _shown("budget", "level")
    tau: float | None = _shown("tau", "number", digits=3)
    low: float | None = _shown("2.5 to 97.5 %", "low", digits=3)
    high: float | None = _shown("97.5 %", "high", digits=3)
    ceiling: float | None = _shown("ceiling", "number", digits=3)
    share: float | None = _shown("share", "number", digits=2)
    regret: float | None = _shown("regret", "number", digits=4)
    speedup: float | None = _shown("speed-up", "number", digits=1, ratio=True)
    over: int | None = _shown("over", "number")
    fixed: int | None = _shown("fixed", "number")
    entry: str = _shown("entry", "entry")
    note: str = _shown("note", "note")


@dataclass(frozen=True, slots=True)
class AlgorithmRow:
    """How good one algorithm is on one data set, in one metric."""

    algorithm: str = _shown("algorithm", "label")
    dataset: str = _shown("data set", "word")
    feedback: str = _shown("feedback", "word")
    metric: str = _shown("metric", "word")
    value: float | None = _shown("value", "number", digits=4)
    low: float | None = _shown("2.5 to 97.5 %", "low", digits=4)
    high: float | None = _shown("97.5 %", "high", digits=4)
    spread: float | None = _shown("spread", "number", digits=4)
    seeds: int = _shown("seeds", "number")
    seconds: float | None = _shown("seconds", "number", digits=2)
    chosen: str = _shown("hyper-parameters", "label")
    entry: str = _shown("entry", "entry")
    note: str = _shown("note", "note")


@dataclass(frozen=True, slots=True)
class SynthesiserRow:
    """How good one algorithm is that was trained on the users that one sampler made or kept, in one metric."""

    sampler: str = _shown("sampler", "label")
    dataset: str = _shown("data set", "word")
    feedback: str = _shown("feedback", "word")
    algorithm: str = _shown("algorithm", "word")
    metric: str = _shown("metric", "word")
    budget: str = _shown("users", "level")
    value: float | None = _shown("value", "number", digits=4)
    low: float | None = _shown("2.5 to 97.5 %", "low", digits=4)
    high: float | None = _shown("97.5 %", "high", digits=4)
    spread: float | None = _shown("spread", "number", digits=4)
    full: float | None = _shown("full data", "number", digits=4)
    share: float | None = _shown("share", "number", digits=2)
    share_low: float | None = _shown("of the share", "low", digits=2)
    share_high: float | None = _shown("97.5 % of the share", "high", digits=2)
    seeds: int = _shown("seeds", "number")
    seconds: float | None = _shown("seconds", "number", digits=2)
    drawing: float | None = _shown("drawing", "number", digits=2)
    full_seconds: float | None = _shown("on full data", "number", digits=2)
    entry: str = _shown("entry", "entry")
    note: str = _shown("note", "note")


Row = SamplerRow | AlgorithmRow | SynthesiserRow


def columns_of(rows: type[Row]) -> dict[str, Column]:
    """The columns of a kind of rows, by the names of their fields."""
    return {each.name: each.metadata["column"] for each in fields(rows)}


@dataclass(frozen=True, slots=True)
class Board:
    """What one kind of board is about: which columns of its rows play which part. Fields hold names of columns."""

    name: str
    rows: type[Row]
    question: str  # the sentence that the page opens with
    contestant: str  # of whom the summary is
    measure: str  # what they are ranked by
    filters: tuple[str, ...]
    averaged: tuple[str, ...]  # what else the summary has
    units: tuple[str, ...]  # numbers in units of the metric: no mean is taken over several of them
    reference: str = ""  # what no contestant is expected to exceed
    plots: tuple[str, ...] = ()  # the measure against these
    terms: tuple[tuple[str, str], ...] = ()  # words, and what they mean


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One submission: who, when, on what, and how to make its numbers again."""

    name: str  # of its file in entries/
    date: str
    tier: Tier
    recbench: str
    runs: int
    hours: float
    devices: str
    commands: tuple[str, ...]
    submitter: str = ""
    link: str = ""  # becomes one where it is an https address
    facts: tuple[tuple[str, str], ...] = ()  # what else its page says: a term, and text


@dataclass(frozen=True, slots=True)
class PageMean:
    """The mean of all rows that an entry has of one contestant at one level, as the entry states it."""

    contestant: str
    level: str
    entry: str
    rows: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BoardPage:
    """All that the page of a board shows."""

    board: Board
    suite: str
    version: int
    rows: tuple[Row, ...]
    entries: tuple[PageEntry, ...]  # oldest first
    headlines: Mapping[Feedback, str]  # the metric that a feedback type is first shown in
    lower_is_better: frozenset[str] = frozenset()  # metrics, where the measure is one
    means: tuple[PageMean, ...] = ()
    readme: str = "README.md"  # the same numbers as Markdown
    others: Mapping[str, str] = field(default_factory=dict)  # pages of the suite's other boards, by their names

"""Which runs a suite asks for on one split, and in which groups they share a device program.

Two phases where hyper-parameters are tuned once (``tuning = "full"``): the grids on full data with the first training
seed, then, with what validation chose, everything else; algorithms without a grid have no first phase. With ``tuning =
"sample"`` there is one phase: the grids everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from recbench.bench.cells import PROTOCOL_VERSION, Axes, Cell, hyper_text
from recbench.bench.context import bind_sampler
from recbench.bench.roster import Entrant, entrants, metric_code, sampler_code
from recbench.bench.sample import FULL, SampleDrawer
from recbench.bench.suite import Suite
from recbench.contracts.records import Budget, ParameterValue, RunRecord, Split
from recbench.contracts.specs import AlgorithmSpec
from recbench.registry import Registry

GROUP_SIZE = 16
"""Runs a device program holds at most: enough to fill it, few enough that a kill loses little."""

Hyper = Mapping[str, ParameterValue]


@dataclass(frozen=True)
class Draw:
    """One sample that is asked for, as it stands in a cell."""

    sampler: str  # canonical label
    unit: str
    budget: str
    sample_seed: int
    sampler_code: str = ""
    refusal: str = ""  # why it cannot be drawn; empty when it can
    fake_users: bool = False


ALL_ROWS = Draw(FULL, "interaction", str(Budget(1.0)), 0)


class Copy(NamedTuple):
    """A run that need not be made: it differs from another only in a seed that changes nothing."""

    of: Cell
    cell: Cell


@dataclass(frozen=True)
class Group:
    """Runs for one device program: one split, one algorithm, equal static hyper-parameters, samples of like size.

    It is complete in itself, so that an executor may send it elsewhere.
    """

    split: Split
    cells: tuple[Cell, ...]  # at most GROUP_SIZE, by size
    metrics: tuple[str, ...]  # columns to compute


class Plan:
    """All cells of a suite on one split.

    Raises:
      UnknownNameError, ParameterError, SuiteError: the suite names what cannot be run.
    """

    def __init__(self, suite: Suite, split: Split, registry: Registry) -> None:
        self.suite, self.split = suite, split
        self.entrants: dict[str, Entrant] = {each.label: each for each in entrants(suite, split.feedback, registry)}
        self.draws = list(_draws(suite, SampleDrawer(split, registry), registry))
        self.metrics = suite.metrics[split.feedback]
        protocol, select = suite.protocol, suite.protocol.select[split.feedback]
        self._shared: Axes = {
            **split.axes,
            "noise": split.noise,
            "noise_seed": split.noise_seed,
            "mask": protocol.mask,
            "history": protocol.history,
            "tuning": protocol.tuning,
            "select": select,
            "metric_code": metric_code((*self.metrics, select), registry),
            "max_epochs": protocol.epochs,
            "validate_every": protocol.validate_every,
            "patience": protocol.patience,
            "protocol": PROTOCOL_VERSION,
        }

    def first(self) -> list[Cell]:
        """What must be run before hyper-parameters are chosen: the grids, of algorithms that have one."""
        seeds = self.suite.seeds.full
        if self.suite.protocol.tuning == "full":
            tuned = [each for each in self.entrants.values() if len(each.grid) > 1]
            return [self.cell(each, hyper, ALL_ROWS, seeds[0]) for each in tuned for hyper in each.grid]
        pairs = [(ALL_ROWS, seed) for seed in seeds] + self._sampled
        return [self.cell(each, h, *pair) for each in self.entrants.values() for h in each.grid for pair in pairs]

    def then(self, chosen: Mapping[str, Hyper]) -> list[Cell]:
        """What follows the choice of hyper-parameters, by algorithm; where none was chosen of a grid, nothing."""
        if self.suite.protocol.tuning == "sample":
            return []
        cells = []
        for label, entrant in self.entrants.items():
            tuned = len(entrant.grid) > 1
            if tuned and label not in chosen:
                continue
            hyper = chosen[label] if tuned else entrant.grid[0]
            seeds = self.suite.seeds.full[1:] if tuned else self.suite.seeds.full
            pairs = [(ALL_ROWS, seed) for seed in seeds] + self._sampled
            cells += [self.cell(entrant, hyper, *pair) for pair in pairs]
        return cells

    @property
    def _sampled(self) -> list[tuple[Draw, int]]:
        """Samples and the training seed of runs on them: that of the draw."""
        return [(draw, draw.sample_seed) for draw in self.draws]

    def cell(self, entrant: Entrant, hyper: Hyper, draw: Draw, training_seed: int) -> Cell:
        """The cell of one run."""
        return Cell(
            {
                **self._shared,
                "sampler": draw.sampler,
                "unit": draw.unit,
                "budget": draw.budget,
                "sample_seed": draw.sample_seed,
                "sampler_code": draw.sampler_code,
                "algorithm": entrant.label,
                "algorithm_code": entrant.code,
                "hyper": hyper_text(hyper),
                "training_seed": training_seed,
            }
        )

    def refused(self, cells: Iterable[Cell]) -> tuple[list[Cell], list[RunRecord]]:
        """Divides cells into what can be run and records, skipped, of what a spec says cannot."""
        draws = {(draw.sampler, draw.budget): draw for draw in (ALL_ROWS, *self.draws)}
        possible: list[Cell] = []
        skipped: list[RunRecord] = []
        for cell in cells:
            draw = draws[cell.sampler, str(cell.axes["budget"])]
            reason = draw.refusal or _unsuited(self.entrants[cell.algorithm].spec, self.split, draw)
            if reason:
                skipped.append(RunRecord(cell.axes, "skipped", reason))
            else:
                possible.append(cell)
        return possible, skipped

    def copies(self, cells: Iterable[Cell], done: Collection[str]) -> tuple[list[Cell], list[Copy]]:
        """Divides cells into what must be trained, and runs on full data that no seed can make differ from another.

        Args:
          done: ids of the cells that are stored.
        """
        trained: list[Cell] = []
        copies: list[Copy] = []
        firsts: dict[str, Cell] = {}  # by the id with the first seed, which stands for all seeds
        seeds = self.suite.seeds.full
        for cell in cells:
            if cell.sampler != FULL or not self.entrants[cell.algorithm].spec.deterministic:
                trained.append(cell)
                continue
            stored = (twin for twin in map(cell.with_seed, seeds) if twin.id in done)
            first = firsts.setdefault(cell.with_seed(seeds[0]).id, next(stored, cell))
            if first is cell:
                trained.append(cell)
            else:
                copies.append(Copy(first, cell))
        return trained, copies

    def groups(self, cells: Iterable[Cell]) -> list[Group]:
        """Cells in groups: equal algorithm and static hyper-parameters, samples of like size side by side."""
        programs: dict[tuple[object, ...], list[Cell]] = defaultdict(list)
        for cell in cells:
            programs[self.program(cell)].append(cell)
        return [
            Group(self.split, tuple(chunk), self.metrics)
            for program in programs.values()
            for chunk in _chunks(sorted(program, key=lambda cell: expected_rows(cell.budget, self.split)))
        ]

    def program(self, cell: Cell) -> tuple[object, ...]:
        """What must be equal for runs to share a compiled program."""
        static = (each.name for each in self.entrants[cell.algorithm].spec.hyper if not each.traced)
        fake = any(draw.fake_users and draw.sampler == cell.sampler for draw in self.draws)
        return (cell.algorithm, fake, *(cell.hyper[name] for name in static))

    @property
    def size(self) -> int:
        """How many cells there are in all, provided that each grid has a point that works."""
        later = len(self.suite.seeds.full) - 1 + len(self.draws)
        grids = sum(len(each.grid) for each in self.entrants.values())
        if self.suite.protocol.tuning == "sample":
            return grids * (later + 1)
        return grids + len(self.entrants) * later


def expected_rows(budget: Budget, split: Split) -> int:
    """Train rows that a sample of this budget will hold, about."""
    rows = len(split.train)
    match budget.of:
        case "share" | "user-share":
            return round(budget.amount * rows)
        case "rows":
            return min(int(budget.amount), rows)
        case "users":
            return min(round(budget.amount * rows / max(split.num_users, 1)), rows)


def left_out(cells: Iterable[Cell], done: Collection[str]) -> list[Cell]:
    """The cells that are not done, each once."""
    return list({cell.id: cell for cell in cells if cell.id not in done}.values())


def _draws(suite: Suite, drawer: SampleDrawer, registry: Registry) -> Iterator[Draw]:
    bound = {each.label: each for each in (bind_sampler(text, registry) for text in suite.samplers)}
    for (label, sampler), budget, seed in product(bound.items(), suite.budgets, suite.seeds.sample):
        refusal = drawer.refusal(label, Budget.parse(budget))
        code = sampler_code(label, registry)
        yield Draw(label, sampler.unit, budget, seed, code, refusal, sampler.spec.form == "synthesise")


def _unsuited(spec: AlgorithmSpec, split: Split, draw: Draw) -> str:
    if split.feedback not in spec.feedback:
        return f"{spec.name!r} works on {' and '.join(spec.feedback)} feedback, not on {split.feedback}"
    if draw.fake_users and not spec.fake_users:
        return f"{spec.name!r} cannot train on fake users, and {draw.sampler!r} makes them"
    return ""


def _chunks(cells: Sequence[Cell]) -> Iterator[Sequence[Cell]]:
    return (cells[start : start + GROUP_SIZE] for start in range(0, len(cells), GROUP_SIZE))

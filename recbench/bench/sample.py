"""From a split to a sample: the core keeps the contract of samplers, a plugin need only score or choose rows."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recbench import rng
from recbench.bench.context import BoundSampler, CallContext, Report, bind_sampler
from recbench.bench.coverage import coverage, too_small
from recbench.bench.order import keep, order_units, out_of_reach
from recbench.bench.proxy import Proxies
from recbench.bench.rules import broken, checked_order, checked_rows, checked_synthesis, fingerprint, read_only
from recbench.contracts.errors import ParameterError, RecbenchError
from recbench.contracts.records import Budget, Sample, Split, Synthesis, Unit
from recbench.registry import Registry, default

if TYPE_CHECKING:
    from recbench.engine.batch import DeviceSplit

__all__ = ["FULL", "SampleDrawer", "coverage", "draw_sample", "full_sample", "too_small"]

FULL = "full"
"""The label of all rows."""


def draw_sample(
    sampler: str,
    split: Split,
    budget: Budget | str,
    *,
    seed: int = 0,
    registry: Registry | None = None,
    data: DeviceSplit | None = None,
    report: Report | None = None,
    checkpoint: Path | None = None,
) -> Sample | Synthesis:
    """Draws one sample of the train rows. For many of one split, :class:`SampleDrawer` shares the work.

    Args:
      sampler: label, as in ``svp-cf[proxy=mf,unit=user]``.
      budget: a :class:`Budget` or its text: ``10%``, ``1000rows``, ``500users``.
      seed: equal seeds give equal samples.
      report: called with the steps done, the steps in all and how it does, by samplers that take long.
      checkpoint: file in which such samplers keep where they stand, and from which they go on.

    Raises:
      UnknownNameError: no plugin registered the sampler.
      ParameterError: it has no such parameter, cannot work on this split, or the budget is out of reach.
      ContractError: the sampler returned what its contract forbids.
    """
    wanted = Budget.parse(budget) if isinstance(budget, str) else budget
    return SampleDrawer(split, registry, data=data, report=report, checkpoint=checkpoint).draw(sampler, wanted, seed)


def full_sample(split: Split) -> Sample:
    """All train rows, as the sample that others are compared with."""
    return Sample(np.arange(len(split.train), dtype=np.int64), FULL, Budget(1.0), 0)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What a sampler made, and what each part of the work took."""

    made: NDArray[np.uint32] | Sample | Synthesis  # units from the first to keep to the last, or what one budget gets
    seconds: Mapping[str, float]  # own work under the label, each proxy under its name: no proxy counts twice

    @property
    def nbytes(self) -> int:
        return self.made.nbytes if isinstance(self.made, np.ndarray) else self.made.rows.nbytes


class SampleDrawer:
    """Draws the samples of one split. An order is made once a seed and serves all budgets; proxies are shared.

    Args:
      registry: where samplers and proxies are looked up; None: this process's.
      data: the split on the device, if it is there already (proxies train on it).
      check: call each sampler twice and compare, and hash its input before and after: for the tests of a plugin.
      memory: bytes of orders to hold; the least recently used ones are made anew when asked for again.
      report, checkpoint: as :func:`draw_sample`; a checkpoint is of one sample.
      proxies: what trains the proxies; None: the algorithms that are registered.
    """

    def __init__(
        self,
        split: Split,
        registry: Registry | None = None,
        *,
        data: DeviceSplit | None = None,
        check: bool = False,
        memory: int = 4 << 30,
        report: Report | None = None,
        checkpoint: Path | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self.split = split
        self._registry = registry or default()
        self._proxies = proxies or Proxies(split, self._registry, data=data)
        self._train, self._validation = read_only(split.train), read_only(split.validation)
        self._check = check
        self._memory = memory
        self._report, self._checkpoint = report, checkpoint
        self._drawn: OrderedDict[tuple[str, int, Budget | None], _Drawn] = OrderedDict()
        self._active: list[str] = []

    def label(self, sampler: str) -> str:
        """The simplest form of a label: equal labels mean equal samples."""
        return FULL if sampler == FULL else bind_sampler(sampler, self._registry).label

    def refusal(self, sampler: str, budget: Budget | None = None) -> str:
        """Why the sampler cannot work on this split (or at this budget); empty when it can. Nothing is drawn.

        Raises:
          UnknownNameError, ParameterError: the label itself is wrong.
        """
        return "" if sampler == FULL else self._refusal(bind_sampler(sampler, self._registry), budget)

    def draw(self, sampler: str, budget: Budget, seed: int = 0) -> Sample | Synthesis:
        """One sample; budgets of one order and seed share the work, and their samples are nested.

        Raises:
          UnknownNameError, ParameterError, ContractError: as :func:`draw_sample`.
        """
        return self._with_seconds(sampler, budget, seed)[0]

    def scores(self, sampler: str, seed: int = 0) -> NDArray[np.float32]:
        """What an order sampler says of each train row, float32 [n], before units are formed and ties broken.

        Raises:
          UnknownNameError, ParameterError, ContractError: as :func:`draw_sample`.
        """
        bound = bind_sampler(sampler, self._registry)
        if bound.spec.form != "order" or bound.stages is not None:
            raise ParameterError(f"{sampler!r} gives no scores of train rows: a sampler of the form order is needed")
        if reason := self._refusal(bound, None):
            raise ParameterError(reason)
        result = self._call(bound, Budget(1.0), self._context(bound, seed))
        assert isinstance(result, np.ndarray)
        return result

    def seconds(self, sampler: str, budget: Budget, seed: int = 0) -> float:
        """What drawing this sample takes alone: wall time, its proxy included also where that was shared."""
        if sampler == FULL:
            return 0.0
        return sum(self._once(bind_sampler(sampler, self._registry), budget, seed).seconds.values())

    def _with_seconds(self, sampler: str, budget: Budget, seed: int) -> tuple[Sample | Synthesis, Mapping[str, float]]:
        if sampler == FULL:
            return full_sample(self.split), {}
        bound = bind_sampler(sampler, self._registry)
        if reason := self._refusal(bound, budget):
            raise ParameterError(reason)
        drawn = self._once(bound, budget, seed)
        if not isinstance(drawn.made, np.ndarray):
            return drawn.made, drawn.seconds
        rows = keep(drawn.made, self._train, bound.kept, budget)
        return Sample(rows, bound.label, budget, seed), drawn.seconds

    def _refusal(self, bound: BoundSampler, budget: Budget | None) -> str:
        spec, feedback = bound.spec, self.split.feedback
        if feedback not in spec.feedback:
            return f"{spec.name!r} works on {' and '.join(spec.feedback)} feedback, not on {feedback}"
        if spec.needs_timestamps and self.split.train.timestamp is None:
            return f"{spec.name!r} needs timestamps, and the data have none"
        if budget is None:
            return ""
        fake = spec.form == "synthesise"
        if fake and budget.of in ("share", "rows"):
            return f"{spec.name!r} makes fake users: ask for a number or a share of users, as in 500users or 5%users"
        stages = bound.stages
        beyond = "" if stages is None else stages.refusal(budget, self._train)
        return out_of_reach(self._train, "user" if fake else bound.kept, budget) or beyond

    def _once(self, bound: BoundSampler, budget: Budget, seed: int) -> _Drawn:
        place = bound.label, seed, None if bound.spec.form == "order" else budget
        if place not in self._drawn:
            if bound.label in self._active:
                raise broken(bound.label, "no-circle", " is made of ".join([*self._active, bound.label]))
            self._active.append(bound.label)
            try:
                made = self._make if bound.stages is None else self._make_in_stages
                drawn = made(bound, budget, seed)
            finally:
                self._active.pop()
            self._make_room(drawn.nbytes)
            self._drawn[place] = drawn
        self._drawn.move_to_end(place)
        return self._drawn[place]

    def _make_room(self, size: int) -> None:
        while self._drawn and sum(drawn.nbytes for drawn in self._drawn.values()) + size > self._memory:
            self._drawn.popitem(last=False)

    def _make(self, bound: BoundSampler, budget: Budget, seed: int) -> _Drawn:
        bound.load()  # Imports, and what they compile, are no part of a sampler's seconds.
        started = time.perf_counter()
        context = self._context(bound, seed)
        result = self._call(bound, budget, context)
        made: NDArray[np.uint32] | Sample | Synthesis
        if isinstance(result, Synthesis):
            made = replace(result, sampler=bound.label, budget=budget, seed=seed)
        elif isinstance(result, Sample):
            made = Sample(result.rows, bound.label, budget, seed, taken=result.sampler)
        elif bound.spec.form == "select":
            made = Sample(result, bound.label, budget, seed)
        else:
            made = order_units(result, self._train, bound.kept, rng=self._generator("ties", bound, seed))
        seconds = context.seconds(time.perf_counter() - started)
        if self._check and not _same(result, self._call(bound, budget, self._context(bound, seed))):
            raise broken(bound.label, "repeatable", "the second call returned different values")
        own = bound.label if bound.spec.form == "order" else f"{bound.label} {budget}"
        return _Drawn(made, {own if part == "" else part: spent for part, spent in seconds.items()})

    def _make_in_stages(self, bound: BoundSampler, budget: Budget, seed: int) -> _Drawn:
        """The order of two stages, from the orders of both units."""
        stages = bound.stages
        assert stages is not None
        units: tuple[Unit, Unit] = stages.whole, "interaction"
        wholes, rows = (self._once(bind_sampler(bound.alone(unit), self._registry), budget, seed) for unit in units)
        started = time.perf_counter()
        source = self._generator("stages", bound, seed)
        assert isinstance(wholes.made, np.ndarray) and isinstance(rows.made, np.ndarray)
        made = stages.order(wholes.made, rows.made, self._train, rng=source)
        return _Drawn(made, {**wholes.seconds, **rows.seconds, bound.label: time.perf_counter() - started})

    def _generator(self, purpose: str, bound: BoundSampler, seed: int) -> np.random.Generator:
        return rng.generator(purpose=purpose, **self.split.axes, sampler=bound.label, sample_seed=seed)

    def _context(self, bound: BoundSampler, seed: int) -> CallContext:
        source = self._generator("sampler", bound, seed)
        return CallContext(
            self.split.feedback, bound.kept, bound.parameters, source, self._validation, self._checkpoint, self._report,
            seed, self._proxies, self._with_seconds,
        )  # fmt: skip

    def _taken(self, sample: Sample, bound: BoundSampler, budget: Budget) -> Sample:
        """Another's sample, checked by what that one keeps whole."""
        try:
            unit = bind_sampler(sample.sampler, self._registry).kept
        except RecbenchError as error:
            raise broken(bound.label, "rows-of-train", f"it took a sample of {sample.sampler!r}: {error}") from error
        rows = checked_rows(sample.rows, self._train, unit, budget, sampler=bound.label)
        return replace(sample, rows=rows)

    def _call(self, bound: BoundSampler, budget: Budget, context: CallContext) -> NDArray[Any] | Sample | Synthesis:
        before = fingerprint(self.split.train, self.split.validation) if self._check else ""
        form = bound.spec.form
        arguments: tuple[Any, ...] = (self._train, context) if form == "order" else (self._train, budget, context)
        try:
            result = bound.load()(*arguments)
        except ValueError as error:
            if "read-only" in str(error):
                raise broken(bound.label, "input-untouched", "it tried to write into it") from error
            raise
        if self._check and fingerprint(self.split.train, self.split.validation) != before:
            raise broken(bound.label, "input-untouched", "it changed rows of train or validation")
        if form == "order":
            return checked_order(result, length=len(self._train), sampler=bound.label)
        if form == "select" and isinstance(result, Sample):
            return self._taken(result, bound, budget)
        if form == "select":
            return checked_rows(result, self._train, bound.kept, budget, sampler=bound.label)
        return checked_synthesis(result, self.split, budget, sampler=bound.label)


def _same(first: NDArray[Any] | Sample | Synthesis, second: NDArray[Any] | Sample | Synthesis) -> bool:
    one, other = (made if isinstance(made, np.ndarray) else made.rows for made in (first, second))
    return bool(np.array_equal(one, other))

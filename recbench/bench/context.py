"""What a sampler is called with: the label's meaning, and the context of one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from recbench.bench.proxy import Proxies
from recbench.bench.stages import Stages
from recbench.contracts.errors import ParameterError
from recbench.contracts.labels import Label, bind, simplest
from recbench.contracts.records import Budget, Feedback, Interactions, ParameterValue, Sample, Synthesis, Unit
from recbench.contracts.specs import SamplerSpec
from recbench.registry import Registry

Draw = Callable[[str, Budget, int], tuple[Sample | Synthesis, Mapping[str, float]]]
"""(sampler, budget, seed) to the sample and the seconds of each part of the work."""
Report = Callable[[int, int, str], None]
"""Steps done, steps in all, and how the work does."""


@dataclass(frozen=True, slots=True)
class BoundSampler:
    """A registered sampler with the parameters and the unit of a label."""

    label: str  # canonical: what differs from the defaults, sorted
    spec: SamplerSpec
    unit: str  # one of the spec's, or two of them in stages: user+interaction
    parameters: Mapping[str, ParameterValue]
    load: Callable[[], Any]

    @property
    def stages(self) -> Stages | None:
        """The stages that the unit names; None: there is one."""
        return Stages.parse(self.unit) if "+" in self.unit else None

    @property
    def kept(self) -> Unit:
        """What is kept or dropped whole in the end."""
        return "interaction" if self.stages is not None else cast(Unit, self.unit)

    def alone(self, unit: Unit) -> str:
        """The label of the same sampler for one unit."""
        overrides = tuple(each for each in Label.parse(self.label).overrides if each[0] != "unit")
        return str(Label(self.spec.name, tuple(sorted((*overrides, ("unit", unit))))))


def bind_sampler(sampler: str, registry: Registry) -> BoundSampler:
    """The sampler that a label means; ``unit`` may stand among the parameters of every sampler.

    Raises:
      UnknownNameError: no plugin registered it.
      ParameterError: it has no such parameter, or does not keep such units.
    """
    label = Label.parse(sampler)
    registered = registry.get("samplers", label.name)
    spec: SamplerSpec = registered.spec
    overrides = dict(label.overrides)
    unit = _unit(str(overrides.pop("unit", spec.units[0])), spec)
    values = bind(Label(registered.name, tuple(overrides.items())), spec.parameters)
    short = simplest(registered.name, values, spec.parameters).overrides
    if unit != spec.units[0]:
        short = tuple(sorted((*short, ("unit", unit))))
    canonical = str(Label(registered.name, short))
    return BoundSampler(canonical, spec, unit, MappingProxyType(values), registered.load)


def _unit(text: str, spec: SamplerSpec) -> str:
    """The unit that a label asks for, in its simplest form."""
    stages = Stages.parse(text) if "+" in text else None
    wanted = (text,) if stages is None else (stages.whole, "interaction")
    missing = [unit for unit in wanted if unit not in spec.units]
    if missing:
        raise ParameterError(f"{spec.name!r} was given unit={text}, but it keeps: {', '.join(spec.units)}")
    if stages is not None and spec.form != "order":
        raise ParameterError(f"{spec.name!r} was given unit={text}, but only an order has stages: give one unit")
    return text if stages is None else str(stages)


@dataclass(frozen=True, slots=True)
class CallContext:
    """The :class:`~recbench.contracts.protocols.SamplerContext` of one call."""

    feedback: Feedback
    unit: Unit
    parameters: Mapping[str, ParameterValue]
    rng: np.random.Generator
    validation: Interactions
    checkpoint: Path | None
    _report: Report | None
    _seed: int
    _proxies: Proxies
    _draw: Draw
    _owed: dict[str, float] = field(default_factory=dict)  # seconds of what was asked for, by name
    _waits: list[float] = field(default_factory=list)  # seconds that this call waited for each

    def progress(self, done: int, total: int, text: str) -> None:
        """Says how far long work is."""
        if self._report is not None:
            self._report(done, total, text)

    def training_errors(
        self,
        algorithm: str,
        hyper: Mapping[str, ParameterValue] | None = None,
        *,
        epochs: int = 50,
        negatives: int = 10,
    ) -> NDArray[np.float32]:
        """Error of each train row under a proxy, summed over its epochs, float32 [n]; trained once and shared."""
        started = time.perf_counter()
        name, errors, seconds = self._proxies.errors(
            algorithm, hyper or {}, epochs=epochs, negatives=negatives, seed=self._seed
        )
        self._owed[name] = seconds
        self._waits.append(time.perf_counter() - started)
        return errors

    def draw(self, sampler: str, budget: Budget) -> Sample | Synthesis:
        """The sample another registered sampler draws here with the same seed."""
        started = time.perf_counter()
        sample, seconds = self._draw(sampler, budget, self._seed)
        self._owed.update(seconds)
        self._waits.append(time.perf_counter() - started)
        return sample

    def seconds(self, wall: float) -> dict[str, float]:
        """Seconds of a call that took ``wall``, by part: its own under ``""``, each proxy and sample by its name."""
        return {**self._owed, "": wall - sum(self._waits)}

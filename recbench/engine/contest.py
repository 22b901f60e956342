"""What takes part: algorithms ready to run, the runs asked of them, the protocol they run under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recbench import rng
from recbench.contracts.records import ParameterValue, Sample, Synthesis
from recbench.contracts.specs import AlgorithmSpec
from recbench.engine.batch import AnyReplica, DeviceSplit, stack_replicas
from recbench.engine.evaluate import View
from recbench.engine.programs import Static


@dataclass(frozen=True, slots=True)
class Contestant:
    """An algorithm ready to run."""

    name: str  # what outcomes are filed under
    spec: AlgorithmSpec
    implementation: Any  # an instance of what the spec loads


@dataclass(frozen=True, slots=True)
class Run:
    """What one run trains on and with."""

    sample: Sample | Synthesis
    hyper: Mapping[str, ParameterValue]  # complete
    training_seed: int


@dataclass(frozen=True, slots=True)
class Training:
    """How runs are trained and what they see when they score; a suite's protocol (METHODS, section 2)."""

    mask: Literal["full", "sample"] = "full"
    history: Literal["full", "sample"] = "sample"
    select: str = "auc"  # the validation metric that stops training
    epochs: int = 100
    validate_every: int = 5
    patience: int = 5  # validations without a gain

    @property
    def view(self) -> View:
        return View(self.mask, self.history)


def static_hyper(spec: AlgorithmSpec, hyper: Mapping[str, ParameterValue]) -> Static:
    """The hyper-parameters that must be equal within one device program, sorted by name."""
    traced = {parameter.name for parameter in spec.hyper if parameter.traced}
    return tuple(sorted((name, value) for name, value in hyper.items() if name not in traced))


def batch_of(data: DeviceSplit, contestant: Contestant, runs: Sequence[Run], *, negatives: bool) -> AnyReplica:
    """The runs as one batch on the device."""
    return stack_replicas(
        data,
        [run.sample for run in runs],
        keys=[run_key(data, contestant, run) for run in runs],
        hyper=[traced_hyper(contestant.spec, run.hyper) for run in runs],
        negatives=negatives,
    )


def run_key(data: DeviceSplit, contestant: Contestant, run: Run) -> NDArray[np.uint32]:
    """Raw data of a run's key, uint32 [2]: hyper-parameters, sampler and budget have no part in it."""
    return rng.key_data(**data.split.axes, algorithm=contestant.spec.name, training_seed=run.training_seed)


def history_need(contestant: Contestant, run: Run) -> int | Literal["all"] | None:
    """How much of a user's history the algorithm scores by: nothing, the last k rows, or all."""
    need = contestant.spec.history
    return need if need is None or need == "all" or isinstance(need, int) else int(run.hyper[need])  # type: ignore[return-value]


def traced_hyper(spec: AlgorithmSpec, hyper: Mapping[str, ParameterValue]) -> dict[str, float]:
    """The hyper-parameters that are traced."""
    return {parameter.name: float(hyper[parameter.name]) for parameter in spec.hyper if parameter.traced}

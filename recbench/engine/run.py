"""Runs in, outcomes out: one call trains and scores many samples, seeds and hyper-parameters of one algorithm."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import numpy as np
from numpy.typing import NDArray

from recbench import rng
from recbench.contracts.records import Budget, Cost, ParameterValue, Sample, Status, Synthesis
from recbench.contracts.specs import AlgorithmSpec
from recbench.engine import devices
from recbench.engine.batch import AnyReplica, DeviceSplit, Replica, place_split, stack_replicas
from recbench.engine.evaluate import (
    Metrics,
    UserValues,
    View,
    bootstrap,
    bootstrap_weights,
    columns_of,
    score_users,
    summarise,
)
from recbench.engine.host import fit_host, score_users_host
from recbench.engine.programs import StagePrograms, Static, stage_programs
from recbench.engine.score import Column
from recbench.engine.solve import solved_programs
from recbench.engine.steps import NEEDS_NEGATIVES, TrainState
from recbench.engine.train import TIME_LIMIT, Pace, Progress, power_of_two, sum_errors, train_stage

__all__ = ["Contestant", "Fitted", "Outcome", "Run", "Training", "fit_runs", "place_split", "run_replicas",
           "score_fitted", "static_hyper", "training_errors"]  # fmt: skip


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run."""

    status: Status
    reason: str
    metrics: dict[str, float] = field(default_factory=dict)
    replicates: dict[str, NDArray[np.float32]] = field(default_factory=dict)  # [200] each
    validation: float | None = None  # the select metric on the validation rows
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A batch of fitted runs."""

    data: DeviceSplit
    contestant: Contestant
    runs: tuple[Run, ...]
    replicas: AnyReplica | None  # None for host algorithms
    states: Any  # leading axis runs; for host algorithms a list of their own states
    programs: Any  # has ``scorer``; None for host algorithms
    progress: tuple[Progress, ...]


def static_hyper(spec: AlgorithmSpec, hyper: Mapping[str, ParameterValue]) -> Static:
    """The hyper-parameters that must be equal within one device program, sorted by name."""
    traced = {parameter.name for parameter in spec.hyper if parameter.traced}
    return tuple(sorted((name, value) for name, value in hyper.items() if name not in traced))


def run_replicas(
    data: DeviceSplit,
    contestant: Contestant,
    runs: Sequence[Run],
    *,
    training: Training,
    metrics: Metrics,
    deadline: float | None = None,
) -> list[Outcome]:
    """Trains, selects and scores a group of runs.

    Args:
      data: the split, on the device.
      contestant: the algorithm; all runs share its static hyper-parameters.
      runs: any number; they are cut into batches that fit the memory budget.
      training: the protocol.
      metrics: specs with their functions; those that fit the split's feedback are computed.
      deadline: ``time.monotonic()`` after which nothing new begins (status ``timeout``).

    Returns:
      One outcome a run, in order. A run that diverges, or scores what is not finite, fails alone.
    """
    columns = columns_of(metrics, data)
    outcomes: list[Outcome] = []
    size = batch_size(data, contestant, runs)
    for first in range(0, len(runs), size):
        batch = tuple(runs[first : first + size])
        if deadline is not None and time.monotonic() > deadline:
            outcomes += [Outcome("timeout", TIME_LIMIT)] * len(batch)
            continue
        started, compiled = time.monotonic(), devices.compile_seconds()
        width = size if len(runs) > size else power_of_two(len(runs))
        fitted = fit_runs(data, contestant, batch, training=training, metrics=metrics, deadline=deadline, width=width)
        test = score_fitted(fitted, "test", training=training, columns=columns)
        select = tuple(column for column in columns if column.name == training.select)
        valid = score_fitted(fitted, "validation", training=training, columns=select) if _validates(data) else None
        compile_seconds = devices.compile_seconds() - compiled
        seconds = max(0.0, time.monotonic() - started - compile_seconds)
        costs = _costs(fitted, seconds, compile_seconds)
        outcomes += [
            _outcome(fitted, index, test, valid, cost, metrics=metrics, columns=columns, select=select)
            for index, cost in enumerate(costs)
        ]
    return outcomes


def fit_runs(
    data: DeviceSplit,
    contestant: Contestant,
    runs: tuple[Run, ...],
    *,
    training: Training,
    metrics: Metrics,
    deadline: float | None = None,
    width: int | None = None,
) -> Fitted:
    """Fits one batch of runs, filled up to ``width`` places; see :func:`run_replicas`."""
    statics = {static_hyper(contestant.spec, run.hyper) for run in runs}
    if len(statics) != 1:
        raise ValueError(f"runs of one batch share their static hyper-parameters, but {len(statics)} sets were given")
    static = statics.pop()
    progress = tuple(Progress() for _ in runs)
    if contestant.spec.form == "host":
        return _fit_host(data, contestant, runs, progress)
    padded = list(runs) + [runs[-1]] * ((width or len(runs)) - len(runs))
    implementation = contestant.implementation
    if contestant.spec.form == "solved":
        solved = solved_programs(implementation, static=static)
        replicas = _stack(data, contestant, padded, negatives=False)
        return Fitted(data, contestant, runs, replicas, solved.fit(data.arrays, replicas), solved, progress)
    stages = stage_programs(implementation, feedback=data.feedback, static=static)
    negatives = any(programs.stage.batch in NEEDS_NEGATIVES and programs.stage.negatives > 0 for programs in stages)
    replicas = _stack(data, contestant, padded, negatives=negatives)
    samples = [run.sample for run in padded]
    every = list(progress) + [Progress(status="skipped") for _ in padded[len(runs) :]]
    states: tuple[TrainState, ...] = ()
    for programs in stages:
        pace = Pace(programs.stage.epochs or training.epochs, training.validate_every, training.patience, deadline)
        validate = _validator(data, contestant, training, metrics) if _validates(data) else None
        state = train_stage(programs, data, replicas, samples, states, progress=every, pace=pace, validate=validate)
        states = (*states, state)
    return Fitted(data, contestant, runs, replicas, states[-1], stages[-1], progress)


def score_fitted(
    fitted: Fitted, phase: Literal["validation", "test"], *, training: Training, columns: tuple[Column, ...]
) -> UserValues:
    """Every column for every user with rows in the phase."""
    need = fitted.contestant.spec.history
    if fitted.replicas is None:
        scored = [
            score_users_host(
                fitted.data,
                phase,
                algorithm=fitted.contestant.implementation,
                state=state,
                sample=run.sample,
                view=training.view,
                columns=columns,
                history=need,
            )
            for run, state in zip(fitted.runs, fitted.states, strict=True)
        ]
        first = scored[0]
        values = np.concatenate([one.values for one in scored])
        return UserValues(first.users, values, first.counts, np.concatenate([one.finite for one in scored]))
    samples = [run.sample for run in fitted.runs]
    samples += [samples[-1]] * (int(fitted.replicas.key.shape[0]) - len(samples))
    return score_users(
        fitted.data,
        phase,
        make_scorer=fitted.programs.scorer,
        replicas=fitted.replicas,
        states=fitted.states,
        samples=samples,
        view=training.view,
        columns=columns,
        history=need,
    )


def training_errors(
    data: DeviceSplit,
    contestant: Contestant,
    hyper: Mapping[str, ParameterValue],
    *,
    key_data: NDArray[np.uint32],
    epochs: int = 50,
    negatives: int = 10,
) -> NDArray[np.float32]:
    """The error of every train row under a proxy, summed over all epochs of its training, float32 [train].

    Each epoch is a permutation of all rows; a row is scored in the training pass, before the update: explicit
    (prediction - rating)^2; implicit and sequential 1 - AUC against sampled unobserved items.

    Args:
      data: the split.
      contestant: a trained algorithm of one stage whose module can ``predict`` pairs.
      hyper: its hyper-parameters, complete.
      key_data: raw key data, uint32 [2].
      epochs: passes over the rows.
      negatives: sampled unobserved items a positive.

    Source: Sachdeva, Wu, McAuley, WSDM 2022, section 3.2.
    """
    stages = stage_programs(
        contestant.implementation, feedback=data.feedback, static=static_hyper(contestant.spec, hyper)
    )
    traced = _traced(contestant.spec, hyper)
    everything = Sample(np.arange(len(data.split.train)), "full", Budget(1.0), 0)
    replicas = stack_replicas(data, [everything], keys=[key_data], hyper=[traced], negatives=True)
    assert isinstance(replicas, Replica)
    return sum_errors(stages[-1], data, replicas, epochs=epochs, negatives=negatives)


def batch_size(data: DeviceSplit, contestant: Contestant, runs: Sequence[Run]) -> int:
    """How many runs go into one device program: a power of two within the memory budget."""
    form = contestant.spec.form
    if form == "host":
        return 1
    cpu = jax.devices()[0].platform == "cpu"
    # On a CPU a closed form gains little from company, and every further batch shape is compiled anew.
    most = 256 if not cpu else 16 if form == "trained" else 2
    fitting = devices.memory_budget() // max(1, bytes_per_run(data, contestant, runs[0]))
    return max(1, min(most, 1 << max(0, fitting.bit_length() - 1)))


def bytes_per_run(data: DeviceSplit, contestant: Contestant, run: Run) -> int:
    """Estimated device memory of one run: its state with moments, gradients and best copy, and its index arrays."""
    if contestant.spec.form == "host":
        return 0
    static = static_hyper(contestant.spec, run.hyper)
    one = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), _stack(data, contestant, [run], negatives=False)
    )
    if contestant.spec.form == "solved":
        solved = solved_programs(contestant.implementation, static=static)
        state, copies = jax.eval_shape(solved.solve, data.arrays, one), 3
    else:
        programs = stage_programs(contestant.implementation, feedback=data.feedback, static=static)[0]
        state, copies = jax.eval_shape(programs.build, data.arrays, one, ()), 3
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    return int(copies * size + 16 * len(data.event_user) + 16 * data.split.num_users)


def _stack(data: DeviceSplit, contestant: Contestant, runs: Sequence[Run], *, negatives: bool) -> AnyReplica:
    return stack_replicas(
        data,
        [run.sample for run in runs],
        keys=[_key(data, contestant, run) for run in runs],
        hyper=[_traced(contestant.spec, run.hyper) for run in runs],
        negatives=negatives,
    )


def _key(data: DeviceSplit, contestant: Contestant, run: Run) -> NDArray[np.uint32]:
    return rng.key_data(**data.split.axes, algorithm=contestant.spec.name, training_seed=run.training_seed)


def _traced(spec: AlgorithmSpec, hyper: Mapping[str, ParameterValue]) -> dict[str, float]:
    return {parameter.name: float(hyper[parameter.name]) for parameter in spec.hyper if parameter.traced}


def _validates(data: DeviceSplit) -> bool:
    return len(data.split.validation) > 0


def _validator(data: DeviceSplit, contestant: Contestant, training: Training, metrics: Metrics) -> Any:
    columns = tuple(column for column in columns_of(metrics, data) if column.name == training.select)
    if not columns:
        known = ", ".join(column.name for column in columns_of(metrics, data))
        raise ValueError(f"the select metric {training.select!r} is not among the metrics: {known}")
    sign = 1.0 if _higher_is_better(metrics, training.select) else -1.0

    def validate(
        programs: StagePrograms, replicas: AnyReplica, states: TrainState, samples: Sequence[Sample | Synthesis]
    ) -> NDArray[np.float64]:
        scored = score_users(
            data,
            "validation",
            make_scorer=programs.scorer,
            replicas=replicas,
            states=states,
            samples=samples,
            view=training.view,
            columns=columns,
            history=contestant.spec.history,
        )
        values = [
            sign * summarise(scored, metrics=metrics, columns=columns, run=run)[training.select]
            for run in range(len(samples))
        ]
        return np.where(scored.finite, np.array(values), np.nan)

    return validate


def _higher_is_better(metrics: Metrics, column: str) -> bool:
    return next(spec.higher_is_better for spec, _ in metrics if column in spec.columns)


def _fit_host(data: DeviceSplit, contestant: Contestant, runs: tuple[Run, ...], progress: Any) -> Fitted:
    states = [
        fit_host(
            contestant.implementation,
            data,
            run.sample,
            hyper=run.hyper,
            rng=rng.generator(**data.split.axes, algorithm=contestant.spec.name, training_seed=run.training_seed),
        )
        for run in runs
    ]
    return Fitted(data, contestant, runs, None, states, None, progress)


def _costs(fitted: Fitted, seconds: float, compile_seconds: float) -> list[Cost]:
    """Wall time shared out by the samples that each run processed (evenly where nothing is trained)."""
    processed = np.array([run.samples for run in fitted.progress], np.float64)
    if not processed.any():
        processed = np.array([len(run.sample.rows) for run in fitted.runs], np.float64)
        share = np.full(len(processed), 1 / len(processed))
    else:
        share = processed / processed.sum()
    return [
        Cost(float(seconds * part), compile_seconds / len(share), int(count), run.epochs)
        for part, count, run in zip(share, processed, fitted.progress, strict=True)
    ]


def _outcome(
    fitted: Fitted,
    index: int,
    test: UserValues,
    valid: UserValues | None,
    cost: Cost,
    *,
    metrics: Metrics,
    columns: tuple[Column, ...],
    select: tuple[Column, ...],
) -> Outcome:
    run = fitted.progress[index]
    if run.status != "ok":
        return Outcome(run.status, run.reason, cost=cost)
    if not test.finite[index]:
        return Outcome("failed", "the scores of the fitted model are not finite", cost=cost)
    validation = None
    if valid is not None and select and valid.finite[index]:
        validation = summarise(valid, metrics=metrics, columns=select, run=index)[select[0].name]
    return Outcome(
        "ok",
        "",
        summarise(test, metrics=metrics, columns=columns, run=index),
        bootstrap(test, bootstrap_weights(fitted.data), metrics=metrics, columns=columns, run=index),
        validation,
        cost,
    )

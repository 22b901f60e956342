"""Fitting a batch of runs, whatever the form of the algorithm, and scoring it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import numpy as np
from numpy.typing import NDArray

from recbench import rng
from recbench.contracts.records import Sample, Synthesis
from recbench.engine.batch import AnyReplica, DeviceSplit
from recbench.engine.contest import Contestant, Run, Training, batch_of, history_need, static_hyper
from recbench.engine.devices import Stopwatch
from recbench.engine.evaluate import Metrics, UserValues, columns_of, score_users, summarise
from recbench.engine.host import fit_host, score_users_host
from recbench.engine.programs import StagePrograms, stage_programs
from recbench.engine.score import Column
from recbench.engine.solve import SolvedPrograms, solved_programs
from recbench.engine.steps import NEEDS_NEGATIVES, TrainState
from recbench.engine.train import Pace, Progress, train_stage, trained_on


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
        replicas = batch_of(data, contestant, padded, negatives=False)
        solution, spent = _solve(data, solved, replicas, padded)
        for run, at in zip(runs, progress, strict=True):
            at.samples, at.seconds = trained_on(run.sample), spent
        return Fitted(data, contestant, runs, replicas, solution, solved, progress)
    stages = stage_programs(implementation, feedback=data.feedback, static=static)
    negatives = any(programs.stage.batch in NEEDS_NEGATIVES and programs.stage.negatives > 0 for programs in stages)
    replicas = batch_of(data, contestant, padded, negatives=negatives)
    samples = [run.sample for run in padded]
    every = list(progress) + [Progress(status="skipped") for _ in padded[len(runs) :]]
    states: tuple[TrainState, ...] = ()
    for programs in stages:
        pace = Pace(programs.stage.epochs or training.epochs, training.validate_every, training.patience, deadline)
        validate = _validator(data, history_need(contestant, runs[0]), training, metrics) if validates(data) else None
        state = train_stage(programs, data, replicas, samples, states, progress=every, pace=pace, validate=validate)
        states = (*states, state)
    return Fitted(data, contestant, runs, replicas, states[-1], stages[-1], progress)


def _solve(data: DeviceSplit, solved: SolvedPrograms, replicas: AnyReplica, runs: Sequence[Run]) -> tuple[Any, float]:
    """States of a batch, and the seconds of each run: what a grid shares is made once and charged to all its runs."""
    watch = Stopwatch()
    if not (solved.prepares and all(run.sample is runs[0].sample for run in runs)):
        states = jax.block_until_ready(solved.fit(data.arrays, replicas))
        return states, watch.lap() / len(runs)

    def prepare() -> tuple[Any, float]:
        prepared = jax.block_until_ready(solved.prepare(data.arrays, replicas))
        return prepared, watch.lap()

    prepared, preparing = data.latest(("prepared", solved), [runs[0].sample], prepare)
    watch.lap()
    states = jax.block_until_ready(solved.fit_prepared(data.arrays, replicas, prepared))
    return states, preparing + watch.lap() / len(runs)


def score_fitted(
    fitted: Fitted, phase: Literal["validation", "test"], *, training: Training, columns: tuple[Column, ...]
) -> UserValues:
    """Every column for every user with rows in the phase."""
    need = history_need(fitted.contestant, fitted.runs[0])
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


def validates(data: DeviceSplit) -> bool:
    """Whether there are validation rows."""
    return len(data.split.validation) > 0


def _validator(data: DeviceSplit, history: int | Literal["all"] | None, training: Training, metrics: Metrics) -> Any:
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
            history=history,
        )
        values = [
            sign * summarise(scored, metrics=metrics, columns=columns, run=run)[training.select]
            for run in range(len(samples))
        ]
        return np.where(scored.finite, np.array(values), np.nan)

    return validate


def _higher_is_better(metrics: Metrics, column: str) -> bool:
    return next(spec.higher_is_better for spec, _ in metrics if column in spec.columns)


def _fit_host(
    data: DeviceSplit, contestant: Contestant, runs: tuple[Run, ...], progress: tuple[Progress, ...]
) -> Fitted:
    states = []
    for run, at in zip(runs, progress, strict=True):
        watch = Stopwatch()
        generator = rng.generator(**data.split.axes, algorithm=contestant.spec.name, training_seed=run.training_seed)
        states.append(fit_host(contestant, data, run.sample, hyper=run.hyper, rng=generator))
        at.samples, at.seconds = trained_on(run.sample), watch.lap()
    return Fitted(data, contestant, runs, None, states, None, progress)

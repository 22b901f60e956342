"""Trained algorithms: many runs advance together; between validations the host looks and drops what has finished."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from recbench.contracts.protocols import BY_INTERACTION
from recbench.contracts.records import Sample, Status, Synthesis
from recbench.engine.batch import AnyReplica, DeviceSplit, Replica, SplitArrays
from recbench.engine.devices import Stopwatch
from recbench.engine.parallel import cores_for, devices_in_use, in_turn, places_for
from recbench.engine.programs import StagePrograms, all_finite, keep_best, take_runs
from recbench.engine.steps import TrainState

TIME_LIMIT = "the time limit of its group was reached"

Validate = Callable[[StagePrograms, AnyReplica, TrainState, Sequence[Sample | Synthesis]], NDArray[np.float64]]
"""(programs, replicas, states, samples) -> the select metric on the validation rows, higher is better, NaN if bad."""


@dataclass(slots=True)
class Progress:
    """How one run is getting on."""

    status: Status = "ok"
    reason: str = ""
    best: float = -np.inf
    streak: int = 0  # validations since the best
    epochs: int = 0
    samples: int = 0  # interactions trained on, over all epochs
    seconds: float = 0.0  # of its own steps and validations
    running: bool = True


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a stage may train and how often it is looked at."""

    epochs: int
    validate_every: int
    patience: int  # validations without a gain after which a run stops
    deadline: float | None  # time.monotonic() after which nothing new begins


def steps_per_epoch(programs: StagePrograms, replicas: AnyReplica) -> NDArray[np.int64]:
    """Optimiser steps that each run of the batch needs for an epoch; the batch takes as many as its largest."""
    by_interaction = programs.stage.batch in BY_INTERACTION and isinstance(replicas, Replica)
    size = np.asarray(replicas.size if by_interaction else replicas.num_active).astype(np.int64)  # type: ignore[union-attr]
    steps: NDArray[np.int64] = -(-size // programs.stage.batch_size)
    return steps


def trained_on(sample: Sample | Synthesis) -> int:
    """Interactions of a sample; entries above zero of fake users."""
    return len(sample.rows) if isinstance(sample, Sample) else int(np.count_nonzero(sample.rows))


def train_stage(
    programs: StagePrograms,
    data: DeviceSplit,
    replicas: AnyReplica,
    samples: Sequence[Sample | Synthesis],
    earlier: tuple[TrainState, ...],
    *,
    progress: Sequence[Progress],
    pace: Pace,
    validate: Validate | None,
) -> TrainState:
    """Trains one stage of a batch of runs and returns each run's best state by validation (the last without).

    ``progress`` is brought up to date in place; runs that diverge keep their last good state and stop alone.
    """
    arrays: SplitArrays = data.arrays
    states = programs.init(arrays, replicas, earlier)
    best = states
    watch = Stopwatch()
    finished: dict[int, TrainState] = {}
    here = list(range(len(samples)))  # which run each place of the batch holds
    for run in progress:
        run.best, run.streak, run.running = -np.inf, 0, run.status == "ok"
    epoch = 0
    while epoch < pace.epochs and any(run.running for run in progress):
        if pace.deadline is not None and time.monotonic() > pace.deadline:
            _stop_all(progress, "timeout", TIME_LIMIT)
            break
        span = min(pace.validate_every, pace.epochs - epoch)
        steps = steps_per_epoch(programs, replicas)
        going = np.array([progress[run].running and place == here.index(run) for place, run in enumerate(here)])
        epochs = np.where(going, span, 0).astype(np.int32)
        states = programs.advance(arrays, replicas, states, first=epoch, epochs=epochs, steps=steps)
        epoch += span
        finite = np.asarray(all_finite(states))
        training = watch.lap()
        values = None
        if validate is not None:
            values = validate(programs, replicas, states, [samples[run] for run in here])
        # In turn, the seconds of all cores go by steps; side by side, every place takes as long as the longest.
        share = (
            cores_for(len(here)) * steps / steps[going].sum()
            if in_turn()
            else devices_in_use() * steps / steps.max() / len(here)
        )
        _charge(progress, here, training=training * share, validating=watch.lap() / len(here))
        improved = _judge([progress[run] for run in here], samples, here, finite, values, span=span, pace=pace)
        best = keep_best(best, states, improved)
        states, best, replicas, here = _drop(states, best, replicas, here, progress, finished)
    return _gather(best, here, finished, len(samples))


def _judge(
    runs: Sequence[Progress],
    samples: Sequence[Sample | Synthesis],
    here: list[int],
    finite: NDArray[np.bool_],
    values: NDArray[np.float64] | None,
    *,
    span: int,
    pace: Pace,
) -> NDArray[np.bool_]:
    """Which runs improved at this validation; the others wait, stop or have diverged."""
    improved = np.zeros(len(runs), bool)
    judged: set[int] = set()
    for place, run in enumerate(runs):
        if not run.running or here[place] in judged:
            continue
        judged.add(here[place])
        run.epochs += span
        run.samples += span * trained_on(samples[here[place]])
        if not finite[place] or (values is not None and np.isnan(values[place])):
            run.status, run.reason = "diverged", f"parameters or scores were not finite after {run.epochs} epochs"
            run.running = False
        elif values is None:
            improved[place] = True
        elif values[place] > run.best:
            run.best, run.streak, improved[place] = float(values[place]), 0, True
        else:
            run.streak += 1
            run.running = run.streak < pace.patience
    return improved


def _charge(progress: Sequence[Progress], here: list[int], *, training: NDArray[np.float64], validating: float) -> None:
    """Adds to each run that still trains the seconds of its own steps, [places], and of its validation.

    A run pays for its own place only: not for steps it waits through, not for places that are padding.
    """
    for place, run in enumerate(here):
        if progress[run].running and place == here.index(run):
            progress[run].seconds += float(training[place]) + validating


def _drop(
    states: TrainState,
    best: TrainState,
    replicas: AnyReplica,
    here: list[int],
    progress: Sequence[Progress],
    finished: dict[int, TrainState],
) -> tuple[TrainState, TrainState, AnyReplica, list[int]]:
    """Goes on with the runs that still train, in a batch of the next power of two, when that halves the batch.

    Where runs train in turn, those that have stopped cost nothing, and a new shape would have to be compiled.
    """
    running = [place for place, run in enumerate(here) if progress[run].running]
    running = [place for place in running if place == here.index(here[place])]
    size = places_for(len(running))
    if in_turn() or not running or size > len(here) // 2:
        return states, best, replicas, here
    host = jax.device_get(best)
    _set_aside(host, here, finished)
    index = np.resize(np.array(running), size)  # the places that are too many repeat runs, and are not looked at
    return (*(take_runs(tree, index) for tree in (states, best, replicas)), [here[place] for place in index])


def _gather(best: TrainState, here: list[int], finished: dict[int, TrainState], runs: int) -> TrainState:
    if len(here) == runs and not finished:
        return best
    _set_aside(jax.device_get(best), here, finished)
    stacked: TrainState = jax.tree.map(lambda *leaves: np.stack(leaves), *(finished[run] for run in range(runs)))
    return stacked


def _set_aside(host: TrainState, here: list[int], finished: dict[int, TrainState]) -> None:
    for place in reversed(range(len(here))):  # the first place of a run is the one that was looked at
        finished[here[place]] = jax.tree.map(lambda leaf, place=place: leaf[place], host)


def _stop_all(progress: Sequence[Progress], status: Status, reason: str) -> None:
    for run in progress:
        if run.running:
            run.status, run.reason, run.running = status, reason, False


def sum_errors(
    programs: StagePrograms,
    data: DeviceSplit,
    replicas: Replica,
    *,
    epochs: int,
    negatives: int,
) -> NDArray[np.float32]:
    """The error of each kept row of the first run, summed over the epochs, in order of the rows."""
    states = programs.init(data.arrays, replicas, ())
    steps = steps_per_epoch(programs, replicas).max()
    errors: Any = programs.errors(
        data.arrays, replicas, states, np.int32(epochs), np.int32(steps), np.zeros(negatives, np.int8)
    )
    return np.asarray(errors)[0][: int(np.asarray(replicas.size)[0])]

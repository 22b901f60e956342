"""Runs in, outcomes out: one call trains and scores many samples, seeds and hyper-parameters of one algorithm."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jax
import numpy as np
from numpy.typing import NDArray

from recbench.contracts.errors import ParameterError
from recbench.contracts.protocols import BY_INTERACTION
from recbench.contracts.records import Budget, Cost, ParameterValue, Sample, Status
from recbench.engine import devices
from recbench.engine.batch import DeviceSplit, Replica, place_split, stack_replicas
from recbench.engine.contest import Contestant, Run, Training, static_hyper, traced_hyper
from recbench.engine.devices import Stopwatch
from recbench.engine.evaluate import Metrics, UserValues, bootstrap, bootstrap_weights, columns_of, summarise
from recbench.engine.fit import Fitted, fit_runs, score_fitted, validates
from recbench.engine.memory import batch_size, too_large
from recbench.engine.parallel import places_for
from recbench.engine.programs import stage_programs
from recbench.engine.score import Column
from recbench.engine.train import TIME_LIMIT, sum_errors

__all__ = [
    "Contestant",
    "Fitted",
    "Outcome",
    "Run",
    "Training",
    "batch_size",
    "fit_runs",
    "place_split",
    "run_replicas",
    "score_fitted",
    "static_hyper",
    "training_errors",
]

_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run."""

    status: Status
    reason: str
    metrics: dict[str, float] = field(default_factory=dict)
    replicates: dict[str, NDArray[np.float32]] = field(default_factory=dict)  # [200] each
    validation: float | None = None  # the select metric on the validation rows
    cost: Cost | None = None


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
      runs: any number; they are cut into batches that fit the memory budget, and into smaller ones where a device
        runs out of memory all the same.
      training: the protocol.
      metrics: specs with their functions; those that fit the split's feedback are computed.
      deadline: ``time.monotonic()`` after which nothing new begins (status ``timeout``).

    Returns:
      One outcome a run, in order. A run whose parameters or scores are not finite has diverged, alone; runs that one
      device cannot hold are skipped.
    """
    refusal = too_large(data, contestant, runs[0]) if runs else ""
    if refusal:
        return [Outcome("skipped", refusal) for _ in runs]
    outcomes: list[Outcome] = []
    size = batch_size(data, contestant, runs)
    while len(outcomes) < len(runs):
        batch = tuple(runs[len(outcomes) : len(outcomes) + size])
        if deadline is not None and time.monotonic() > deadline:
            outcomes += [Outcome("timeout", TIME_LIMIT)] * len(batch)
            continue
        width = size if len(runs) > size else places_for(len(runs))
        try:
            outcomes += _batch_outcomes(
                data, contestant, batch, width=width, training=training, metrics=metrics, deadline=deadline
            )
        except jax.errors.JaxRuntimeError as error:
            if _OUT_OF_MEMORY not in str(error):
                raise
            if width == 1:
                outcomes.append(Outcome("skipped", "a device ran out of memory on this run alone"))
            size = max(1, width // 2)  # the estimate does not know what a model keeps between its layers
    return outcomes


def _batch_outcomes(
    data: DeviceSplit,
    contestant: Contestant,
    batch: tuple[Run, ...],
    *,
    width: int,
    training: Training,
    metrics: Metrics,
    deadline: float | None,
) -> list[Outcome]:
    """Trains and scores runs that go into one device program of ``width`` places."""
    columns = columns_of(metrics, data)
    compiled = devices.compile_seconds()
    fitted = fit_runs(data, contestant, batch, training=training, metrics=metrics, deadline=deadline, width=width)
    watch = Stopwatch()
    test = score_fitted(fitted, "test", training=training, columns=columns)
    select = tuple(column for column in columns if column.name == training.select)
    valid = score_fitted(fitted, "validation", training=training, columns=select) if validates(data) else None
    scoring = watch.lap() / width
    compiling = (devices.compile_seconds() - compiled) / len(batch)
    return [
        _outcome(
            fitted,
            index,
            test,
            valid,
            Cost(run.seconds + scoring, compiling, run.samples, run.epochs),
            metrics=metrics,
            columns=columns,
            select=select,
        )
        for index, run in enumerate(fitted.progress)
    ]


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

    Raises:
      ParameterError: the algorithm has several stages, or does not train on single interactions.

    Source: Sachdeva, Wu, McAuley, WSDM 2022, section 3.2.
    """
    stages = stage_programs(
        contestant.implementation, feedback=data.feedback, static=static_hyper(contestant.spec, hyper)
    )
    if len(stages) > 1 or stages[0].stage.batch not in BY_INTERACTION:
        raise ParameterError(
            f"{contestant.name!r} was asked to be a proxy, but it trains in stages or on whole histories: take one "
            "that trains on single interactions, such as 'mf' or 'bias-only'"
        )
    traced = traced_hyper(contestant.spec, hyper)
    everything = Sample(np.arange(len(data.split.train)), "full", Budget(1.0), 0)
    replicas = stack_replicas(data, [everything], keys=[key_data], hyper=[traced], negatives=True)
    assert isinstance(replicas, Replica)
    return sum_errors(stages[-1], data, replicas, epochs=epochs, negatives=negatives)


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
        return Outcome("diverged", "the scores of the fitted model are not finite", cost=cost)
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

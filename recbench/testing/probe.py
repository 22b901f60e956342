"""A trained model by hand: any parameters, any batch, any names of users and items; its losses and scores.

Which axis of a parameter is one of users or of items is known by its length, see :mod:`recbench.testing.data`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from recbench.contracts.batches import Query
from recbench.contracts.protocols import StepContext
from recbench.contracts.records import Feedback, Sample, Split
from recbench.engine.batch import DeviceSplit, place_split
from recbench.engine.contest import batch_of
from recbench.engine.prng import make_key
from recbench.engine.steps import TrainState, all_hyper
from recbench.testing.batches import (
    REAL,
    batch_of_rows,
    littered_batch,
    littered_query,
    renamed_batch,
    renamed_query,
)
from recbench.testing.data import ITEMS, USERS
from recbench.testing.scores import Scores, predicted
from recbench.testing.trial import Trial

_KEY = np.array([3, 5], np.uint32)

_NOISE = 0.2


@dataclass(frozen=True)
class Setting:
    """All that a model's losses and scores depend on."""

    data: DeviceSplit
    replica: Any  # one run
    states: tuple[TrainState, ...]  # of each stage
    batches: tuple[Any, ...]  # for each stage
    query: Query


@dataclass(frozen=True)
class Reading:
    """What a model gives in a setting."""

    losses: tuple[NDArray[np.float32], ...]  # of each stage, [real examples]
    scores: Scores


def setting(trial: Trial, sample: str) -> Setting:
    """The initial model with noise on every parameter, and a batch of the sample's rows.

    Args:
      trial: of a trained algorithm.
      sample: a planted sample.
    """
    replica = replica_of(trial, trial.data, trial.planted.samples[sample])
    batch = jax.tree.map(lambda leaf: np.asarray(leaf)[None], replica)
    random = np.random.default_rng(7)
    states: tuple[TrainState, ...] = ()
    for programs in trial.stages:
        states = (*states, programs.init(trial.data.arrays, batch, states))
    states = jax.tree.map(lambda leaf: np.asarray(leaf)[0], states)
    return Setting(
        trial.data,
        replica,
        tuple(state._replace(params=disturbed(state.params, random)) for state in states),
        tuple(batch_of_rows(each.stage, trial.planted.rows(sample), trial.feedback) for each in trial.stages),
        trial.query(sample),
    )


def replica_of(trial: Trial, data: DeviceSplit, sample: Sample) -> Any:
    """A run on a sample in which nothing is dropped out: dropout draws by place, and places change with names."""
    run = replace(trial.run("checkerboard"), sample=sample)
    replica = batch_of(data, trial.contestant(), [run], negatives=False)
    replica = jax.tree.map(lambda leaf: np.asarray(leaf)[0], replica)
    hyper = {name: np.zeros_like(value) if "dropout" in name else value for name, value in replica.hyper.items()}
    return replace(replica, hyper=hyper)


def read(trial: Trial, where: Setting) -> Reading:
    """Losses of the real examples, and scores."""
    losses, score, rating = _program(trial.stages, trial.feedback)(
        where.data.arrays, where.replica, where.states, where.batches, where.query
    )
    return Reading(tuple(np.asarray(loss)[:REAL] for loss in losses), Scores(np.asarray(score), np.asarray(rating)))


def renamed(trial: Trial, where: Setting) -> Setting:
    """A setting on ``factors`` under the names of ``renamed``."""
    logs = trial.planted
    old = {USERS: np.argsort(logs.new_user), ITEMS: np.argsort(logs.new_item)}

    def rename(leaf: Any) -> Any:
        array = np.asarray(leaf)
        for axis, length in enumerate(array.shape):
            if length in old:
                array = np.take(array, old[length], axis=axis)
        return array

    return replace(
        where,
        replica=replica_of(trial, where.data, logs.samples["renamed"]),
        states=tuple(
            state._replace(params=jax.tree.map(rename, state.params), rest=jax.tree.map(rename, state.rest))
            for state in where.states
        ),
        batches=tuple(renamed_batch(batch, logs.new_user, logs.new_item) for batch in where.batches),
        query=renamed_query(where.query, logs.new_user, logs.new_item),
    )


def littered(where: Setting) -> Setting:
    """The same setting with other values wherever a mask says that nothing is."""
    return replace(where, batches=tuple(map(littered_batch, where.batches)), query=littered_query(where.query))


def by_itself(trial: Trial, where: Setting, split: Split) -> Setting:
    """The same setting in a split of nothing but the run's rows: no coordinate is padded."""
    data = place_split(split)
    every = Sample(np.arange(len(split.train)), "all", trial.planted.samples["factors"].budget, 0)
    return replace(where, data=data, replica=replica_of(trial, data, every))


def disturbed(tree: Any, random: np.random.Generator, axes: Mapping[int, NDArray[np.int64]] | None = None) -> Any:
    """Arrays with noise added: everywhere, or at the given places of axes of a given length."""

    def disturb(leaf: Any) -> Any:
        array = np.asarray(leaf)
        if array.dtype.kind != "f":
            return array
        where = np.full(array.shape, axes is None)
        for axis, length in enumerate(array.shape):
            if axes is not None and length in axes:
                np.moveaxis(where, axis, 0)[axes[length]] = True
        return np.where(where, array + random.normal(0, _NOISE, array.shape), array).astype(array.dtype)

    return jax.tree.map(disturb, tree)


@lru_cache(maxsize=4)
def _program(stages: tuple[Any, ...], feedback: Feedback) -> Any:
    @jax.jit
    def give(data: Any, replica: Any, states: Sequence[TrainState], batches: Sequence[Any], query: Query) -> Any:
        losses = []
        for programs, state, batch in zip(stages, states, batches, strict=True):
            module = nnx.merge(programs.graphdef(data), state.params, state.rest)
            context = StepContext(
                hyper=all_hyper(programs.static, replica),
                key=make_key(jnp.asarray(_KEY)),
                train=replica.matrix(data),
                step=jnp.int32(1),
                steps_per_epoch=jnp.int32(3),
            )
            losses.append(module.loss(batch, context))
        return losses, *predicted(stages[-1].scorer(data, replica, states[-1]), query, feedback)

    return give

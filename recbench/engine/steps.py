"""One optimiser step of one run: its batch, its loss, its update. Written for one run; vmap is applied outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array

from recbench.contracts.batches import (
    PairsBatch,
    Query,
    RatingsBatch,
    RowsBatch,
    SequencesBatch,
)
from recbench.contracts.protocols import BY_INTERACTION, Hyper, Stage, StepContext
from recbench.engine.batch import AnyReplica, DenseReplica, Replica, SplitArrays
from recbench.engine.blocks import Lists
from recbench.engine.draws import permuted, unobserved
from recbench.engine.prng import make_key
from recbench.engine.rows import dense_rows
from recbench.engine.touched import touched_by

NEEDS_NEGATIVES = ("pairs", "sequences")


class TrainState(NamedTuple):
    """What a stage of a run carries from step to step."""

    params: Any  # NNX state of the trainable variables
    rest: Any  # NNX state of all others, never changed by training
    optimizer: Any  # Optax state


class Slots(NamedTuple):
    """Which examples a step takes."""

    example: Array  # int32 [batch], into the kept rows (or active users); 0 where not real
    real: Array  # bool [batch]


class Drawn(NamedTuple):
    """All that is random about a step but the loss: drawn before it, so that the step reads it from memory.

    XLA would otherwise fuse the draws into every gather and scatter that uses an index, and compute them each time.
    """

    slots: Slots
    batch: Any  # of the stage's kind
    key: Array  # for the loss, uint32 [2] raw data


def optimizer_of(stage: Stage, hyper: Hyper) -> optax.GradientTransformation:
    """The stage's optimiser; Adam at ``hyper["learning_rate"]`` by default."""
    return stage.optimizer(hyper) if stage.optimizer is not None else optax.adam(hyper["learning_rate"])


def all_hyper(static: Mapping[str, Any], replica: AnyReplica) -> Hyper:
    """Static and traced hyper-parameters together."""
    return {**static, **replica.hyper}


def draw_step(stage: Stage, data: SplitArrays, replica: AnyReplica, *, epoch_key: Array, step: Array) -> Drawn:
    """Examples, batch and key of one step of an epoch."""
    order_key, step_key = jax.random.fold_in(epoch_key, 0), jax.random.fold_in(epoch_key, step + 1)
    slots = epoch_slots(stage, replica, key=order_key, step=step)
    batch_key, loss_key = jax.random.split(step_key)
    batch = make_batch(stage, data, replica, slots, key=batch_key)
    return Drawn(slots, batch, jax.random.key_data(loss_key))


def train_step(
    stage: Stage,
    graphdef: Any,
    static: Mapping[str, Any],
    data: SplitArrays,
    replica: AnyReplica,
    state: TrainState,
    drawn: Drawn,
    *,
    step: Array,
    steps_per_epoch: Array,
    may_wait: bool = False,
) -> TrainState:
    """The state after one step.

    ``may_wait``: the step may be one that other runs of the batch need and this one has no example for; it then changes
    nothing, moments of the optimiser included.
    """
    context = StepContext(all_hyper(static, replica), make_key(drawn.key), replica.matrix(data), step, steps_per_epoch)
    some = drawn.slots.real.any()

    def updated(before: TrainState, batch: Any) -> TrainState:
        after = _updated(stage, graphdef, before, batch, context, real=drawn.slots.real)
        return jax.tree.map(lambda new, old: jnp.where(some, new, old), after, before) if may_wait else after

    if stage.updates == "tables":
        return updated(state, drawn.batch)
    touched = touched_by(drawn.batch, num_users=data.num_users, num_items=data.num_items)
    cut = TrainState(touched.take(state.params), state.rest, touched.take(state.optimizer))
    after = updated(cut, touched.batch)
    return TrainState(
        touched.put(state.params, after.params), state.rest, touched.put(state.optimizer, after.optimizer)
    )


def _updated(
    stage: Stage, graphdef: Any, state: TrainState, batch: Any, context: StepContext, *, real: Array
) -> TrainState:
    def mean_loss(params: Any) -> Array:
        losses = nnx.merge(graphdef, params, state.rest).loss(batch, context)
        return jnp.where(real, losses, 0).sum() / jnp.maximum(real.sum(), 1).astype(jnp.float32)

    gradients = jax.grad(mean_loss)(state.params)
    updates, moments = optimizer_of(stage, context.hyper).update(gradients, state.optimizer, state.params)
    return TrainState(optax.apply_updates(state.params, updates), state.rest, moments)


def epoch_slots(stage: Stage, replica: AnyReplica, *, key: Array, step: Array) -> Slots:
    """The examples of one step of an epoch: every epoch is a keyed permutation of all of them."""
    grid, size = _examples(stage, replica)
    slot = (step * stage.batch_size + jnp.arange(stage.batch_size)).astype(jnp.uint32)
    real = slot < size.astype(jnp.uint32)
    index = permuted(slot, key=key, size=size, a=grid[0], b=grid[1]).astype(jnp.int32)
    return Slots(jnp.where(real, index, 0), real)


def own_steps(stage: Stage, replica: AnyReplica) -> Array:
    """Steps that an epoch of this run takes, int32 scalar; beyond them it waits for the larger runs of its batch."""
    _, size = _examples(stage, replica)
    return (size + stage.batch_size - 1) // stage.batch_size


def _examples(stage: Stage, replica: AnyReplica) -> tuple[Array, Array]:
    """Sides of the grid that permutes the examples of an epoch, and how many there are."""
    if stage.batch in BY_INTERACTION:
        assert isinstance(replica, Replica)
        return replica.row_grid, replica.size
    return replica.user_grid, replica.num_active


def make_batch(stage: Stage, data: SplitArrays, replica: AnyReplica, slots: Slots, *, key: Array) -> Any:
    """The batch of the kind that the stage eats."""
    if isinstance(replica, DenseReplica):
        if stage.batch != "rows":
            raise ValueError(f"fake users have no {stage.batch}: a stage that trains on them takes batches of rows")
        rows = jnp.where(slots.real[:, None], replica.dense[slots.example], 0)
        return RowsBatch(jnp.full_like(slots.example, -1), rows, rows != 0, slots.real)
    match stage.batch:
        case "ratings":
            rows = replica.rows[slots.example]
            return RatingsBatch(data.user[rows], data.item[rows], data.value[rows], slots.real)
        case "pairs":
            rows = replica.rows[slots.example]
            users = data.user[rows]
            negatives = draw_negatives(data, replica, users, key=key, count=stage.negatives)
            return PairsBatch(users, data.item[rows], negatives, slots.real)
        case "rows":
            users = replica.users[slots.example]
            dense, observed = dense_rows(data, replica, users, real=slots.real)
            return RowsBatch(users, dense, observed, slots.real)
        case "sequences":
            users = replica.users[slots.example]
            rows, real = Lists(replica.rows, replica.starts, stage.length).of(users)
            count = stage.length * stage.negatives
            negatives = draw_negatives(data, replica, users, key=key, count=count)
            shape = (users.shape[0], stage.length, stage.negatives)
            return SequencesBatch(
                users, jnp.where(real, data.item[rows], 0), real, negatives.reshape(shape), slots.real
            )


def draw_negatives(data: SplitArrays, replica: Replica, users: Array, *, key: Array, count: int) -> Array:
    """Unobserved items of each user, int32 [users, count]."""
    return unobserved(
        users,
        key=key,
        thresholds=replica.thresholds,
        starts=replica.free_starts,
        num_items=data.num_items,
        count=count,
        steps=data.search_steps,
    )


def pair_query(users: Array, *, num_items: int) -> Query:
    """A query without histories, for predicting single pairs while training."""
    empty = jnp.zeros((users.shape[0], 0), jnp.int32)
    return Query(users, empty, empty.astype(jnp.float32), empty.astype(bool), num_items)

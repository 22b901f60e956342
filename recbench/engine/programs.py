"""The device programs of a trained algorithm: one compilation serves every sample, fraction and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from numpy.typing import NDArray

from recbench.contracts.protocols import ModelShape, Stage, StepContext, TrainedAlgorithm
from recbench.contracts.records import Feedback, ParameterValue
from recbench.engine import devices
from recbench.engine.batch import AnyReplica, Replica, SplitArrays
from recbench.engine.parallel import across_cores, cores_for, in_turn, over_runs, share
from recbench.engine.prng import make_key
from recbench.engine.steps import (
    Drawn,
    Slots,
    TrainState,
    all_hyper,
    draw_negatives,
    draw_step,
    optimizer_of,
    own_steps,
    pair_query,
    train_step,
)
from recbench.engine.tables import forget_cold

Static = tuple[tuple[str, ParameterValue], ...]

_BUILD_AXIS, _EPOCH_AXIS = 0, 1


@dataclass(eq=False)
class StagePrograms:
    """Programs of one stage; all take batches of runs (leading axis) and the split's arrays."""

    stage: Stage
    number: int
    feedback: Feedback
    static: Mapping[str, ParameterValue]
    earlier: tuple[StagePrograms, ...]
    compiled: set[Any] = field(default_factory=set)  # shapes that ``advance`` has met
    graphdefs: dict[tuple[int, int], Any] = field(default_factory=dict)  # by users and items: modules may keep sizes

    def build(self, data: SplitArrays, replica: AnyReplica, earlier: tuple[TrainState, ...]) -> TrainState:
        """A run's initial state."""
        shape = ModelShape(data.num_users, data.num_items, self.feedback, replica.mean_rating)
        hyper = all_hyper(self.static, replica)
        modules = tuple(
            nnx.merge(programs.graphdef(data), state.params, state.rest)
            for programs, state in zip(self.earlier, earlier, strict=True)
        )
        key = self._key(replica, _BUILD_AXIS, 0)
        module = self.stage.build(shape, hyper=hyper, key=key, earlier=modules)
        parts: Any = nnx.split(module, nnx.Param, ...)
        self.graphdefs[data.num_users, data.num_items], params, rest = parts
        return TrainState(params, rest, optimizer_of(self.stage, hyper).init(params))

    def graphdef(self, data: SplitArrays) -> Any:
        """What a module of this split is beside its arrays; known once a state has been built."""
        return self.graphdefs[data.num_users, data.num_items]

    @cached_property
    def init(self) -> Any:
        return over_runs(self.build, (None, 0, 0))

    def advance(
        self,
        data: SplitArrays,
        replicas: AnyReplica,
        states: TrainState,
        *,
        first: int,
        epochs: NDArray[np.int32],
        steps: NDArray[np.int64],
    ) -> TrainState:
        """States after some more epochs.

        Args:
          data: the split.
          replicas: the batch.
          states: where its runs stand.
          first: the epoch that comes next.
          epochs: how many each run is to train, [runs]: all the same number, or 0 for runs that have stopped (which
            train on unheeded where runs go side by side).
          steps: steps an epoch of each run, [runs].
        """
        if not in_turn():
            span, longest = epochs.max(), np.int32(steps.max())
            advanced: TrainState = self._side_by_side(data, replicas, states, np.int32(first), span, longest)
            return advanced

        def program(*mapped: Any) -> Any:
            return self._in_turn(data, np.int32(first), *mapped)

        shapes = (devices.forgotten_programs(), data.num_users, data.num_items, data.user.shape, len(epochs))
        if shapes not in self.compiled:  # by one thread, before several ask for it
            program(*share((replicas, states, np.zeros_like(epochs)), 0, cores_for(len(epochs))))
            self.compiled.add(shapes)
        return across_cores(program, replicas, states, epochs)

    @cached_property
    def _side_by_side(self) -> Any:
        return over_runs(self._advance, (None, 0, 0, None, None, None))

    @cached_property
    def _in_turn(self) -> Any:
        def advance(data: SplitArrays, first: Array, replicas: AnyReplica, states: TrainState, epochs: Array) -> Any:
            def one(place: tuple[AnyReplica, TrainState, Array]) -> TrainState:
                replica, state, span = place
                return self._advance(data, replica, state, first, span, own_steps(self.stage, replica))

            return jax.lax.map(one, (replicas, states, epochs))

        return jax.jit(advance)

    @cached_property
    def errors(self) -> Any:
        """(data, replicas, states, epochs, steps an epoch, one entry a negative) -> summed error of each kept row."""
        return over_runs(self._errors, (None, 0, 0, None, None, None))

    def scorer(self, data: SplitArrays, replica: AnyReplica, state: TrainState) -> Any:
        """The fitted module: cold rows at zero, ``finish`` applied."""
        params, rest = (
            forget_cold(part, seen_users=replica.seen_users, seen_items=replica.seen_items)
            for part in (state.params, state.rest)
        )
        module = nnx.merge(self.graphdef(data), params, rest)
        if not hasattr(module, "finish"):
            return module
        zero = jnp.int32(0)
        key = self._key(replica, _BUILD_AXIS, 1)
        return module.finish(
            StepContext(all_hyper(self.static, replica), key, replica.matrix(data), zero, jnp.int32(1))
        )

    def _key(self, replica: AnyReplica, axis: int, index: Array | int) -> Array:
        key = make_key(replica.key)
        return jax.random.fold_in(jax.random.fold_in(key, 2 * self.number + axis), index)

    def _draw(self, data: SplitArrays, replica: AnyReplica, epoch: Array, step: Array) -> Drawn:
        epoch_key = self._key(replica, _EPOCH_AXIS, epoch)
        return draw_step(self.stage, data, replica, epoch_key=epoch_key, step=step)

    def _step(
        self, data: SplitArrays, replica: AnyReplica, state: TrainState, drawn: Drawn, epoch: Array, step: Array
    ) -> TrainState:
        own = own_steps(self.stage, replica)
        return train_step(
            self.stage,
            self.graphdef(data),
            self.static,
            data,
            replica,
            state,
            drawn,
            step=epoch * own + step,
            steps_per_epoch=own,
            may_wait=not in_turn(),  # side by side, the loop's steps are those of the largest run of the batch
        )

    def _advance(
        self, data: SplitArrays, replica: AnyReplica, state: TrainState, first: Array, epochs: Array, steps: Array
    ) -> TrainState:
        def draw(number: Array | int) -> Drawn:
            return self._draw(data, replica, first + number // steps, number % steps)

        def step(number: Array, carried: tuple[TrainState, Drawn]) -> tuple[TrainState, Drawn]:
            before, drawn = carried
            after = self._step(data, replica, before, drawn, first + number // steps, number % steps)
            return after, draw(number + 1)

        return jax.lax.fori_loop(0, epochs * steps, step, (state, draw(0)))[0]

    def _errors(
        self, data: SplitArrays, replica: Replica, state: TrainState, epochs: Array, steps: Array, negatives: Array
    ) -> Array:
        def draw(number: Array | int) -> tuple[Drawn, Array]:
            drawn = self._draw(data, replica, number // steps, number % steps)
            users = data.user[replica.rows[drawn.slots.example]]
            key = jax.random.fold_in(make_key(drawn.key), 1)
            return drawn, draw_negatives(data, replica, users, key=key, count=negatives.shape[0])

        def step(
            number: Array, carried: tuple[TrainState, tuple[Drawn, Array], Array]
        ) -> tuple[TrainState, tuple[Drawn, Array], Array]:
            before, (drawn, others), total = carried
            error = self._pair_errors(data, replica, before, drawn.slots, others)
            after = self._step(data, replica, before, drawn, number // steps, number % steps)
            return after, draw(number + 1), total.at[drawn.slots.example].add(jnp.where(drawn.slots.real, error, 0))

        start = (state, draw(0), jnp.zeros(replica.rows.shape, jnp.float32))
        return jax.lax.fori_loop(0, epochs * steps, step, start)[2]

    def _pair_errors(
        self, data: SplitArrays, replica: Replica, state: TrainState, slots: Slots, negatives: Array
    ) -> Array:
        """Squared error of a rating; for a positive, the share of its negatives [batch, m] that outrank it."""
        module = nnx.merge(self.graphdef(data), state.params, state.rest)
        rows = replica.rows[slots.example]
        users, items = data.user[rows], data.item[rows]
        query, own = pair_query(users, num_items=data.num_items), jnp.arange(users.shape[0])
        prediction = module.predict(query, own, items)
        if self.feedback == "explicit":
            return jnp.square(prediction - data.value[rows])
        # Mapped over the negatives alone, what belongs to the user is looked up once.
        others = jax.vmap(lambda drawn: module.predict(query, own, drawn))(negatives.T)
        mine = prediction[None, :]
        return jnp.mean((others > mine).astype(jnp.float32) + 0.5 * (others == mine).astype(jnp.float32), axis=0)


def stage_programs(
    implementation: TrainedAlgorithm, *, feedback: Feedback, static: Static
) -> tuple[StagePrograms, ...]:
    """The programs of an algorithm's stages, found again for equal static hyper-parameters."""
    return _stage_programs(type(implementation), feedback, static)


@lru_cache(maxsize=256)
def _stage_programs(kind: type[TrainedAlgorithm], feedback: Feedback, static: Static) -> tuple[StagePrograms, ...]:
    stages: Sequence[Stage] = kind().stages(feedback, dict(static))
    programs: list[StagePrograms] = []
    for number, stage in enumerate(stages):
        programs.append(StagePrograms(stage, number, feedback, dict(static), tuple(programs)))
    return tuple(programs)


@jax.jit
def keep_best(best: TrainState, state: TrainState, improved: Array) -> TrainState:
    """Runs that improved give their state, the others keep what they had."""

    def choose(old: Array, new: Array) -> Array:
        return jnp.where(improved.reshape((-1,) + (1,) * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, best, state)


@jax.jit
def all_finite(states: TrainState) -> Array:
    """Which runs' parameters are finite, bool [runs]."""
    leaves = [jnp.isfinite(leaf).all(axis=tuple(range(1, leaf.ndim))) for leaf in jax.tree.leaves(states.params)]
    return jnp.stack(leaves).all(axis=0)


@jax.jit
def take_runs(tree: Any, index: Array) -> Any:
    """The given runs of a batch."""
    return jax.tree.map(lambda leaf: leaf[index], tree)

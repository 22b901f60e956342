"""Distill-CF: a few hundred fake users on which the infinite autoencoder does what it does on all real ones.

The logits of the fake users are learned by Adam through the closed form of the autoencoder that is trained on them: the
loss is the multinomial cross-entropy of what it predicts for real users, a batch of them a step, and a little for long
fake rows. The ridge is chosen again and again on validation, and what is kept is a draw at the best step.

Source: Sachdeva et al., Infinite Recommendation Networks: A Data-Centric Approach, NeurIPS 2022, section 4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from numpy.typing import NDArray
from scipy import sparse

from recbench import Budget, Interactions, SamplerContext, Synthesis
from recbench_infinite import checkpoint as checkpoints
from recbench_infinite.gumbel import summed_draws
from recbench_infinite.judge import DEFAULT_RIDGE, Judge, fitted
from recbench_infinite.kernel import Network, tangents
from recbench_infinite.settings import Settings

_NETWORK = Network()
_KEPT_EVERY = 10  # steps, in a checkpoint
_MANY_ITEMS = 4000  # up to here what is published suits: ml-1m has 3,706

Report = Callable[[int, int, str], None]
"""Steps done, steps at most, and how it does."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """What came out."""

    rows: NDArray[np.float32]  # [users, num_items], from 0 to 1
    ridge: float  # chosen with them
    step: int  # the best one
    validation: float  # nDCG@10 there; nan without validation rows


class _Learned(NamedTuple):
    logits: Array  # float32 [users, num_items]
    moments: Any  # of Adam


class _State(NamedTuple):
    step: int  # steps made
    learned: _Learned
    ridge: float
    best: Distilled


def synthesise(train: Interactions, budget: Budget, context: SamplerContext, /) -> Synthesis:
    """As many fake users as the budget has."""
    share = budget.amount * len(np.unique(train.user)) if budget.of == "user-share" else budget.amount
    chosen: Any = {each.name: context.parameters[each.name] for each in fields(Settings)}
    made = distil(
        train,
        context.validation,
        users=max(1, round(share)),
        settings=Settings(**chosen),
        rng=context.rng,
        report=context.progress,
        checkpoint=context.checkpoint,
    )
    facts: dict[str, int | float] = {"l2": made.ridge, "step": made.step}
    if np.isfinite(made.validation):
        facts["validation ndcg@10"] = made.validation
    return Synthesis(made.rows, "distill-cf", budget, 0, facts)


def distil(
    train: Interactions,
    validation: Interactions,
    *,
    users: int,
    settings: Settings,
    rng: np.random.Generator,
    report: Report | None = None,
    checkpoint: Path | None = None,
) -> Distilled:
    """Learns fake users.

    Args:
      validation: rows that choose the ridge and the step; without any, the ridge stays at its default and the last
        step is taken.
      users: how many.
      report: called after each step.
      checkpoint: file that holds the state of every tenth step, and from which a killed distillation goes on: the same
        fake users come out.
    """
    real, held_out = (_matrix(part, train) for part in (train, validation))
    active = np.flatnonzero(np.diff(real.indptr))
    root = int(rng.integers(2**63))
    settings = _suited(settings, train.num_items)
    first = rng.choice(active, users, replace=users > len(active))
    judge = Judge(real, held_out, _NETWORK, most=settings.validation_users, rng=rng)
    key = jax.random.key(root % 2**32, impl="rbg")
    length = np.float32(real.nnz / len(active))
    of = _identity(train, validation, users, settings, root)
    state = _begin(real[first].toarray(), settings)
    if checkpoint is not None:
        state = _restored(checkpoint, of, like=state)
    while True:
        state = _judged(state, judge, key, settings, always=not held_out.nnz)
        if state.step == settings.steps or state.step - state.best.step >= settings.patience:
            return state.best
        # A generator of its own for each step: where a distillation goes on makes no difference.
        drawn = np.random.default_rng((root, state.step))
        batch = drawn.choice(active, min(settings.batch_users, len(active)), replace=False)
        learned, loss = _step(
            state.learned,
            jax.random.fold_in(key, 2 * state.step),
            real[batch].toarray(),
            np.float32(state.ridge),
            length,
            settings,
        )
        state = state._replace(step=state.step + 1, learned=learned)
        if report is not None:
            report(state.step, settings.steps, f"loss {float(loss):.4f}, {_shown(state.best)}")
        if checkpoint is not None and state.step % _KEPT_EVERY == 0:
            _keep(state, checkpoint, of)


def _suited(settings: Settings, num_items: int) -> Settings:
    """With samples and a learning rate that suit the number of items.

    Where items are few, rows that are drawn with so many are full, whatever their logits: nothing would be learned.
    Where they are many, 200 draws leave each so little that the kernel sees hardly more than its bias, and logits have
    further to go until a row's own items stand out of all others: learned with what suits 4,000 items, fake users of
    18,000 are worse than random ones.
    """
    growth = max(1.0, num_items / _MANY_ITEMS) if settings.scaled else 1.0
    samples = max(1, min(round(settings.samples * growth), num_items // 4))
    return replace(settings, samples=samples, learning_rate=settings.learning_rate * growth)


def _begin(logits: NDArray[np.float32], settings: Settings) -> _State:
    start = jnp.asarray(logits)
    learned = _Learned(start, optax.adam(settings.learning_rate).init(start))
    return _State(0, learned, DEFAULT_RIDGE, Distilled(np.zeros((0, 0), np.float32), DEFAULT_RIDGE, 0, -np.inf))


def _judged(state: _State, judge: Judge, key: Array, settings: Settings, *, always: bool) -> _State:
    """With the ridge chosen anew where it is time, and the best step so far."""
    if not (_is_tuned(state.step) or state.step == settings.steps):
        return state
    rows = _draw(state.learned.logits, jax.random.fold_in(key, 2 * state.step + 1), settings)
    ridge, found = judge.best(rows)
    if not (always or found > state.best.validation):
        return state._replace(ridge=ridge)
    return state._replace(ridge=ridge, best=Distilled(np.asarray(rows), ridge, state.step, found))


@partial(jax.jit, static_argnames="settings")
def _step(
    learned: _Learned, key: Array, real: Array, ridge: Array, length: Array, settings: Settings
) -> tuple[_Learned, Array]:
    def loss(logits: Array) -> Array:
        fake = _draw(logits, key, settings)
        predicted = predictions(fake, real, ridge, _NETWORK)
        likelihood = jnp.sum(real * jax.nn.log_softmax(predicted, axis=1), axis=1).mean()
        return settings.cardinality * fake.sum(axis=1).mean() / length - likelihood

    value, slope = jax.value_and_grad(loss)(learned.logits)
    updates, moments = optax.adam(settings.learning_rate).update(slope, learned.moments)
    return _Learned(optax.apply_updates(learned.logits, updates), moments), value


def _draw(logits: Array, key: Array, settings: Settings) -> Array:
    """Fake rows between 0 and 1: what was drawn more than once counts once."""
    drawn = summed_draws(logits, key, settings.draws, settings.temperature)
    return jnp.clip(drawn * (settings.samples / settings.draws), 0, 1)


def predictions(fake: Array, real: Array, ridge: Array, network: Network) -> Array:
    """What the infinite autoencoder that is trained on fake users says of real ones, float32 [real, num_items].

    Args:
      fake: float32 [users, num_items].
      real: histories, float32 [real, num_items].
      ridge: relative to the mean of the kernel's diagonal.
    """
    return jnp.matmul(tangents(real, fake, network), fitted(fake, ridge, network), precision="highest")


def _is_tuned(step: int) -> bool:
    """At steps 0, 25, ... 200, then every 40."""
    return step % 25 == 0 if step <= 200 else step % 40 == 0


def _shown(best: Distilled) -> str:
    return f"validation nDCG@10 {best.validation:.4f} at step {best.step}" if best.validation >= 0 else "no validation"


# --- checkpoints ------------------------------------------------------------------------------------------------------


def _identity(train: Interactions, validation: Interactions, users: int, settings: Settings, root: int) -> str:
    """Equal where the same fake users come out."""
    hashed = hashlib.sha256(repr((users, asdict(settings), root, train.num_users, train.num_items)).encode())
    for part in (train, validation):
        hashed.update(part.user.data)
        hashed.update(part.item.data)
    return hashed.hexdigest()


def _keep(state: _State, path: Path, of: str) -> None:
    arrays = {str(place): np.asarray(leaf) for place, leaf in enumerate(jax.tree.leaves(state.learned))}
    best = {"ridge": state.best.ridge, "step": state.best.step, "validation": state.best.validation}
    facts = {"of": of, "step": state.step, "ridge": state.ridge, "best": best}
    checkpoints.save(path, arrays | {"best": state.best.rows}, facts)


def _restored(path: Path, of: str, *, like: _State) -> _State:
    """The state in a file; the one that is given where there is none of this work."""
    kept = checkpoints.load(path, of=of)
    if kept is None:
        return like
    arrays, facts = kept
    leaves, structure = jax.tree.flatten(like.learned)
    learned = jax.tree.unflatten(structure, [jnp.asarray(arrays[str(place)]) for place in range(len(leaves))])
    return _State(facts["step"], learned, facts["ridge"], Distilled(arrays["best"], **facts["best"]))


def _matrix(part: Interactions, train: Interactions) -> sparse.csr_array:
    """Zeros and ones, float32 [num_users, num_items]."""
    ones = np.ones(len(part), np.float32)
    made = sparse.coo_array((ones, (part.user, part.item)), shape=(train.num_users, train.num_items)).tocsr()
    made.data[:] = 1  # pairs that repeat were added up
    return made

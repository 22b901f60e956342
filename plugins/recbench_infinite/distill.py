"""Distill-CF: a few hundred fake users on which the infinite autoencoder does what it does on all real ones.

The logits of the fake users are learned by Adam through the closed form of the autoencoder that is trained on them: the
loss is the multinomial cross-entropy of what it predicts for real users, a batch of them a step, and a little for long
fake rows. The ridge is chosen again and again on validation, and what is kept is a draw at the best step.

Source: Sachdeva et al., Infinite Recommendation Networks: A Data-Centric Approach, NeurIPS 2022, section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from numpy.typing import NDArray
from scipy import sparse

from recbench import Budget, Interactions, SamplerContext, Synthesis
from recbench_infinite.gumbel import summed_draws
from recbench_infinite.kernel import Network, diagonals, tangents

RIDGES = (1e-5, 1e-3, 0.1, 1.0, 5.0, 50.0)
"""Tried on validation, relative to the mean of the kernel's diagonal."""
DEFAULT_RIDGE = 1.0
_BLOCK = 1024  # users scored at a time
_CUTOFF = 10
_PARAMETERS = ("samples", "draws", "temperature", "cardinality", "learning_rate", "steps")


@dataclass(frozen=True, slots=True)
class Settings:
    """How fake users are learned."""

    samples: int = 200  # items that a fake user is drawn with, with replacement
    draws: int = 10  # Gumbel-softmax draws they are estimated from: samples is as published
    temperature: float = 10.0
    cardinality: float = 1e-3  # weight of the mean length of a fake row, relative to that of a real one
    learning_rate: float = 0.04
    steps: int = 150
    patience: int = 150  # steps without a better validation
    batch_users: int = 1024  # real users a step
    network: Network = field(default_factory=Network)


@dataclass(frozen=True, slots=True)
class Distilled:
    """What came out."""

    rows: NDArray[np.float32]  # [users, num_items], from 0 to 1
    ridge: float  # chosen with them
    step: int  # the best one
    validation: float  # nDCG@10 there; nan without validation rows


class _Trained(NamedTuple):
    logits: Array  # float32 [users, num_items]
    moments: Any


def synthesise(train: Interactions, budget: Budget, context: SamplerContext, /) -> Synthesis:
    """As many fake users as the budget has."""
    share = budget.amount * len(np.unique(train.user)) if budget.of == "user-share" else budget.amount
    chosen: Any = {name: context.parameters[name] for name in _PARAMETERS}
    made = distil(train, context.validation, users=max(1, round(share)), settings=Settings(**chosen), rng=context.rng)
    return Synthesis(made.rows, "distill-cf", budget, 0)


def distil(
    train: Interactions,
    validation: Interactions,
    *,
    users: int,
    settings: Settings,
    rng: np.random.Generator,
    report: Callable[[int, float, float], None] | None = None,
) -> Distilled:
    """Learns fake users.

    Args:
      validation: rows that choose the ridge and the step; without any, the ridge stays at its default and the last
        step is taken.
      users: how many.
      report: called after each step with its number, the loss and the best validation so far.
    """
    real, held_out = (_matrix(part, train) for part in (train, validation))
    active = np.flatnonzero(np.diff(real.indptr))
    judge = _Judge(real, held_out, settings.network)
    first = rng.choice(active, users, replace=users > len(active))
    key = jax.random.key(int(rng.integers(2**32)), impl="rbg")
    logits = jnp.asarray(real[first].toarray())
    state = _Trained(logits, optax.adam(settings.learning_rate).init(logits))
    length = real.nnz / len(active)
    ridge, best = DEFAULT_RIDGE, Distilled(np.zeros(0, np.float32), DEFAULT_RIDGE, 0, -np.inf)
    for step in range(settings.steps + 1):
        if _is_tuned(step) or step == settings.steps:
            rows = _draw(state.logits, jax.random.fold_in(key, 2 * step + 1), settings)
            ridge, found = judge.best(rows)
            if found > best.validation or not held_out.nnz:
                best = Distilled(np.asarray(rows), ridge, step, found)
        if step == settings.steps or step - best.step >= settings.patience:
            break
        batch = rng.choice(active, min(settings.batch_users, len(active)), replace=False)
        state, loss = _step(
            state,
            jax.random.fold_in(key, 2 * step),
            real[batch].toarray(),
            np.float32(ridge),
            np.float32(length),
            settings,
        )
        if report is not None:
            report(step + 1, float(loss), best.validation)
    return best


@partial(jax.jit, static_argnames="settings")
def _step(
    state: _Trained, key: Array, real: Array, ridge: Array, length: Array, settings: Settings
) -> tuple[_Trained, Array]:
    def loss(logits: Array) -> Array:
        fake = _draw(logits, key, settings)
        predicted = predictions(fake, real, ridge, settings.network)
        likelihood = jnp.sum(real * jax.nn.log_softmax(predicted, axis=1), axis=1).mean()
        return settings.cardinality * fake.sum(axis=1).mean() / length - likelihood

    value, slope = jax.value_and_grad(loss)(state.logits)
    updates, moments = optax.adam(settings.learning_rate).update(slope, state.moments)
    return _Trained(optax.apply_updates(state.logits, updates), moments), value


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
    return tangents(real, fake, network) @ _weights(fake, ridge, network)


def _weights(fake: Array, ridge: Array, network: Network) -> Array:
    squares = jnp.square(fake).sum(axis=1)
    diagonal = diagonals(squares, num_items=fake.shape[1], network=network).tangent
    one = jnp.eye(len(fake), dtype=bool)
    kernel = jnp.where(one, (diagonal + ridge * diagonal.mean())[:, None], tangents(fake, fake, network))
    return jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(kernel), True), fake)


class _Judge:
    """Chooses the ridge: nDCG@10 of validation rows, a user's train rows masked."""

    def __init__(self, real: sparse.csr_array, held_out: sparse.csr_array, network: Network) -> None:
        self._users = np.flatnonzero(np.diff(held_out.indptr))
        self._real, self._held_out, self._network = real, held_out, network

    def best(self, fake: Array) -> tuple[float, float]:
        """The ridge and its nDCG@10."""
        if not len(self._users):
            return DEFAULT_RIDGE, np.nan
        weights = jax.vmap(lambda ridge: _weights(fake, ridge, self._network))(np.array(RIDGES, np.float32))
        sums = np.zeros(len(RIDGES))
        for start in range(0, len(self._users), _BLOCK):
            users = self._users[start : start + _BLOCK]
            sums += np.asarray(
                _gains(fake, weights, *(each[users].toarray() for each in (self._real, self._held_out)), self._network)
            )
        means = np.nan_to_num(sums / len(self._users), nan=-1.0)
        return RIDGES[int(means.argmax())], float(means.max())


@partial(jax.jit, static_argnames="network")
def _gains(fake: Array, weights: Array, real: Array, wanted: Array, network: Network) -> Array:
    """Sum of nDCG@10 over some users, for each ridge, float32 [ridges]."""
    kernel = tangents(real, fake, network)
    discounts = 1 / jnp.log2(jnp.arange(_CUTOFF) + 2.0)
    count = jnp.minimum(wanted.sum(axis=1), _CUTOFF).astype(jnp.int32)
    ideal = jnp.concatenate([jnp.zeros(1), jnp.cumsum(discounts)])[count]

    def of(weights: Array) -> Array:
        _, top = jax.lax.top_k(jnp.where(real > 0, -jnp.inf, kernel @ weights), _CUTOFF)
        hits = jnp.take_along_axis(wanted, top, axis=1)
        return (hits @ discounts / ideal).sum()

    return jax.lax.map(of, weights)


def _is_tuned(step: int) -> bool:
    """At steps 0, 25, ... 200, then every 40."""
    return step % 25 == 0 if step <= 200 else step % 40 == 0


def _matrix(part: Interactions, train: Interactions) -> sparse.csr_array:
    """Zeros and ones, float32 [num_users, num_items]."""
    ones = np.ones(len(part), np.float32)
    made = sparse.coo_array((ones, (part.user, part.item)), shape=(train.num_users, train.num_items)).tocsr()
    made.data[:] = 1  # pairs that repeat were added up
    return made

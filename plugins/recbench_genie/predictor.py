"""The predictor: a small network from what data set, sample, sampler and question look like to tau, or to a score.

Published objectives: *regression*, the squared error of tau through tanh; *ranking*, -ln sigmoid(score_i - score_j)
over pairs of samplers of one question with tau_i > tau_j. Ours starts from the sampler's average over data sets
(``base``): tau = tanh(artanh(average) + network), so that a network that has learned nothing takes the best on average.

Source: Sachdeva, Wu, McAuley: On Sampling Collaborative Filtering Datasets, WSDM 2022, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array
from numpy.typing import NDArray

from recbench_genie.design import Floats

Objective = Literal["regression", "ranking", "both"]
_CLIP = 0.999  # of averages, before artanh
_PADDED = 256  # the number of questions is filled up to a multiple: a program serves any choice of groups


@dataclass(frozen=True, slots=True)
class PredictorSettings:
    """How a predictor is trained."""

    objective: Objective = "regression"
    hidden: int = 64
    dropout: float = 0.2
    learning_rate: float = 0.001
    decay: float = 0.0  # of weights, AdamW's
    steps: int = 1500
    batch: int = 32  # questions a step
    members: int = 1  # networks whose outputs are averaged


class Predictor(nnx.Module):
    """Two hidden layers; the last starts at zero."""

    def __init__(self, inputs: int, hidden: int, dropout: float, *, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(inputs, hidden, rngs=rngs)
        self.second = nnx.Linear(hidden, hidden, rngs=rngs)
        self.last = nnx.Linear(hidden, 1, kernel_init=nnx.initializers.zeros, rngs=rngs)
        self.dropout = nnx.Dropout(dropout)

    def __call__(self, x: Array, *, key: Array | None = None) -> Array:
        """Scores, shape of ``x`` without its last axis; with a key, units are dropped."""
        keys = (None, None) if key is None else tuple(jax.random.split(key))
        for layer, one in zip((self.first, self.second), keys, strict=True):
            x = self.dropout(jax.nn.relu(layer(x)), deterministic=one is None, rngs=one)
        return self.last(x)[..., 0]


def train_predictor(
    x: Floats,
    base: Floats,
    tau: Floats,
    starts: NDArray[np.int64],
    settings: PredictorSettings,
    *,
    seed: int = 0,
) -> dict[str, Floats]:
    """Weights of ``settings.members`` networks, each array with that leading axis.

    Args:
      x: [n, inputs], standardised; base: [n], artanh of the averages, or zeros; tau: [n].
      starts: where each question begins, and the end.
    """
    place, real = _by_question(starts)
    count = len(place)
    missing = -count % _PADDED
    columns = (x[place], base[place], tau[place], real)
    questions = tuple(np.pad(each, [(0, missing)] + [(0, 0)] * (each.ndim - 1)) for each in columns)
    keys = jax.random.split(jax.random.key(seed), settings.members)
    trained = _train_members(keys, questions, np.int32(count), settings=settings)
    return {name: np.asarray(value) for name, value in trained.items()}


def predict(weights: Mapping[str, Floats], x: Floats, base: Floats, *, shrinkage: float = 1.0) -> Floats:
    """Mean tau (or score) of the networks, float32 [n]; what they add to the base is multiplied by ``shrinkage``."""
    if not len(x):
        return np.zeros(0, np.float32)
    h = np.broadcast_to(x, (len(weights["last"]), *x.shape))
    for layer in ("first", "second"):
        h = np.maximum(np.matmul(h, weights[layer]) + weights[f"{layer} bias"][:, None], 0)
    score = np.matmul(h, weights["last"])[..., 0] + weights["last bias"]
    return np.tanh(shrinkage * score + base).mean(axis=0).astype(np.float32)


def lifted(average: Floats) -> Floats:
    """What a network adds to: artanh of the averages, clipped."""
    return np.arctanh(np.clip(average, -_CLIP, _CLIP)).astype(np.float32)


def _by_question(starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Example numbers [questions, most] and which of them are real."""
    counts = np.diff(starts)
    column = np.arange(counts.max())
    real = column < counts[:, None]
    return np.where(real, starts[:-1, None] + column, starts[:-1, None]), real


@partial(jax.jit, static_argnames="settings")
def _train_members(
    keys: Array, questions: tuple[Array, ...], count: Array, *, settings: PredictorSettings
) -> dict[str, Array]:
    return jax.vmap(partial(_train, settings=settings), in_axes=(0, None, None))(keys, questions, count)


def _train(key: Array, questions: tuple[Array, ...], count: Array, *, settings: PredictorSettings) -> dict[str, Array]:
    start, shuffle = jax.random.split(key)
    model = Predictor(questions[0].shape[-1], settings.hidden, settings.dropout, rngs=nnx.Rngs(params=start))
    graph, state = nnx.split(model)
    optimizer = optax.adamw(settings.learning_rate, weight_decay=settings.decay)

    def loss(state: Any, batch: tuple[Array, ...], key: Array) -> Array:
        x, base, tau, real = batch
        score = base + nnx.merge(graph, state)(x, key=key)
        return _loss(score, tau, real, settings.objective)

    def step(carry: tuple[Any, Any], key: Array) -> tuple[tuple[Any, Any], None]:
        state, moments = carry
        choose, drop = jax.random.split(key)
        rows = jax.random.randint(choose, (settings.batch,), 0, count)
        gradient = jax.grad(loss)(state, tuple(each[rows] for each in questions), drop)
        change, moments = optimizer.update(gradient, moments, state)
        return (optax.apply_updates(state, change), moments), None

    keys = jax.random.split(shuffle, settings.steps)
    (state, _), _ = jax.lax.scan(step, (state, optimizer.init(state)), keys)
    trained = nnx.merge(graph, state)
    layers = {"first": trained.first, "second": trained.second, "last": trained.last}
    found: dict[str, Array] = {}
    for name, layer in layers.items():
        assert layer.bias is not None
        found |= {name: layer.kernel[...], f"{name} bias": layer.bias[...]}
    return found


def _loss(score: Array, tau: Array, real: Array, objective: Objective) -> Array:
    """Mean over the real examples, or over their pairs."""
    error = jnp.where(real, jnp.square(jnp.tanh(score) - tau), 0).sum() / jnp.maximum(real.sum(), 1)
    above = (tau[:, :, None] > tau[:, None, :]) & real[:, :, None] & real[:, None, :]
    pairs = jnp.where(above, jax.nn.softplus(score[:, None, :] - score[:, :, None]), 0)
    ranking = pairs.sum() / jnp.maximum(above.sum(), 1)
    return {"regression": error, "ranking": ranking, "both": error + 0.1 * ranking}[objective]

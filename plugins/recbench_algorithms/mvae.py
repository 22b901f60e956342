"""MVAE: a variational autoencoder of users' histories with a multinomial likelihood.

h = tanh(A dropout(x / |x|) + a); mu, ln sigma^2 = M h + m; z ~ N(mu, sigma^2); scores = W tanh(D z + d) + b. Loss of a
user: -sum over items i of x_i ln softmax(scores)_i + weight * KL(N(mu, sigma^2) || N(0, 1)); the weight rises linearly
from 0 to its cap. Scoring takes z = mu of the history of the query, and drops nothing.
Source: Liang, Krishnan, Hoffman, Jebara: Variational Autoencoders for Collaborative Filtering, WWW 2018, section 2.
Worth searching: latent 8 to 50 for small logs and 100 to 200 for large ones, learning rate 0.001 to 0.01, dropout 0.3
to 0.7, anneal_cap 0.1 to 0.5, batches of 100 to 1000 users.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from recbench import Feedback, Hyper, ItemTable, ModelShape, Query, RowsBatch, Stage, StepContext, dropout
from recbench_algorithms.pairwise import adam
from recbench_algorithms.variational import annealed, kl_divergence

_GLOROT = nnx.initializers.glorot_uniform()
_PUBLISHED_RATIO = 3
"""Units of a hidden layer for each of the code: 600 for 200."""


class VariationalAutoencoder(nnx.Module):
    """Tables float32 [num_items, hidden]: what an item of a history adds to the first layer, and what scores it."""

    def __init__(self, shape: ModelShape, *, latent: int, hidden: int, key: Array) -> None:
        rngs = nnx.Rngs(key)
        linear = partial(nnx.Linear, kernel_init=_GLOROT, rngs=rngs)
        self.inner = ItemTable(_GLOROT(rngs.params(), (shape.num_items, hidden)))
        self.inner_bias = nnx.Param(jnp.zeros(hidden))
        self.posterior = linear(hidden, 2 * latent)
        self.generator = linear(latent, hidden)
        self.outer = ItemTable(_GLOROT(rngs.params(), (shape.num_items, hidden)))
        self.outer_bias = ItemTable(jnp.zeros(shape.num_items))

    def loss(self, batch: RowsBatch, context: StepContext) -> Array:
        hyper = context.hyper
        input_key, noise_key = jax.random.split(context.key)
        mean, log_deviation = self._encode(batch.rows, dropout(batch.rows, rate=hyper["dropout"], key=input_key))
        code = mean + jnp.exp(log_deviation) * jax.random.normal(noise_key, mean.shape)
        surprise = multinomial_loss(self._decode(code), self.outer[...], self.outer_bias[...], batch.rows)
        return surprise + annealed(context) * kl_divergence(mean, log_deviation)

    def score(self, query: Query) -> Array:
        return self._last(query) @ self.outer[...].T + self.outer_bias[...][None, :]

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        return (self._last(query)[rows] * self.outer[items]).sum(axis=1) + self.outer_bias[items]

    def _last(self, query: Query) -> Array:
        """What the mean code of each history is decoded to, float32 [users, hidden]."""
        rows = query.dense()
        return self._decode(self._encode(rows, rows)[0])

    def _encode(self, rows: Array, kept: Array) -> tuple[Array, Array]:
        """Mean and log standard deviation of the codes, [users, latent]; ``kept`` is what is left of the rows."""
        length = jnp.sqrt(jnp.sum(jnp.square(rows), axis=1, keepdims=True))
        hidden = jnp.tanh((kept @ self.inner[...]) / jnp.maximum(length, 1e-6) + self.inner_bias[...][None, :])
        mean, log_variance = jnp.split(self.posterior(hidden), 2, axis=1)
        return mean, log_variance / 2

    def _decode(self, code: Array) -> Array:
        """The last hidden layer, [users, hidden]."""
        return jnp.tanh(self.generator(code))


class MVAE:
    """One stage, Adam with betas (0.9, 0.98)."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        return [Stage(self._build, "rows", batch_size=hyper["batch_size"], optimizer=adam)]

    def _build(
        self, shape: ModelShape, *, hyper: Hyper, key: Array, earlier: tuple[Any, ...]
    ) -> VariationalAutoencoder:
        hidden = hyper["hidden"] or _PUBLISHED_RATIO * hyper["latent"]
        return VariationalAutoencoder(shape, latent=hyper["latent"], hidden=hidden, key=key)


@jax.custom_vjp
def multinomial_loss(hidden: Array, table: Array, bias: Array, rows: Array) -> Array:
    """-sum over items i of x_i ln softmax(<h, q> + b)_i for each user; rows are not differentiated.

    Its gradient takes no second exponential, and one pass over users x items beside the two products.

    Args:
      hidden: float32 [users, width].
      table: float32 [items, width].
      bias: float32 [items].
      rows: float32 [users, items].

    Returns:
      float32 [users].
    """
    return _forward(hidden, table, bias, rows)[0]


def _forward(hidden: Array, table: Array, bias: Array, rows: Array) -> tuple[Array, tuple[Array, ...]]:
    scores = hidden @ table.T + bias[None, :]
    top = scores.max(axis=1)
    odds = jnp.exp(scores - top[:, None])
    total, count = odds.sum(axis=1), rows.sum(axis=1)
    loss = count * (jnp.log(total) + top) - (rows * scores).sum(axis=1)
    return loss, (hidden, table, rows, odds, count / total)


def _backward(residuals: tuple[Array, ...], cotangent: Array) -> tuple[Array, Array, Array, None]:
    hidden, table, rows, odds, share = residuals
    slope = odds * (share * cotangent)[:, None] - rows * cotangent[:, None]
    return slope @ table, slope.T @ hidden, slope.sum(axis=0), None


multinomial_loss.defvjp(_forward, _backward)

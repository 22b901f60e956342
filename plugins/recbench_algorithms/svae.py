"""SVAE: a recurrent network whose every state is the code of a variational autoencoder of the next items.

h_t = GRU(E[items up to t]); mu, log sigma = W tanh(A h_t); z ~ N(mu, sigma^2); scores = V tanh(D z) + b. The loss of a
position is -(1/k) sum of ln softmax(scores) over the next k items + weight * KL(N(mu, sigma^2) || N(0, 1)), the mean
over all positions; the weight rises linearly to its cap. Scoring takes z = mu at a history's end.
The weight is for a position: the published code, which sums likelihoods over a history but averages divergences, weighs
its 0.2 down by the history's length. Codes start with little noise, which otherwise hides all but popularity for long.
Source: Sachdeva, Manco, Ritacco, Pudi, Sequential Variational Autoencoders for Collaborative Filtering, WSDM 2019,
section 4.
Grid worth searching: latent 8-64, learning_rate 0.005-0.02, anneal_cap 0.01-0.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from recbench import Feedback, Hyper, ItemTable, ModelShape, Query, RecbenchError, SequencesBatch, Stage, StepContext
from recbench_algorithms.gru import GRU
from recbench_algorithms.next_item import log_partition, logits_of, most_recent, next_items
from recbench_algorithms.pairwise import adam
from recbench_algorithms.variational import annealed, kl_divergence

_GLOROT = nnx.initializers.glorot_uniform()
_EMBEDDING_SCALE = 0.3
_LOG_DEVIATION = -1.5  # of the codes, at the start


class SVAEModule(nnx.Module):
    """Arrays of positions are [length, batch, ...], as the recurrence goes."""

    def __init__(self, shape: ModelShape, *, hyper: Hyper, key: Array) -> None:
        latent, self.ahead = hyper["latent"], hyper["ahead"]
        hidden = hyper["hidden"] or latent
        rngs = nnx.Rngs(key)
        self.items = ItemTable(_EMBEDDING_SCALE * jax.random.normal(rngs.params(), (shape.num_items, hidden)))
        self.recurrent = GRU(hidden, hidden, rngs=rngs)
        self.inner, self.code = _linear(hidden, hidden, rngs), _linear(hidden, 2 * latent, rngs)
        self.outer = _linear(latent, hidden, rngs)
        self.output = ItemTable(_GLOROT(rngs.params(), (shape.num_items, hidden)))
        self.bias = ItemTable(jnp.zeros(shape.num_items))

    def loss(self, batch: SequencesBatch, context: StepContext) -> Array:
        following = next_items(batch)
        real = following.real.T
        mean, log_deviation = self._encode(following.inputs)
        noise = jax.random.normal(context.key, mean.shape)
        decoded = self._decode(mean + jnp.exp(log_deviation) * noise)
        evidence = self._log_likelihood(decoded, batch, real)
        divergence = jnp.where(real, kl_divergence(mean, log_deviation), 0)
        return following.weight * (annealed(context) * divergence - evidence).sum(axis=0)

    def score(self, query: Query) -> Array:
        return self._last(query) @ self.output[...].T + self.bias[...][None, :]

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        return (self._last(query)[rows] * self.output[items]).sum(axis=1) + self.bias[items]

    def _last(self, query: Query) -> Array:
        """What each history's mean code is decoded to, float32 [users, hidden]; zero for an empty history."""
        mean, _ = self._encode(query.items)
        last = mean[most_recent(query), jnp.arange(query.items.shape[0])]
        return jnp.where(query.mask[:, :1], self._decode(last), 0)

    def _encode(self, items: Array) -> tuple[Array, Array]:
        """Mean and log standard deviation after each position, [length, batch, latent], of items [batch, length]."""
        states = self.recurrent(self.items[items.T])
        mean, log_deviation = jnp.split(self.code(jnp.tanh(self.inner(states))), 2, axis=2)
        return mean, log_deviation + _LOG_DEVIATION

    def _decode(self, code: Array) -> Array:
        return jnp.tanh(self.outer(code))

    def _log_likelihood(self, decoded: Array, batch: SequencesBatch, real: Array) -> Array:
        """(1/k) sum of ln softmax over the next k items that there are, [length, batch]; 0 where not real."""
        table, bias = self.output[...], self.bias[...]
        partition = log_partition(decoded, real, table, bias, axis=0)
        total = jnp.zeros_like(partition)
        for ahead in range(1, self.ahead + 1):
            there = jnp.pad(real[ahead - 1 :], ((0, ahead - 1), (0, 0)))
            target = jnp.pad(batch.items[:, ahead:].T, ((0, ahead - 1), (0, 0)))
            total += jnp.where(there, logits_of(decoded, target, table, bias) - partition, 0)
        return total / self.ahead


class SVAE:
    """One stage, Adam with betas (0.9, 0.98)."""

    def stages(self, feedback: Feedback, hyper: Hyper) -> Sequence[Stage]:
        if hyper["ahead"] > hyper["length"]:
            raise RecbenchError(
                f"svae predicts {hyper['ahead']} items ahead, but looks at {hyper['length']} rows of a history: ask "
                "for fewer items, or for more rows"
            )
        length = hyper["length"] + 1  # the last row is only a target
        return [Stage(self._build, "sequences", hyper["batch_size"], negatives=0, length=length, optimizer=adam)]

    def _build(self, shape: ModelShape, *, hyper: Hyper, key: Array, earlier: tuple[nnx.Module, ...]) -> SVAEModule:
        return SVAEModule(shape, hyper=hyper, key=key)


def _linear(inputs: int, outputs: int, rngs: nnx.Rngs) -> nnx.Linear:
    return nnx.Linear(inputs, outputs, kernel_init=_GLOROT, rngs=rngs)

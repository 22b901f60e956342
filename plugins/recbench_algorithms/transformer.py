"""The encoder of SASRec: causal self-attention and feed-forward layers over histories.

Activations are [width, histories * length], width first: so even narrow ones fill a CPU's vectors.
Source: Kang, McAuley, ICDM 2018, section III, and its code, which normalises before a layer and adds the layer's output
to what was normalised; Vaswani et al., NeurIPS 2017.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from recbench import dropout
from recbench_algorithms.attention import WeightDropout, attend

GLOROT = nnx.initializers.glorot_uniform()


class Noise(NamedTuple):
    """What is random about dropout in some histories."""

    rate: Array  # float32 scalar
    key: Array  # a JAX key
    queries: Array  # uint32 [histories, blocks, heads, length], see WeightDropout
    keys: Array  # uint32 [blocks, length]

    def of_block(self, queries: Array, *, first: Array, length: int) -> Noise:
        """The noise of a block of the histories, which begins with number ``first`` and is cut to ``length``."""
        number = first + length * len(self.queries)
        return self._replace(queries=queries, key=jax.random.fold_in(self.key, number))


class Block(nnx.Module):
    """Attention and a feed-forward layer on [width, histories * length]."""

    def __init__(self, width: int, heads: int, *, rngs: nnx.Rngs) -> None:
        self.heads = heads
        self.attention_norm, self.forward_norm = Norm(width), Norm(width)
        self.query = nnx.Linear(width, width, kernel_init=GLOROT, rngs=rngs)
        self.key = nnx.Linear(width, width, kernel_init=GLOROT, rngs=rngs)
        self.value = nnx.Linear(width, width, kernel_init=GLOROT, rngs=rngs)
        self.inner = nnx.Linear(width, width, kernel_init=GLOROT, rngs=rngs)
        self.outer = nnx.Linear(width, width, kernel_init=GLOROT, rngs=rngs)

    def __call__(self, x: Array, noise: Noise | None, *, number: int, length: int) -> Array:
        query = self.attention_norm(x)
        x = query + self._attention(query, x, noise, number=number, length=length)
        x = self.forward_norm(x)
        inner = _drop(jax.nn.relu(_dense(self.inner, x)), noise, axis=2 * number + 1)
        return x + _drop(_dense(self.outer, inner), noise, axis=2 * number + 2)

    def _attention(self, query: Array, x: Array, noise: Noise | None, *, number: int, length: int) -> Array:
        each = x.shape[0] // self.heads

        def split(y: Array) -> Array:
            """[width, histories * length] as [heads * histories, width of a head, length]."""
            return y.reshape(self.heads, each, -1, length).swapaxes(1, 2).reshape(-1, each, length)

        queries = split(_dense(self.query, query)) * each**-0.5
        words = jnp.zeros((queries.shape[0], length), jnp.uint32), jnp.zeros(length, jnp.uint32), jnp.float32(0)
        if noise is not None:
            own = noise.queries[:, number].swapaxes(0, 1).reshape(queries.shape[0], -1)[:, :length]
            words = own, noise.keys[number, :length], noise.rate
        mean = attend(queries, split(_dense(self.key, x)), split(_dense(self.value, x)), WeightDropout(*words))
        return mean.reshape(self.heads, -1, each, length).swapaxes(1, 2).reshape(x.shape)


class Norm(nnx.Module):
    """Layer normalisation over the leading axis."""

    def __init__(self, width: int) -> None:
        self.scale, self.shift = nnx.Param(jnp.ones(width)), nnx.Param(jnp.zeros(width))

    def __call__(self, x: Array) -> Array:
        centred = x - x.mean(axis=0, keepdims=True)
        unit = centred * jax.lax.rsqrt(jnp.square(centred).mean(axis=0, keepdims=True) + 1e-8)
        return unit * self.scale[...][:, None] + self.shift[...][:, None]


class Encoder(nnx.Module):
    """Hidden states of histories from their embedded rows."""

    def __init__(self, width: int, *, blocks: int, heads: int, rngs: nnx.Rngs) -> None:
        self.blocks = nnx.List([Block(width, heads, rngs=rngs) for _ in range(blocks)])
        self.norm = Norm(width)

    def noise(self, histories: int, length: int, *, rate: Array, key: Array) -> Noise:
        """Noise for so many histories."""
        key, queries, keys = jax.random.split(key, 3)
        words = histories, len(self.blocks), self.blocks[0].heads, length
        return Noise(rate, key, jax.random.bits(queries, words), jax.random.bits(keys, (len(self.blocks), length)))

    def __call__(self, x: Array, noise: Noise | None) -> Array:
        """float32 [width, histories * length] from float32 [histories, length, width]; a state knows no later row."""
        length = x.shape[1]
        x = _drop(flat(x), noise, axis=0)
        for number, block in enumerate(self.blocks):
            x = block(x, noise, number=number, length=length)
        return self.norm(x)


def flat(x: Array) -> Array:
    """[width, histories * length] from [histories, length, width]."""
    return x.reshape(-1, x.shape[2]).T


def _dense(layer: nnx.Linear, x: Array) -> Array:
    assert layer.bias is not None
    return layer.kernel[...].T @ x + layer.bias[...][:, None]


def _drop(x: Array, noise: Noise | None, *, axis: int) -> Array:
    return x if noise is None else dropout(x, rate=noise.rate, key=jax.random.fold_in(noise.key, axis))

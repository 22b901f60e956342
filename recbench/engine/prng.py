"""Random bits at the cost of a hash: the generator behind every key that the core gives to an algorithm.

JAX's default generator, threefry, is a loop of its own on a CPU for each draw however small: deriving keys and drawing
took more than half of a step of a small model. Keys made here work with all of ``jax.random``.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.random import define_prng_impl

_GOLDEN, _OTHER = 0x9E3779B9, 0xC2B2AE3D
_WORD = 32


def make_key(words: Array) -> Array:
    """A key from raw data, uint32 [..., 2]."""
    return jax.random.wrap_key_data(words, impl=HASH)


def mix(x: Array) -> Array:
    """The finaliser of MurmurHash3: every input bit reaches every output bit."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)


def _hash(words: Array, numbers: Array, step: int) -> Array:
    """uint32, a hash of each number under the 64 bits of a key."""
    return mix(mix(numbers * jnp.uint32(step) + words[0]) ^ words[1])


def _derive(words: Array, numbers: Array) -> Array:
    """Raw keys [..., 2], one for each number: two hashes, kept apart from those that make the key's own bits."""
    first = _hash(words ^ jnp.uint32(_OTHER), numbers, _OTHER)
    return jnp.stack([first, _hash(words[::-1], numbers ^ first, _GOLDEN)], axis=-1)


def _seed(seed: Array) -> Array:
    return _derive(jnp.zeros(2, jnp.uint32), jnp.asarray(seed).astype(jnp.uint32))


def _split(words: Array, shape: tuple[int, ...]) -> Array:
    return _derive(words, jnp.arange(math.prod(shape), dtype=jnp.uint32) + jnp.uint32(1 << 31)).reshape(*shape, 2)


def _fold_in(words: Array, number: Array | int) -> Array:
    return _derive(words, jnp.asarray(number).astype(jnp.uint32))


def _random_bits(words: Array, width: int, shape: tuple[int, ...]) -> Array:
    if width not in (8, 16, _WORD):
        raise NotImplementedError(f"this generator draws 8, 16 or 32 bits at a time, not {width}")
    bits = _hash(words, jnp.arange(math.prod(shape), dtype=jnp.uint32), _GOLDEN).reshape(shape)
    return bits if width == _WORD else (bits >> (_WORD - width)).astype(f"uint{width}")


HASH = define_prng_impl(
    key_shape=(2,),
    seed=_seed,
    split=_split,
    random_bits=_random_bits,
    fold_in=_fold_in,
    name="recbench-hash",
    tag="rbh",
)
"""Two rounds of :func:`mix` over a counter. For simulation, not for secrets."""

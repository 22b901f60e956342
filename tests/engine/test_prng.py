"""The hashed generator behind the keys of runs: fair bits, keys that have nothing to do with each other."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from recbench.engine.prng import HASH, make_key

ROOT = jax.random.key(0, impl=HASH)
FAMILIES = {
    "folded in": lambda: jax.vmap(lambda n: jax.random.fold_in(ROOT, n))(jnp.arange(64)),
    "split": lambda: jax.random.split(ROOT, 64),
    "seeded": lambda: jax.vmap(lambda n: jax.random.key(n, impl=HASH))(jnp.arange(64)),
    "nearby words": lambda: make_key(jnp.stack([jnp.arange(64), jnp.arange(64) % 3], axis=1).astype(jnp.uint32)),
    "folded in twice": lambda: jax.vmap(lambda n: jax.random.fold_in(jax.random.fold_in(ROOT, n), 1))(jnp.arange(64)),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_bits_are_fair_and_independent_of_neighbours_and_of_other_keys(family):
    keys = FAMILIES[family]()
    words = np.asarray(jax.vmap(lambda key: jax.random.bits(key, (4096,), jnp.uint32))(keys))
    bits = (words[..., None] >> np.arange(32, dtype=np.uint32)) & 1
    for a, b in ((bits, 0), (bits[:, 1:], bits[:, :-1]), (bits[1:], bits[:-1]), (bits[..., 1:], bits[..., :-1])):
        share = (a ^ b).mean(axis=(0, 1))
        assert np.abs(share - 0.5).max() < 5 * 0.5 / np.sqrt(words.size * 0.98)
    assert len(np.unique(words)) > words.size * (1 - words.size / 2**32)  # no two streams share a stretch


def test_children_differ_from_each_other_and_from_their_parent():
    raw = [ROOT, *jax.random.split(ROOT, 1000), *(jax.random.fold_in(ROOT, n) for n in range(100))]
    assert len({tuple(np.asarray(jax.random.key_data(key))) for key in raw}) == len(raw)


def test_distributions():
    """What jax.random makes of the bits: Kolmogorov-Smirnov and chi-square at the 99.9 % point."""
    uniform, normal, digit = jax.random.split(ROOT, 3)
    assert kstest(np.asarray(jax.random.uniform(uniform, (20_000,))), "uniform").pvalue > 1e-3
    assert kstest(np.asarray(jax.random.normal(normal, (20_000,))), "norm").pvalue > 1e-3
    assert chisquare(np.bincount(np.asarray(jax.random.randint(digit, (20_000,), 0, 10)))).pvalue > 1e-3


def test_a_draw_is_the_same_alone_and_in_a_batch():
    keys = jax.random.split(ROOT, 5)
    together = jax.vmap(lambda key: jax.random.normal(key, (7,)))(keys)
    np.testing.assert_array_equal(together[3], jax.random.normal(keys[3], (7,)))


def test_narrow_bits_and_refused_ones():
    for width in (8, 16):
        bits = np.asarray(jax.random.bits(ROOT, (20_000,), f"uint{width}"))
        assert chisquare(np.bincount(bits >> (width - 4), minlength=16)).pvalue > 1e-3

"""What models of the next item are made of, computed block by block or laid out for a CPU: against what is not."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recbench_algorithms.attention import WeightDropout, attend
from recbench_algorithms.blockwise import Piece, by_blocks
from recbench_algorithms.next_item import log_partition, pack

ITEMS, WIDTH, LENGTH = 11, 4, 7


def test_attention_and_its_gradient_are_those_of_plain_softmax():
    keys = jax.random.split(jax.random.key(0), 5)
    inputs = tuple(2 * jax.random.normal(key, (3, WIDTH, LENGTH)) for key in keys[:3])
    drop = WeightDropout(jax.random.bits(keys[3], (3, LENGTH)), jax.random.bits(keys[4], (LENGTH,)), jnp.float32(0.3))
    kept = drop.kept()
    assert 0.5 < kept.mean() < 0.9

    def plain(q, k, v):
        logits = jnp.einsum("gdi,gdj->gij", q, k)
        logits = jnp.where(jnp.tril(jnp.ones((LENGTH, LENGTH), bool))[None], logits, -jnp.inf)
        return jnp.einsum("gij,gdj->gdi", jnp.where(kept, jax.nn.softmax(logits) / 0.7, 0), v)

    def ours(q, k, v):
        return attend(q, k, v, drop)

    np.testing.assert_allclose(ours(*inputs), plain(*inputs), atol=1e-5)
    found, wanted = (
        jax.jit(jax.grad(lambda *x, f=f: jnp.sin(f(*x)).sum(), argnums=(0, 1, 2)))(*inputs) for f in (ours, plain)
    )
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_dropped_weights_are_as_many_as_asked_for_and_independent():
    keys = jax.random.split(jax.random.key(4))
    drop = WeightDropout(jax.random.bits(keys[0], (50, 40)), jax.random.bits(keys[1], (40,)), jnp.float32(0.2))
    kept = np.asarray(drop.kept(), np.float64)
    assert kept.mean() == pytest.approx(0.8, abs=0.01)
    for axis in (1, 2):
        first, second = np.roll(kept, 1, axis).ravel() - 0.8, kept.ravel() - 0.8
        assert (first * second).mean() == pytest.approx(0, abs=0.005)


def test_rows_by_blocks_are_the_rows_and_their_gradient():
    """Two pieces, a last block that is not whole, rows outside the bounds."""
    rows, bounds = jax.random.normal(jax.random.key(0), (11, 3)), jnp.array([1, 6, 10], jnp.int32)
    shift, weight = jnp.arange(11.0), jnp.array([0.5, -1.0, 2.0])

    def once(weight, rows, given, first):
        own, scale = given
        return jnp.tanh(rows @ weight + own) * scale

    def twice(weight, rows, given, first):
        return 2 * once(weight, rows, given, first)

    def ours(weight, rows):
        return by_blocks((Piece(once, 2), Piece(twice, 3)), bounds, weight, rows, (shift, jnp.float32(1.5)))

    def plain(weight, rows):
        times = jnp.array([0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 0.0])
        return times * once(weight, rows, (shift, jnp.float32(1.5)), 0)

    np.testing.assert_allclose(ours(weight, rows), plain(weight, rows), atol=1e-6)
    found, wanted = (
        jax.grad(lambda *x, f=f: jnp.sin(f(*x)).sum(), argnums=(0, 1))(weight, rows) for f in (ours, plain)
    )
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1])
def test_packing_brings_real_positions_to_the_front(axis):
    real = np.arange(4)[None, :] < np.array([2, 0, 4, 1, 3])[:, None]
    real = real if axis == 1 else real.T
    packed, place = pack(jnp.asarray(real), axis=axis)
    there = np.asarray(packed)[: real.sum()]
    assert sorted(there.tolist()) == np.flatnonzero(real.ravel()).tolist()
    np.testing.assert_array_equal(there[np.asarray(place)[real]], np.flatnonzero(real.ravel()))


def test_the_partition_sums_over_all_items_and_over_none_that_is_not_real():
    keys = jax.random.split(jax.random.key(0), 3)
    hidden, table = 4 * jax.random.normal(keys[0], (5, 4, WIDTH)), jax.random.normal(keys[1], (ITEMS, WIDTH))
    bias, real = jax.random.normal(keys[2], (ITEMS,)), jnp.arange(4)[None, :] < jnp.array([2, 0, 4, 1, 3])[:, None]

    def ours(*parts):
        return log_partition(parts[0], real, *parts[1:], axis=1)

    def plain(*parts):
        return jnp.where(real, jax.nn.logsumexp(parts[0] @ parts[1].T + parts[2][None, None, :], axis=2), 0)

    parts = hidden, table, bias
    np.testing.assert_allclose(ours(*parts), plain(*parts), atol=1e-5)
    found, wanted = (
        jax.jit(jax.grad(lambda *x, f=f: jnp.sin(f(*x)).sum(), argnums=(0, 1, 2)))(*parts) for f in (ours, plain)
    )
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)

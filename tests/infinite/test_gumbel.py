"""Sums of Gumbel-softmax draws: their mean, their limits, and a gradient that makes the noise anew."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recbench_infinite.gumbel import summed_draws

LOGITS = np.random.default_rng(0).normal(size=(3, 7)).astype(np.float32)
KEY = jax.random.key(3)


def naive(logits, key, draws, temperature):
    """All of the noise at once."""
    noise = jnp.stack([jax.random.gumbel(jax.random.fold_in(key, number), logits.shape) for number in range(draws)])
    return jax.nn.softmax((logits[None] + noise) / temperature, axis=2).sum(axis=0)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 10.0])
def test_draws_and_their_gradient_are_those_of_the_formula(temperature):
    np.testing.assert_allclose(
        summed_draws(LOGITS, KEY, 5, temperature), naive(LOGITS, KEY, 5, temperature), rtol=1e-4, atol=1e-6
    )
    weights = np.random.default_rng(1).normal(size=LOGITS.shape).astype(np.float32)
    mine, wanted = (
        jax.grad(lambda logits, made=made: jnp.sum(jnp.square(made(logits, KEY, 5, temperature)) * weights))(LOGITS)
        for made in (summed_draws, naive)
    )
    np.testing.assert_allclose(mine, wanted, rtol=1e-3, atol=1e-5)


def test_towards_zero_a_draw_is_an_item_of_the_softmax():
    """Frequencies of 4,000 draws within four standard errors."""
    drawn = np.asarray(jax.jit(summed_draws, static_argnums=(2, 3))(LOGITS, KEY, 4000, 1e-3)) / 4000
    chance = np.asarray(jax.nn.softmax(LOGITS, axis=1))
    assert (abs(drawn - chance) <= 4 * np.sqrt(chance * (1 - chance) / 4000) + 1e-3).all()


def test_few_draws_that_count_for_many_have_the_same_mean_and_more_noise():
    def rows(draws, times):
        made = jax.jit(jax.vmap(lambda key: summed_draws(LOGITS, key, draws, 1.0) * (40 / draws)))
        return np.asarray(made(jax.random.split(KEY, times)))

    many, few = rows(40, 500), rows(4, 500)
    error = np.sqrt((many.var(axis=0) + few.var(axis=0)) / 500)
    assert (abs(many.mean(axis=0) - few.mean(axis=0)) <= 4 * error).all()
    assert few.var(axis=0).sum() == pytest.approx(10 * many.var(axis=0).sum(), rel=0.2)
    np.testing.assert_allclose(few.sum(axis=2), 40, rtol=1e-4)

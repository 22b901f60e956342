"""A proxy's training errors: each row once an epoch, before the update; against errors that are known."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from recbench import Stage
from recbench.contracts.errors import ParameterError
from recbench.engine.run import training_errors


class StillModule(nnx.Module):
    """Predicts 0.1 x item, plus a level that every step lowers by one as long as it stands above the floor."""

    def __init__(self, shape):
        self.level = nnx.Param(jnp.float32(shape.feedback == "explicit") * 3)

    def loss(self, batch, context):
        return jnp.broadcast_to(self.level[...], batch.users.shape)

    def predict(self, query, rows, items):
        return self.level[...] + 0.1 * items.astype(jnp.float32)


class Still:
    """All rows in one step; a rate of one."""

    def stages(self, feedback, hyper):
        kind = "ratings" if feedback == "explicit" else "pairs"
        return [Stage(lambda shape, **_: StillModule(shape), kind, batch_size=512, optimizer=lambda _: optax.sgd(1.0))]


def test_squared_errors_of_ratings_are_taken_before_the_update(explicit, bench):
    """The level is 3, 2, 1 in the three epochs."""
    toy = bench(explicit, Still)
    train = explicit.split.train
    found = training_errors(explicit, toy.contestant, {}, key_data=np.zeros(2, np.uint32), epochs=3)
    wanted = sum((level + 0.1 * train.item - train.rating) ** 2 for level in (3, 2, 1))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_shares_of_unobserved_items_that_outrank_a_positive(implicit, bench):
    """An item is outranked by those with a higher number, whatever the level: exact shares, up to the draws."""
    toy = bench(implicit, Still)
    split, epochs, negatives = implicit.split, 40, 10
    found = training_errors(implicit, toy.contestant, {}, key_data=np.zeros(2, np.uint32), epochs=epochs,
                            negatives=negatives) / epochs  # fmt: skip
    observed = np.zeros((40, 30), bool)
    observed[split.train.user, split.train.item] = True
    above = np.cumsum(~observed[:, ::-1], axis=1)[:, ::-1] - ~observed
    share = (above / (~observed).sum(1, keepdims=True))[split.train.user, split.train.item]
    spread = np.sqrt(np.maximum(share * (1 - share), 1e-9) / (epochs * negatives))
    deviation = (found - share) / spread
    assert np.abs(deviation).max() < 4.5
    assert np.std(deviation[spread > 0.001]) == pytest.approx(1, abs=0.15)


def test_the_key_decides_the_draws(implicit, bench):
    toy = bench(implicit, Still)
    first, again, other = (
        training_errors(implicit, toy.contestant, {}, key_data=np.array([0, seed], np.uint32), epochs=40, negatives=10)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


class Staged(Still):
    def stages(self, feedback, hyper):
        return super().stages(feedback, hyper) * 2


class Rows(Still):
    def stages(self, feedback, hyper):
        return [Stage(lambda shape, **_: StillModule(shape), "rows")]


@pytest.mark.parametrize("kind", [Staged, Rows])
def test_what_is_no_proxy_is_refused(kind, implicit, bench):
    """Errors belong to single interactions, and to one stage."""
    toy = bench(implicit, kind)
    with pytest.raises(ParameterError, match="was asked to be a proxy"):
        training_errors(implicit, toy.contestant, {}, key_data=np.zeros(2, np.uint32))

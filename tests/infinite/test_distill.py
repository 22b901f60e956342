"""Distill-CF: predictions against the infinite autoencoder, and fake users of planted groups."""

from __future__ import annotations

import jax
import numpy as np
import polars as pl
import pytest
from recbench_infinite.distill import Settings, distil, predictions
from recbench_infinite.kernel import Network

from recbench import draw_sample, evaluate, fit, frame_dataset, make_split
from recbench.contracts.records import Synthesis


@pytest.fixture(scope="module")
def groups():
    """240 users in four groups, each of which likes eight of 32 items of its own and few others."""
    random = np.random.default_rng(0)
    rows = []
    for user in range(240):
        liked = random.permutation(8)[:6] + 8 * (user % 4)
        rows += [(user, int(item)) for item in (*liked, random.integers(32))]
    log = pl.DataFrame(rows, schema=["user", "item"], orient="row").unique(maintain_order=True)
    return make_split(frame_dataset(log, name="groups"), feedback="implicit")


def distilled(split, *, users=8, seed=0, validation=None, **settings):
    return distil(
        split.train,
        split.validation if validation is None else validation,
        users=users,
        settings=Settings(**{"samples": 20, "temperature": 1.0, "batch_users": 64, "steps": 50} | settings),
        rng=np.random.default_rng(seed),
    )


def test_predictions_are_kernel_ridge_regression_in_double_precision():
    random = np.random.default_rng(0)
    fake, real = random.random((5, 12)), (random.random((7, 12)) < 0.4).astype(np.float64)

    def kernel(one, other):
        left, right = (2 * np.square(each).sum(axis=1) / 12 + 0.01 for each in (one, other))
        start, scale = 2 * one @ other.T / 12 + 0.01, np.sqrt(np.outer(left, right))
        angle = np.arccos(np.clip(start / scale, -1, 1))
        first = scale * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi + 0.01
        return first + (np.pi - angle) / np.pi * start

    own = kernel(fake, fake)
    wanted = kernel(real, fake) @ np.linalg.solve(own + 0.7 * np.trace(own) / 5 * np.eye(5), fake)
    found = jax.jit(predictions, static_argnums=3)(fake, real, 0.7, Network())
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_learned_fake_users_are_better_than_those_it_began_with(groups):
    start, end = distilled(groups, steps=0), distilled(groups)
    assert end.step > 0 and end.validation > start.validation
    assert end.rows.shape == (8, 32) and end.rows.dtype == np.float32
    assert end.rows.min() >= 0 and end.rows.max() <= 1


def test_a_seed_gives_the_same_fake_users_and_another_one_others(groups):
    first, again, other = (distilled(groups, seed=seed, steps=5) for seed in (0, 0, 1))
    assert np.array_equal(first.rows, again.rows) and (first.ridge, first.step) == (again.ridge, again.step)
    assert not np.array_equal(first.rows, other.rows)


def test_without_validation_the_last_step_is_taken(groups):
    none = groups.validation.take(np.zeros(0, np.int64))
    made = distilled(groups, steps=30, validation=none)
    assert made.step == 30 and np.isnan(made.validation) and made.rows.any()


def test_heavier_rows_cost_more_where_length_counts(groups):
    light, heavy = (distilled(groups, steps=60, cardinality=weight).rows.sum() for weight in (10.0, 0.0))
    assert light < heavy


def test_it_stops_when_validation_no_longer_gains(groups):
    steps = []
    distil(
        groups.train,
        groups.validation,
        users=4,
        settings=Settings(samples=20, temperature=1.0, batch_users=64, steps=200, learning_rate=1e-9, patience=30),
        rng=np.random.default_rng(0),
        report=lambda step, loss, best: steps.append((step, loss, best)),
    )
    assert 30 <= len(steps) < 200 and [step for step, _, _ in steps] == list(range(1, len(steps) + 1))


def test_through_the_registry_it_is_a_synthesiser_that_algorithms_train_on(groups):
    label = "distill-cf[samples=20,steps=50,temperature=1.0]"
    made = draw_sample(label, groups, "12users")
    assert isinstance(made, Synthesis) and made.rows.shape == (12, 32) and made.sampler == label
    assert np.array_equal(made.rows, draw_sample(label, groups, "5%users").rows), "5 % of 240 users"
    random = draw_sample("random[unit=user]", groups, "12users")
    for algorithm, hyper in (("infinite-ae", {"l2": 0.1}), ("ease", {"l2": 1.0})):
        fake, real = (
            evaluate(fit(algorithm, groups, sample=sample, hyper=hyper), metrics=["ndcg@10"])["ndcg@10"]
            for sample in (made, random)
        )
        assert fake > 0.9 * real, algorithm

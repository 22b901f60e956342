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


def distilled(split, *, users=8, seed=0, validation=None, report=None, checkpoint=None, **settings):
    return distil(
        split.train,
        split.validation if validation is None else validation,
        users=users,
        settings=Settings(**{"samples": 20, "temperature": 1.0, "batch_users": 64, "steps": 50} | settings),
        rng=np.random.default_rng(seed),
        report=report,
        checkpoint=checkpoint,
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
        report=lambda done, total, text: steps.append((done, total)),
    )
    assert 30 <= len(steps) < 200 and steps == [(step, 200) for step in range(1, len(steps) + 1)]


@pytest.mark.parametrize("killed_at", [3, 17, 31])
def test_a_killed_distillation_goes_on_to_the_same_fake_users(groups, tmp_path, killed_at):
    file = tmp_path / "state"
    whole = distilled(groups, steps=40)

    def kill(done, total, text):
        if done == killed_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        distilled(groups, steps=40, report=kill, checkpoint=file)
    made = []
    again = distilled(groups, steps=40, report=lambda done, total, text: made.append(done), checkpoint=file)
    assert made == list(range(killed_at // 10 * 10 + 1, 41)), "the steps that were kept are not made anew"
    assert np.array_equal(again.rows, whole.rows) and (again.ridge, again.step) == (whole.ridge, whole.step)


@pytest.mark.parametrize("other", [{"seed": 1}, {"users": 9}, {"draws": 4}])
def test_a_checkpoint_of_other_work_is_not_gone_on_from(groups, tmp_path, other):
    file = tmp_path / "state"
    distilled(groups, steps=10, checkpoint=file)
    made = []
    distilled(groups, report=lambda done, total, text: made.append(done), checkpoint=file, **{"steps": 12} | other)
    assert made[0] == 1 and file.exists()
    file.write_bytes(b"foreign")
    distilled(groups, steps=10, checkpoint=file)


def test_few_validation_users_may_choose(groups):
    few, all_of_them = (distilled(groups, steps=0, validation_users=most) for most in (5, 1000))
    assert np.array_equal(few.rows, all_of_them.rows) and few.validation != all_of_them.validation


def test_through_the_registry_it_is_a_synthesiser_that_algorithms_train_on(groups):
    label = "distill-cf[samples=20,steps=50,temperature=1.0]"
    made = draw_sample(label, groups, "12users")
    assert isinstance(made, Synthesis) and made.rows.shape == (12, 32) and made.sampler == label
    assert made.facts["step"] > 0 and 0 < made.facts["validation ndcg@10"] <= 1 and made.facts["l2"] > 0
    assert np.array_equal(made.rows, draw_sample(label, groups, "5%users").rows), "5 % of 240 users"
    random = draw_sample("random[unit=user]", groups, "12users")
    for algorithm, hyper in (("infinite-ae", {"l2": 0.1}), ("ease", {"l2": 1.0})):
        fake, real = (
            evaluate(fit(algorithm, groups, sample=sample, hyper=hyper), metrics=["ndcg@10"])["ndcg@10"]
            for sample in (made, random)
        )
        assert fake > 0.9 * real, algorithm


def test_rows_are_not_full_where_items_are_few(groups):
    made = distilled(groups, samples=200, temperature=10.0, steps=0)
    assert made.rows.mean() < 0.3, "8 draws of 32 items, although 200 are asked for"


def test_beyond_4000_items_samples_and_steps_grow_with_them():
    log = pl.DataFrame({"user": np.repeat(np.arange(100), 80), "item": np.arange(8000)})
    split = make_split(frame_dataset(log, name="many items"), feedback="implicit")
    asked = {"draws": 2, "steps": 1, "temperature": 10.0}
    made = distilled(split, samples=200, learning_rate=0.04, **asked)
    same = distilled(split, samples=400, learning_rate=0.08, scaled=False, **asked)
    published = distilled(split, samples=200, learning_rate=0.04, scaled=False, **asked)
    assert np.array_equal(made.rows, same.rows) and made.rows.sum() == pytest.approx(2 * published.rows.sum(), rel=1e-3)


def test_up_to_4000_items_they_are_as_published(groups):
    made, published = (distilled(groups, steps=3, scaled=scaled) for scaled in (True, False))
    assert np.array_equal(made.rows, published.rows)

"""The infinite autoencoder through the public interface, against NumPy in double precision."""

from __future__ import annotations

import jax
import numpy as np
import polars as pl
import pytest

from recbench import evaluate, load_dataset, make_split
from recbench.contracts.records import Budget, Sample, Synthesis
from recbench.data.frames import frame_dataset


def tangent(left, right, depth=1):
    """The kernel of METHODS, float64."""
    items = left.shape[1]
    sides = [2 * np.square(rows).sum(axis=1) / items + 0.01 for rows in (left, right)]
    covariance = 2 * left @ right.T / items + 0.01
    found = covariance
    for _ in range(depth):
        scale = np.sqrt(np.outer(*sides))
        angle = np.arccos(np.clip(covariance / scale, -1, 1))
        covariance = scale * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi + 0.01
        found = covariance + (np.pi - angle) / np.pi * found
        sides = [side + 0.01 for side in sides]
    return found


def wanted(train, history, l2, depth=1):
    there = train.any(axis=1)
    kernel = tangent(train[there], train[there], depth)
    ridge = l2 * np.trace(kernel) / len(kernel)
    weights = np.linalg.solve(kernel + ridge * np.eye(len(kernel)), train[there])
    return tangent(history, train[there], depth) @ weights


@pytest.mark.parametrize(("l2", "depth"), [(0.5, 1), (5.0, 1), (100.0, 1), (5.0, 3)])
def test_scores_are_those_of_kernel_ridge_regression(l2, depth, implicit, fitted, scores, dense):
    train, history, _ = dense(implicit)
    found = scores(fitted("infinite-ae", implicit, hyper={"l2": l2, "depth": depth}))
    np.testing.assert_allclose(found, wanted(train, history, l2, depth), atol=2e-5)


def test_a_train_row_is_scored_as_any_other_history(implicit, fitted, scores, dense):
    """Without validation rows histories are the train rows: their scores need no kernel, and are the same."""
    train, history, _ = dense(implicit)
    empty = implicit.validation.take(np.zeros(0, np.int64))
    alone = type(implicit)(**{name: getattr(implicit, name) for name in implicit.__slots__} | {"validation": empty,
                              "validation_position": np.zeros(0, np.int64)})  # fmt: skip
    found = scores(fitted("infinite-ae", alone, hyper={"l2": 5.0}))
    np.testing.assert_allclose(found, wanted(train, train, 5.0), atol=2e-5)
    assert np.abs(wanted(train, train, 5.0) - wanted(train, history, 5.0)).max() > 1e-3


def test_users_without_a_row_are_not_in_the_kernel(implicit, fitted, scores, dense):
    kept = np.flatnonzero(implicit.train.user % 3 > 0)
    train, history, _ = dense(implicit)
    train[np.arange(60) % 3 == 0] = 0
    history -= dense(implicit)[0] - train  # histories are of the sample
    one = fitted("infinite-ae", implicit, hyper={"l2": 5.0}, sample=Sample(kept, "test", Budget(0.6), 0))
    np.testing.assert_allclose(scores(one), wanted(train, history, 5.0), atol=2e-5)
    few = fitted("infinite-ae", implicit, hyper={"l2": 5.0, "users": 40}, sample=Sample(kept, "test", Budget(0.6), 0))
    np.testing.assert_allclose(scores(few), scores(one), atol=2e-5, err_msg="all 40 that have rows are drawn")


def test_a_kernel_of_few_of_many_users_is_as_if_they_were_alone(fitted, scores, dense):
    rng = np.random.default_rng(0)
    log = pl.DataFrame({"user": rng.integers(0, 700, 9000), "item": rng.integers(0, 30, 9000)})
    log = log.unique(maintain_order=True)
    split = make_split(frame_dataset(log, name="many"), feedback="implicit")
    train, history, _ = dense(split)
    away = np.arange(len(train)) % 7 != 3
    train[away] = 0
    history -= dense(split)[0] - train
    kept = np.flatnonzero(split.train.user % 7 == 3)
    few = fitted("infinite-ae", split, hyper={"l2": 5.0}, sample=Sample(kept, "test", Budget(0.1), 0))
    np.testing.assert_allclose(scores(few), wanted(train, history, 5.0), atol=2e-5)


def test_a_kernel_of_some_users_is_that_of_a_sample_of_them(implicit, fitted, scores, dense):
    train, history, _ = dense(implicit)
    first, other = (
        scores(fitted("infinite-ae", implicit, hyper={"l2": 5.0, "users": 20, "users_seed": seed})) for seed in (0, 1)
    )
    assert np.abs(first - other).max() > 1e-3
    assert np.linalg.matrix_rank(first, tol=1e-4) <= 20
    assert abs(np.corrcoef(first.ravel(), wanted(train, history, 5.0).ravel())[0, 1]) > 0.8


def test_inducing_users_fit_the_rows_of_all(implicit, fitted, scores, dense):
    """The subset of regressors in double precision, and its limit: all users as the basis give the exact scores."""
    train, history, _ = dense(implicit)
    hyper = {"l2": 5.0, "inducing": True}
    found = scores(fitted("infinite-ae", implicit, hyper=hyper | {"users": len(train)}))
    np.testing.assert_allclose(found, wanted(train, history, 5.0), atol=2e-4)
    some = fitted("infinite-ae", implicit, hyper=hyper | {"users": 20})
    chosen = np.asarray(jax.tree.leaves(some.engine.states)[0]).reshape(20, -1).astype(np.float64)
    between, own = tangent(train, chosen), tangent(chosen, chosen)
    ridge = 5.0 * np.mean([tangent(row[None], row[None])[0, 0] for row in train])
    weights = np.linalg.solve(between.T @ between + ridge * own, between.T @ train)
    np.testing.assert_allclose(scores(some), tangent(history, chosen) @ weights, atol=5e-4)
    alone = fitted("infinite-ae", implicit, hyper={"l2": 5.0, "users": 20})
    exact = wanted(train, history, 5.0)
    error, without = (np.abs(scores(each) - exact).mean() for each in (some, alone))
    assert error < without / 2, "the rows of all users say more than those of the chosen"


def test_inducing_users_may_have_the_same_row(fitted, scores):
    rows = [(user, item) for user in range(12) for item in (0, 1, 2, 3 + user % 2)]
    log = pl.DataFrame(rows, schema=["user", "item"], orient="row")
    split = make_split(frame_dataset(log, name="twins"), feedback="implicit")
    found = scores(fitted("infinite-ae", split, hyper={"l2": 1.0, "users": 6, "inducing": True}))
    assert np.isfinite(found).all()


def test_fake_users_are_rows_of_weights(implicit, fitted, scores, dense):
    _, history, _ = dense(implicit)
    rows = np.random.default_rng(0).random((15, 25)).astype(np.float32)
    fake = Synthesis(rows=rows, sampler="test", budget=Budget(15, "users"), seed=0)
    found = scores(fitted("infinite-ae", implicit, hyper={"l2": 1.0}, sample=fake))
    np.testing.assert_allclose(found, wanted(rows.astype(np.float64), history, 1.0), atol=2e-5)


def test_repeated_pairs_may_count(fitted, scores):
    """The given split keeps them: in a user's row such a pair is 1, or 2 where asked for."""
    pairs = [(0, 0, "train"), (0, 1, "train"), (1, 1, "train"), (1, 2, "train"), (2, 0, "train"), (2, 2, "train"),
             (2, 3, "train"), (2, 2, "train"), (0, 0, "validation"), (0, 3, "test"), (1, 0, "test")]  # fmt: skip
    log = pl.DataFrame(pairs, schema=["user", "item", "split"], orient="row")
    split = make_split(frame_dataset(log, name="repeats"), feedback="implicit", protocol="given")
    counts = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 2, 1]])
    histories = counts + np.array([[1, 0, 0, 0], [0] * 4, [0] * 4])
    for repeats, most in (("once", 1), ("counted", 2)):
        found = scores(fitted("infinite-ae", split, hyper={"l2": 1.0, "repeats": repeats}))
        train, history = (np.minimum(each, most).astype(np.float64) for each in (counts, histories))
        np.testing.assert_allclose(found, wanted(train, history, 1.0), atol=2e-5)


@pytest.mark.slow
def test_movielens_1m_is_as_the_authors_code_has_it(real_data, fitted):
    """The given split, ridge 5: measured with the authors' code, in percent."""
    split = make_split(
        load_dataset(str(real_data / "ml-1m" / "ratings.parquet")), feedback="implicit", protocol="given"
    )
    found = evaluate(fitted("infinite-ae", split, hyper={"l2": 5.0}), metrics=["ndcg@10", "hr@10", "hr@100"])
    assert {name: 100 * value for name, value in found.items()} == {
        "ndcg@10": pytest.approx(33.394, abs=0.01),
        "hr@10": pytest.approx(31.906, abs=0.01),
        "hr@100": pytest.approx(60.914, abs=0.01),
    }

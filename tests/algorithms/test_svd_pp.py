"""SVD++ against its formula in NumPy, rating by rating."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from flax import nnx
from recbench_algorithms.svd_pp import ImpliedModule

from recbench import ModelShape, Query, RatingsBatch, StepContext, evaluate, make_split
from recbench.data.frames import frame_dataset

TABLES = ("user_bias", "item_bias", "user_factors", "item_factors", "implied")
"""Of 60 users and 25 items, those of the fixture ``explicit``."""

MEAN, L2 = 3.5, 0.3


@pytest.fixture(scope="module")
def module() -> ImpliedModule:
    random = np.random.default_rng(0)
    shape = ModelShape(60, 25, "explicit", jnp.float32(MEAN))
    graphdef, state = nnx.split(ImpliedModule(shape, latent=3, key=jax.random.key(0)))
    for name in TABLES:
        state[name][...] = jnp.asarray(random.normal(0, 0.5, state[name][...].shape), jnp.float32)
    return nnx.merge(graphdef, state)


@pytest.fixture(scope="module")
def tables(module) -> dict[str, np.ndarray]:
    return {name: np.asarray(getattr(module, name)[...], np.float64) for name in TABLES}


@pytest.fixture(scope="module")
def context(explicit, fitted) -> StepContext:
    """What a step on all train rows is given."""
    one = fitted("svd-pp", explicit, epochs=1)
    replica = jax.tree.map(lambda leaf: leaf[0], one.engine.replicas)
    matrix = replica.matrix(one.data.arrays)
    return StepContext({"l2": jnp.float32(L2)}, jax.random.key(0), matrix, jnp.int32(0), jnp.int32(1))


def predicted(tables, user, item, rated):
    """One rating; ``rated`` are the items of N(u), ``user`` None for one that is not known."""
    factors = sum((tables["implied"][j] for j in rated), np.zeros(3)) / np.sqrt(max(len(rated), 1))
    bias = MEAN + tables["item_bias"][item]
    if user is not None:
        factors, bias = factors + tables["user_factors"][user], bias + tables["user_bias"][user]
    return bias + factors @ tables["item_factors"][item]


def losses(tables, split, rows):
    """Loss of each train row."""
    train, found = split.train, []
    for user, item, rating in zip(train.user[rows], train.item[rows], train.rating[rows], strict=True):
        rated = train.item[train.user == user]
        parts = [tables["user_bias"][user], tables["item_bias"][item], tables["user_factors"][user],
                 tables["item_factors"][item], tables["implied"][rated]]  # fmt: skip
        found.append((predicted(tables, user, item, rated) - rating) ** 2 + L2 * sum((p**2).sum() for p in parts))
    return np.array(found)


def batch_of(split, rows):
    train = split.train.take(rows)
    return RatingsBatch(*map(jnp.asarray, (train.user, train.item, train.rating)), jnp.ones(len(rows), bool))


def test_loss_is_the_squared_error_and_an_l2_of_all_that_predicts(module, context, explicit, tables):
    rows = np.array([0, 17, 18, 200, 333])
    np.testing.assert_allclose(
        module.loss(batch_of(explicit, rows), context), losses(tables, explicit, rows), rtol=1e-5
    )


def test_gradient_reaches_every_item_that_the_user_rated(module, context, explicit, tables):
    row, step = np.array([100]), 1e-5
    gradient = jax.grad(lambda module: module.loss(batch_of(explicit, row), context).sum())(module)
    rated = explicit.train.item[explicit.train.user == explicit.train.user[100]]
    found = np.asarray(gradient.implied[...])
    assert set(np.flatnonzero(found.any(axis=1))) == set(rated)
    for item in rated:
        moved = {name: table.copy() for name, table in tables.items()}
        moved["implied"][item, 1] += step
        slope = (losses(moved, explicit, row) - losses(tables, explicit, row))[0] / step
        assert found[item, 1] == pytest.approx(slope, rel=1e-3, abs=1e-3)


def test_scores_are_predictions_from_the_history_also_of_unknown_users(module, tables):
    users, histories = [4, None, 9], [[3, 8], [1, 2, 24], []]
    items = np.array([[*history, *[0] * (3 - len(history))] for history in histories], np.int32)
    real = np.array([[place < len(history) for place in range(3)] for history in histories])
    number = jnp.array([-1 if user is None else user for user in users], jnp.int32)
    query = Query(number, jnp.asarray(items), jnp.asarray(real, jnp.float32), jnp.asarray(real), 25)
    wanted = [[predicted(tables, *pair) for pair in ((user, item, history) for item in range(25))]
              for user, history in zip(users, histories, strict=True)]  # fmt: skip
    np.testing.assert_allclose(module.score(query), wanted, rtol=1e-4)
    rows, asked = jnp.array([1, 0, 1], jnp.int32), jnp.array([5, 6, 24], jnp.int32)
    np.testing.assert_allclose(module.predict(query, rows, asked), np.array(wanted)[rows, asked], rtol=1e-4)


def test_what_a_user_rated_tells_what_she_likes(fitted):
    """Two kinds of users and items; all rate mostly their own kind, and that with 5: noise has variance 0.04."""
    random = np.random.default_rng(1)
    chance = np.where(np.arange(120)[:, None] % 2 == np.arange(40)[None, :] % 2, 0.9, 0.1) / 20
    item = np.concatenate([random.choice(40, 10, replace=False, p=row) for row in chance])
    user = np.repeat(np.arange(120), 10)
    rating = np.where(user % 2 == item % 2, 5, 1) + random.normal(0, 0.2, len(user))
    log = pl.DataFrame({"user": user, "item": item, "rating": rating})
    split = make_split(frame_dataset(log, name="tastes"), feedback="explicit")
    error = {name: evaluate(fitted(name, split, hyper=hyper), metrics=["mse"])["mse"]
             for name, hyper in {"user-mean": {}, "item-mean": {}, "svd-pp": {
                 "latent": 4, "batch_size": 128, "learning_rate": 0.02, "l2": 0.01}}.items()}  # fmt: skip
    assert error["svd-pp"] < 0.3 < min(error["user-mean"], error["item-mean"])

"""Fits built-in algorithms through the public interface, and shows the scores behind the metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import polars as pl
import pytest

from recbench.bench.session import FittedAlgorithm, fit
from recbench.contracts.records import Split
from recbench.data.frames import frame_dataset
from recbench.data.split import make_split
from recbench.engine.contest import history_need
from recbench.engine.evaluate import View, run_histories
from recbench.engine.score import make_query
from recbench.registry import Registry


@pytest.fixture(scope="session")
def fitted() -> Callable[..., FittedAlgorithm]:
    """``fitted(label, split, ...)``: :func:`recbench.fit` with the built-in plugins alone."""
    registry = Registry()
    return lambda label, split, **options: fit(label, split, registry=registry, **options)


@pytest.fixture(scope="session")
def random_log() -> pl.DataFrame:
    """60 users with 5 to 12 of 25 items, some more popular, rated from 1 to 5."""
    random = np.random.default_rng(0)
    chance = 1 / np.arange(4, 29)
    histories = [random.choice(25, size, replace=False, p=chance / chance.sum()) for size in random.integers(5, 13, 60)]
    user = np.repeat(np.arange(60), list(map(len, histories)))
    ratings = random.integers(1, 6, len(user))
    return pl.DataFrame({"user": user, "item": np.concatenate(histories), "rating": ratings})


@pytest.fixture(scope="session")
def implicit(random_log) -> Split:
    return make_split(frame_dataset(random_log, name="random"), feedback="implicit")


@pytest.fixture(scope="session")
def explicit(random_log) -> Split:
    return make_split(frame_dataset(random_log, name="random"), feedback="explicit")


@pytest.fixture(scope="session")
def checkerboard() -> Split:
    """Users like items of their own parity. The diagonal is the test, two items further on is for validation."""
    pairs = [(user, item) for user in range(20) for item in range(20) if (user - item) % 2 == 0]
    part = {0: "test", 2: "validation"}
    log = pl.DataFrame(
        {
            "user": [user for user, _ in pairs],
            "item": [item for _, item in pairs],
            "split": [part.get((item - user) % 20, "train") for user, item in pairs],
        }
    )
    return make_split(frame_dataset(log, name="checkerboard"), feedback="implicit", protocol="given")


def matrices(split: Split) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Train rows, and histories at test time (with the validation rows): float64 [users, items], 0 where empty;
    whether a history has the item.
    """
    train, history = np.zeros((split.num_users, split.num_items)), np.zeros((split.num_users, split.num_items))
    known = np.zeros(history.shape, bool)
    for part, targets in ((split.train, (train, history)), (split.validation, (history,))):
        values = part.rating if split.feedback == "explicit" else 1
        for target in targets:
            target[part.user, part.item] = values
        known[part.user, part.item] = True
    return train, history, known


@pytest.fixture(scope="session")
def dense() -> Callable[[Split], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return matrices


@pytest.fixture(scope="session")
def scores() -> Callable[[FittedAlgorithm], np.ndarray]:
    """What a fitted algorithm gives every pair at test time, [users, items]: scores, or predicted ratings."""

    def look(one: FittedAlgorithm) -> np.ndarray:
        data, engine = one.data, one.engine
        need = history_need(engine.contestant, engine.runs[0])
        replica, state = (jax.tree.map(lambda leaf: leaf[0], tree) for tree in (engine.replicas, engine.states))
        histories, axis = run_histories(data, "test", [one.sample], view=View(), need=need)
        if axis == 0:
            histories = type(histories)(histories.values[0], histories.starts[0], histories.width)
        users, items = data.split.num_users, data.split.num_items

        @jax.jit
        def show(replica: Any, state: Any) -> Any:
            scorer = engine.programs.scorer(data.arrays, replica, state)
            query = make_query(np.arange(users, dtype=np.int32), jax.device_put(histories), data=data.arrays)
            if data.feedback != "explicit":
                return scorer.score(query)
            row, item = np.divmod(np.arange(users * items, dtype=np.int32), items)
            return scorer.predict(query, row, item).reshape(users, items)

        return np.asarray(show(replica, state), np.float64)

    return look

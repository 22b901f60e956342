"""The Markov chain against counting in plain loops."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from recbench import make_split
from recbench.data.frames import frame_dataset


@pytest.fixture(scope="module")
def sequential():
    """40 walks of 6 to 15 steps over 12 items, with repeats."""
    random = np.random.default_rng(0)
    lengths = random.integers(6, 16, 40)
    items = [(random.integers(12) + random.integers(0, 4, length).cumsum()) % 12 for length in lengths]
    log = pl.DataFrame({"user": np.repeat(np.arange(40), lengths), "item": np.concatenate(items)})
    return make_split(frame_dataset(log, name="walks"), feedback="sequential")


def walks(*parts):
    """The items of every user, oldest first."""
    return [np.concatenate([part.item[part.user == user] for part in parts]) for user in range(40)]


@pytest.mark.parametrize(
    ("window", "length", "alpha", "beta"), [(1, 1, 1.0, 0.0), (3, 4, 0.5, 0.5), (40, 40, 1.0, 0.3)]
)
def test_what_follows_is_counted(window, length, alpha, beta, sequential, fitted, scores):
    train = walks(sequential.train)
    counts = np.bincount(np.concatenate(train), minlength=12)
    follows = np.zeros((12, 12))
    for walk in train:
        for place, item in enumerate(walk):
            for distance, after in enumerate(walk[place + 1 : place + 1 + window], start=1):
                follows[item, after] += 1 / distance
    follows /= np.maximum(counts, 1)[:, None] ** alpha * np.maximum(counts, 1) ** beta
    wanted = [
        sum(follows[item] / back for back, item in enumerate(walk[::-1][:length], start=1))
        for walk in walks(sequential.train, sequential.validation)
    ]
    hyper = {"window": window, "length": length, "alpha": alpha, "beta": beta}
    np.testing.assert_allclose(scores(fitted("markov", sequential, hyper=hyper)), np.stack(wanted), rtol=1e-4)

"""What a log looks like: finite, the same under other names, and what it says it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recbench_genie.features import MOST_ROWS, features, names, of_some_users, vector

from recbench import Interactions, load_dataset


def log_of(user, item, rating=None, timestamp=None):
    user, item = (np.asarray(ids, np.int32) for ids in (user, item))
    order = np.argsort(user, kind="stable")
    rating = np.ones(len(user), np.float32) if rating is None else np.asarray(rating, np.float32)
    times = None if timestamp is None else np.asarray(timestamp, np.int64)[order]
    counts = int(user.max(initial=-1)) + 1, int(item.max(initial=-1)) + 1
    return Interactions(user[order], item[order], rating[order], times, *counts)


def renamed(log, seed):
    rng = np.random.default_rng(seed)
    users, items = (rng.permutation(count).astype(np.int32) for count in (log.num_users, log.num_items))
    order = np.argsort(users[log.user], kind="stable")
    times = None if log.timestamp is None else log.timestamp[order]
    return Interactions(
        users[log.user][order], items[log.item][order], log.rating[order], times, log.num_users, log.num_items
    )


@pytest.fixture
def small(registry):
    return load_dataset("synthetic[users=150,items=80,rows=3000]", registry=registry).interactions


@pytest.mark.parametrize("seed", [0, 1])
def test_names_of_users_and_items_change_nothing(small, seed):
    np.testing.assert_allclose(vector(features(renamed(small, seed))), vector(features(small)), atol=2e-3)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.data())
def test_features_of_any_log_are_finite(data):
    rows = data.draw(st.integers(0, 40))
    user, item = (data.draw(st.lists(st.integers(0, 12), min_size=rows, max_size=rows)) for _ in range(2))
    rating = data.draw(st.lists(st.integers(1, 3), min_size=rows, max_size=rows))
    times = data.draw(st.none() | st.lists(st.integers(0, 9), min_size=rows, max_size=rows))
    found = features(log_of(user, item, rating, times))
    assert tuple(found) == names()
    assert np.isfinite(vector(found)).all()


def test_counts_and_shapes_are_what_they_are_called():
    found = features(log_of([0, 0, 0, 0, 1, 2, 3, 3], [0, 1, 2, 3, 0, 0, 4, 5]))
    assert 10 ** found["log rows"] == pytest.approx(8)
    assert 10 ** found["log users"] == pytest.approx(4)
    assert 10 ** found["log density"] == pytest.approx(8 / 24)
    assert found["user singles"] == 0.5
    assert 10 ** found["components"] == pytest.approx(2)
    assert found["largest component"] == pytest.approx(7 / 10)
    assert 10 ** (found["user degree 100%"] + found["log mean user degree"]) == pytest.approx(4)


def test_hops_of_a_star_reach_all_in_two():
    found = features(log_of(np.zeros(30), np.arange(30)))
    assert found["within 2 hops"] == 1
    assert found["within 1 hops"] == pytest.approx((31 / 31 + 30 * 2 / 31) / 31)


def test_singular_values_are_those_of_the_scaled_matrix(small):
    matrix = np.zeros((small.num_users, small.num_items))
    matrix[small.user, small.item] = 1
    scaled = matrix / np.sqrt(matrix.sum(1, keepdims=True) * matrix.sum(0))
    wanted = np.linalg.svd(scaled, compute_uv=False)
    found = features(small)
    assert wanted[0] == pytest.approx(1)
    np.testing.assert_allclose([found[f"singular value {place}"] for place in (2, 3, 9)], wanted[[1, 2, 8]], atol=1e-3)


def test_equal_degrees_have_no_inequality_and_one_for_all_has():
    even = features(log_of(np.repeat(np.arange(20), 4), np.tile(np.arange(4), 20)))
    assert even["user gini"] == pytest.approx(0)
    assert even["item entropy"] == pytest.approx(1)
    steep = features(log_of(np.arange(400) % 20, np.where(np.arange(400) < 20, np.arange(400), 20)))
    assert steep["item gini"] > 0.8


def test_popularity_that_moves_is_seen():
    user, time = np.repeat(np.arange(50), 10), np.tile(np.arange(10), 50)
    still = features(log_of(user, np.tile(np.arange(10), 50), timestamp=time))
    moving = features(log_of(user, np.where(time < 5, 0, 1), timestamp=time))
    assert still["has times"] == moving["has times"] == 1
    assert moving["popularity moved"] == pytest.approx(1)
    assert features(log_of(user, user % 7))["has times"] == 0


def test_a_large_log_is_looked_at_through_some_users_and_hardly_changes(small):
    some = of_some_users(small, 800)
    assert 600 <= len(some) <= 1000
    assert np.array_equal(np.bincount(small.user)[np.unique(some.user)], np.bincount(some.user)[np.unique(some.user)])
    assert of_some_users(small, MOST_ROWS) is small


def test_a_copy_of_a_log_looks_alike(small):
    again = replace(small, rating=small.rating.copy())
    assert features(again) == features(small)

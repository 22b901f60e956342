"""Synthetic logs: of the promised size, the same every time, and with the planted truth in them."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recbench_datasets import synthetic
from recbench_datasets.config import MEDIUM, SMALL, TINY, SyntheticConfig, SyntheticError
from recbench_datasets.synthetic import generate, history_lengths

from recbench import RecbenchError, load_dataset, make_split

PLAIN = SyntheticConfig(name="plain", users=300, items=80, rows=6_000, mnar=0, drift=0, noise=0)


@pytest.mark.parametrize("config", [TINY, SMALL, MEDIUM], ids=lambda config: config.name)
def test_named_logs_have_the_size_that_their_spec_states(config, registry):
    spec = registry.get("datasets", config.name).spec
    dataset = load_dataset(config.name, registry=registry)
    log = dataset.interactions
    assert (log.num_users, log.num_items, len(log)) == (spec.users, spec.items, spec.rows)
    assert len(np.unique(log.user * np.int64(log.num_items) + log.item)) == len(log)
    assert set(np.unique(log.rating)) == {1, 2, 3, 4, 5}
    assert dataset.tied_times == 0
    assert (np.diff(log.timestamp)[np.diff(log.user) == 0] > 0).all()


def test_the_same_parameters_give_the_same_log_whatever_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(synthetic, "BLOCK", 20 * TINY.items)  # ten blocks
    first = generate(TINY)[0].checksum
    monkeypatch.setattr(synthetic.os, "cpu_count", lambda: 1)
    assert generate(TINY)[0].checksum == first
    assert generate(replace(TINY, seed=1))[0].checksum != first


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.integers(1, 300), st.integers(2, 200), st.floats(0, 1), st.floats(0, 3), st.integers(1, 6))
def test_history_lengths_keep_their_bounds_and_their_sum(users, items, fullness, spread, shortest):
    longest = max(1, 4 * items // 5)
    shortest = min(shortest, longest)
    rows = round(users * (shortest + fullness * (longest - shortest)))
    config = SyntheticConfig(name="any", users=users, items=items, rows=rows, length_spread=spread, min_length=shortest)
    length = history_lengths(config, np.random.default_rng(0))
    assert length.sum() == rows
    assert shortest <= length.min() <= length.max() <= longest


@pytest.mark.parametrize("exponent", [0, 0.8, 1.2])
def test_popularity_exponent_comes_back(exponent):
    config = replace(PLAIN, users=30_000, items=200, rows=60_000, min_length=2, length_spread=0, popularity=exponent)
    dataset, truth = generate(config)
    count = np.bincount(dataset.item_ids[dataset.interactions.item], minlength=200)
    rank = np.argsort(np.argsort(-truth.popularity)) + 1
    head = rank <= 100  # the tail is too thin to fit a line to
    if exponent == 0:
        assert ((count - 300) ** 2 / 300).sum() < 267  # 99.9 % point of chi-square with 199 degrees of freedom
    else:
        slope = np.polyfit(np.log(rank[head]), np.log(count[head]), 1)[0]
        assert slope == pytest.approx(-exponent, abs=0.08)


def test_exposure_is_the_planted_choice_model():
    """Who sees one item sees i with probability p_i exp(mnar x affinity) / sum: summed over users, and its taste."""
    config = replace(PLAIN, users=20_000, items=40, rows=20_000, min_length=1, length_spread=0, mnar=1.5)
    dataset, truth = generate(config)
    affinity = truth.affinity(np.arange(config.users)[:, None], np.arange(config.items))
    chance = truth.popularity * np.exp(config.mnar * affinity)
    chance /= chance.sum(axis=1, keepdims=True)
    expected = chance.sum(axis=0)
    item = dataset.item_ids[dataset.interactions.item]
    found = np.bincount(item, minlength=config.items)
    assert ((found - expected) ** 2 / expected).sum() < 72.1  # 99.9 % point, 39 degrees of freedom
    seen = affinity[np.arange(config.users), item].mean()
    assert seen == pytest.approx((chance * affinity).sum(axis=1).mean(), abs=0.03)


def test_what_is_seen_is_liked_more_the_stronger_the_selection():
    lift = []
    for mnar in (0, 1, 3):
        dataset, truth = generate(replace(PLAIN, users=1000, items=300, rows=20_000, mnar=mnar))
        log = dataset.interactions
        seen = truth.rating(log.user, dataset.item_ids[log.item]).mean()
        anyone = truth.rating(np.arange(1000)[:, None], np.arange(300)) @ truth.popularity
        lift.append(seen - anyone.mean())
    assert abs(lift[0]) < 0.05
    assert lift[0] + 0.3 < lift[1] < lift[2] - 0.3


def test_ratings_are_the_planted_ones_rounded_where_there_is_no_noise():
    dataset, truth = generate(PLAIN)
    log = dataset.interactions
    expected = np.clip(np.rint(truth.rating(log.user, dataset.item_ids[log.item])), 1, 5)
    assert (log.rating == expected).all()
    noisy = generate(replace(PLAIN, noise=1.0))[0].interactions
    assert 0.7 < np.std(noisy.rating - truth.rating(noisy.user, dataset.item_ids[noisy.item])) < 1.1


@pytest.mark.parametrize(("drift", "low", "high"), [(0, -0.03, 0.03), (1, 0.2, 1)])
def test_drift_brings_items_in_with_time(drift, low, high):
    dataset, truth = generate(replace(PLAIN, users=1000, rows=20_000, drift=drift))
    log = dataset.interactions
    trend = truth.item_trend[dataset.item_ids[log.item]]
    assert low < np.corrcoef(trend, log.timestamp)[0, 1] < high


def test_clustered_tastes_lie_near_few_centres():
    smooth, clustered = (
        np.linalg.svd(generate(replace(PLAIN, clusters=clusters))[1].user_factors, compute_uv=False) ** 2
        for clusters in (0, 3)
    )
    assert clustered[:3].sum() / clustered.sum() > 0.8
    assert smooth[:3].sum() / smooth.sum() < 0.6


def test_the_quickstart_log_tells_algorithms_apart():
    """A truncated SVD of the train matrix ranks far better than popularity, and popularity than chance."""
    split = make_split(load_dataset("synthetic-small"), feedback="implicit")
    train = np.zeros((split.num_users, split.num_items))
    train[split.train.user, split.train.item] = 1
    directions = np.linalg.eigh(train.T @ train).eigenvectors[:, -8:]
    personal = _recall(split, train @ directions @ directions.T)
    popular = _recall(split, np.tile(train.sum(axis=0), (split.num_users, 1)))
    chance = _recall(split, np.random.default_rng(0).random(train.shape))
    assert personal > 1.4 * popular
    assert popular > 2 * chance


def _recall(split, scores):
    """Share of test rows in the top ten of what is not train or validation."""
    scores = scores.copy()
    for part in (split.train, split.validation):
        scores[part.user, part.item] = -np.inf
    bar = np.sort(scores, axis=1)[:, -10]
    return (scores[split.test.user, split.test.item] >= bar[split.test.user]).mean()


CORNERS = [
    {"users": 200, "items": 100, "rows": 200 * 50, "popularity": 0.0, "mnar": 0.0, "clusters": 12},
    {"users": 200, "items": 3000, "rows": 200 * 5, "popularity": 2.0, "mnar": 3.0, "drift": 2.0},
    {"users": 5000, "items": 100, "rows": 5000 * 5, "popularity": 2.0, "mnar": 3.0, "noise": 2.0, "clusters": 2},
    {"users": 5000, "items": 3000, "rows": 5000 * 3, "min_length": 3, "popularity": 0.0, "mnar": 3.0, "drift": 0.0},
    {"users": 200, "items": 100, "rows": 200 * 80, "popularity": 2.0, "mnar": 3.0, "length_spread": 3.0},
]


@pytest.mark.parametrize("corner", CORNERS, ids=lambda corner: f"{corner['users']}x{corner['items']}")
def test_the_whole_family_can_be_drawn(corner):
    dataset, truth = generate(SyntheticConfig(name="corner", **corner))
    log = dataset.interactions
    assert len(log) == corner["rows"]
    assert log.num_users == corner["users"]
    assert log.num_items <= corner["items"]
    assert len(np.unique(log.user * np.int64(log.num_items) + log.item)) == len(log)
    assert len(truth.popularity) == corner["items"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 100}, "asks for 100 rows, but 300 users with 5 to 64 rows each have 1,500 to 19,200"),
        ({"rows": 20_000}, "change rows, items or min_length"),
        ({"users": 0}, "at least one user"),
        ({"mnar": -1}, "negative parameter"),
    ],
)
def test_logs_that_cannot_exist_are_refused(change, message):
    with pytest.raises(SyntheticError, match=message):
        replace(PLAIN, **change)


def test_listing_data_sets_imports_neither_the_generator_nor_readers():
    code = (
        "import sys, recbench_datasets; assert len(list(recbench_datasets.recbench_datasets())) > 10; "
        "print([m for m in ('numpy', 'jax', 'polars', 'pydantic', 'recbench_datasets.synthetic') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_label_asks_for_any_log_of_the_family(registry):
    log = load_dataset("synthetic[users=90, rows=900,items=40,seed=3,noise=0.6]", registry=registry)
    assert log.name == "synthetic[items=40,rows=900,seed=3,users=90]", "what is as by default is left out"
    assert (len(log.interactions), log.interactions.num_users) == (900, 90)
    alike = generate(SyntheticConfig(name="synthetic", users=90, items=40, rows=900, seed=3))[0]
    assert alike.checksum == log.checksum
    assert load_dataset("synthetic", registry=registry).checksum == generate(SMALL)[0].checksum


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("synthetic[user=90]", "did you mean 'users'"),
        ("synthetic[users=few]", "takes a value of type int"),
        ("synthetic[drift=-1]", "0 or more"),
        ("synthetic[users=10,rows=9]", "asks for 9 rows"),
        ("synthetic-tiny[users=10]", "has no parameter 'users'"),
    ],
)
def test_a_label_that_means_no_log_is_refused(label, message, registry):
    with pytest.raises(RecbenchError, match=re.escape(message)):
        load_dataset(label, registry=registry)


def test_all_items_are_in_the_log_where_that_is_asked_for():
    """Nothing else moves but the rows that show them, and no pair is repeated."""
    config = SyntheticConfig(name="steep", users=60, items=300, rows=900, popularity=1.5)
    some, all_ = (generate(replace(config, all_items=asked))[0].interactions for asked in (False, True))
    assert some.num_items < 300 == all_.num_items
    assert (np.bincount(all_.user) == np.bincount(some.user)).all()
    assert len(np.unique(all_.user * np.int64(300) + all_.item)) == len(all_) == 900
    ids = generate(config)[0].item_ids[some.item].astype(np.int64)
    assert (ids != all_.item).sum() == 300 - some.num_items
    with pytest.raises(SyntheticError, match="300 items"):
        replace(config, rows=299, users=10, all_items=True)

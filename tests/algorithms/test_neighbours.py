"""Nearest items and users, and walks between them, against plain loops in NumPy."""

from __future__ import annotations

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recbench_algorithms import user_knn, user_knn_ratings
from recbench_algorithms.similarity import kth_largest, nearest

from recbench import Query, Synthesis
from recbench.contracts.records import Budget

USERS, ITEMS = 60, 25


def state_of(one):
    """The state of a fitted run."""
    return jax.tree.map(lambda leaf: leaf[0], one.engine.states)


def query_of(split):
    """All users with their train rows."""
    width = np.bincount(split.train.user).max()
    items, values = np.zeros((2, USERS, width), np.float32)
    mask = np.zeros((USERS, width), bool)
    for user in range(USERS):
        rows = split.train.user == user
        items[user, : rows.sum()] = split.train.item[rows]
        values[user, : rows.sum()] = split.train.rating[rows]
        mask[user, : rows.sum()] = True
    return Query(jnp.arange(USERS), jnp.asarray(items, jnp.int32), jnp.asarray(values), jnp.asarray(mask), ITEMS)


# --- the cut ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 7, 40])
def test_kth_largest_is_that_of_a_sort(k):
    values = np.random.default_rng(k).exponential(size=(9, 40)).astype(np.float32)
    found = jax.vmap(lambda row: kth_largest(row, jnp.float32(k)))(values)
    np.testing.assert_allclose(found, np.sort(values, axis=1)[:, -k], rtol=2e-6)


def test_equals_count_alike_and_what_is_not_positive_never_does():
    rows = jnp.array([[3.0, 2.0, 2.0000002, 1.0, 0.0], [0.0, -1.0, 5.0, 0.0, 0.0]])
    np.testing.assert_allclose(nearest(rows, jnp.float32(2)).T, [[3, 2, 2, 0, 0], [0, 0, 5, 0, 0]], rtol=1e-6)


# --- rankings ---------------------------------------------------------------------------------------------------------


def weighted(matrix, weighting):
    """Rows and lengths of documents (rows of a 0/1 matrix) with terms (its columns) that weigh by rareness."""
    documents = (matrix.sum(1) > 0).sum()
    idf = np.ones(matrix.shape[1])
    if weighting != "none":
        idf = np.maximum(np.log(documents) - np.log(1 + matrix.sum(0)), 0)
    rows = matrix * idf
    if weighting == "bm25":
        relative = matrix.sum(1) / (matrix.sum() / documents)
        return rows, (1.2 * (0.25 + 0.75 * relative) + 1) / 2.2
    return rows, np.sqrt((rows**2).sum(1))


def similarity(rows, lengths, asymmetry, shrink=0.0):
    """Of every two documents, the scored first; 0 to itself."""
    found = np.zeros((len(rows), len(rows)))
    for i, j in product(range(len(rows)), range(len(rows))):
        scale = lengths[i] ** (2 - 2 * asymmetry) * lengths[j] ** (2 * asymmetry) + shrink
        if i != j and scale > 0:
            found[i, j] = rows[i] @ rows[j] / scale
    return found


def cut(row, k):
    """The k largest and what equals the last of them; the others 0."""
    least = max(np.sort(row)[::-1][min(k, len(row)) - 1] * (1 - 1e-6), 1e-12)
    return np.where(row >= least, row, 0)


@pytest.mark.parametrize(
    ("neighbours", "shrink", "weighting", "asymmetry"),
    [(100, 0.0, "none", 0.5), (4, 0.37, "none", 0.5), (4, 10.0, "tf-idf", 0.7), (3, 0.0, "bm25", 0.6)],
)
def test_item_neighbours_are_those_of_a_plain_loop(
    neighbours, shrink, weighting, asymmetry, implicit, fitted, scores, dense
):
    train, _, known = dense(implicit)
    near = similarity(*weighted(train.T, weighting), asymmetry, shrink)
    wanted = np.stack([known @ cut(near[item], neighbours) for item in range(ITEMS)], axis=1)
    hyper = {"neighbours": neighbours, "shrink": shrink, "weighting": weighting, "asymmetry": asymmetry}
    np.testing.assert_allclose(scores(fitted("item-knn", implicit, hyper=hyper)), wanted, rtol=1e-4, atol=1e-5)


def user_scores(train, known, neighbours, weighting, asymmetry, *, leave_out):
    """Scores of all histories by their nearest train rows."""
    rows, lengths = weighted(train, weighting)
    weights = weighted(train, weighting)[0].max(0)
    wanted = np.zeros(known.shape)
    for user, history in enumerate(known):
        products = (rows * weights) @ history
        near = np.divide(products, lengths ** (2 * asymmetry), out=np.zeros(len(rows)), where=lengths > 0)
        if leave_out:
            near[user] = 0
        wanted[user] = cut(near, neighbours) @ train
    return wanted


HYPER = [(100, "none", 0.5), (5, "none", 0.7), (5, "tf-idf", 0.5), (7, "bm25", 0.6)]


@pytest.mark.parametrize(("neighbours", "weighting", "asymmetry"), HYPER)
def test_user_neighbours_are_those_of_a_plain_loop(neighbours, weighting, asymmetry, implicit, fitted, scores, dense):
    train, _, known = dense(implicit)
    wanted = user_scores(train, known, neighbours, weighting, asymmetry, leave_out=True)
    hyper = {"neighbours": neighbours, "weighting": weighting, "asymmetry": asymmetry}
    np.testing.assert_allclose(scores(fitted("user-knn", implicit, hyper=hyper)), wanted, rtol=1e-4, atol=1e-5)


def test_a_fake_user_is_nobody_s_own_row(implicit, fitted, scores, dense):
    """It has the number of a real user, and an item that this user never had."""
    train, _, known = dense(implicit)
    fake = np.zeros((USERS, ITEMS), np.float32)
    for user in range(USERS):
        fake[user] = train[(user + 1) % USERS]
        fake[user, np.flatnonzero(~known[user])[0]] = 1
    synthesis = Synthesis(fake, "test", Budget(USERS, "users"), 0)
    wanted = user_scores(fake.astype(float), known, 5, "none", 0.5, leave_out=False)
    found = scores(fitted("user-knn", implicit, sample=synthesis, hyper={"neighbours": 5}))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_slices_of_a_query_change_nothing(implicit, fitted, monkeypatch):
    one = fitted("user-knn", implicit, hyper={"neighbours": 5})
    state, query = state_of(one), query_of(implicit)
    whole = user_knn.UserKNN().score(state, query)
    monkeypatch.setattr(user_knn, "_SLICE_ELEMENTS", 7 * USERS)  # 7 users a slice, the last with 4
    np.testing.assert_allclose(user_knn.UserKNN().score(state, query), whole, rtol=1e-6)


@pytest.mark.parametrize(("neighbours", "alpha", "beta"), [(100, 1.0, 0.0), (4, 0.7, 0.4)])
def test_walks_are_powers_of_the_transition_matrices(neighbours, alpha, beta, implicit, fitted, scores, dense):
    train, _, known = dense(implicit)
    to_items, to_users = train / train.sum(1, keepdims=True), train.T / np.maximum(train.sum(0), 1)[:, None]
    walks = to_users**alpha @ to_items**alpha / np.maximum(train.sum(0), 1) ** beta
    np.fill_diagonal(walks, 0)
    wanted = np.stack([known @ cut(walks[:, item], neighbours) for item in range(ITEMS)], axis=1)
    hyper = {"neighbours": neighbours, "alpha": alpha, "beta": beta}
    np.testing.assert_allclose(scores(fitted("rp3beta", implicit, hyper=hyper)), wanted, rtol=1e-4, atol=1e-6)


# --- ratings ----------------------------------------------------------------------------------------------------------


def baselines(train, damping):
    """The mean, and the biases that minimise squared error plus damping times their squares, in one dense solve."""
    user, item = np.nonzero(train)
    design = np.zeros((len(user), USERS + ITEMS))
    design[np.arange(len(user)), user] = design[np.arange(len(user)), USERS + item] = 1
    mean = train[user, item].mean()
    normal = design.T @ design + damping * np.eye(USERS + ITEMS)
    biases = np.linalg.solve(normal, design.T @ (train[user, item] - mean))
    return mean, biases[:USERS], biases[USERS:]


def centred(train, history, centre):
    """Baselines [users, items] of the train rows and of the histories, whose biases of users are their own."""
    mean, damping = train[train > 0].mean(), 3.0
    items = np.zeros(ITEMS)
    if centre == "baseline":
        mean, _, items = baselines(train, damping)
    counts = np.maximum((train > 0).sum(0), 1)
    if centre == "item-mean":
        items = np.where(train > 0, train - mean, 0).sum(0) / counts
        base = np.tile(mean + items, (USERS, 1))
        return base, base
    above = [np.where(part > 0, part - mean - items, 0).sum(1) for part in (train, history)]
    counts = [(part > 0).sum(1) + (damping if centre == "baseline" else 0) for part in (train, history)]
    own = [total / count for total, count in zip(above, counts, strict=True)]
    return mean + own[0][:, None] + items, mean + own[1][:, None] + items


def shrunk_cosine(one, other, known, others_known, shrink):
    scale = np.sqrt((one**2).sum() * (other**2).sum())
    common = (known & others_known).sum()
    return one @ other / scale * common / (common + shrink) if scale > 0 and common else 0


def shift(near, above, neighbours):
    """Weighted mean of what the k nearest are above their baselines."""
    near = cut(near, neighbours) if len(near) else near
    return near @ above / near.sum() if near.sum() > 0 else 0


@pytest.mark.parametrize(
    ("neighbours", "shrink", "centre"), [(50, 0.0, "item-mean"), (3, 5.0, "item-mean"), (3, 5.0, "baseline")]
)
def test_rated_items_pair_by_pair(neighbours, shrink, centre, explicit, fitted, scores, dense):
    train, history, known = dense(explicit)
    base, asked = centred(train, history, centre)
    above = np.where(train > 0, train - base, 0)
    near = np.array(
        [[shrunk_cosine(above[:, i], above[:, j], train[:, i] > 0, train[:, j] > 0, shrink) * (i != j)
          for j in range(ITEMS)] for i in range(ITEMS)]
    )  # fmt: skip
    wanted = asked.copy()
    for user, item in product(range(USERS), range(ITEMS)):
        rated = np.flatnonzero(known[user])
        wanted[user, item] += shift(near[item, rated], (history - asked)[user, rated], neighbours)
    hyper = {"neighbours": neighbours, "shrink": shrink, "centre": centre, "damping": 3.0}
    np.testing.assert_allclose(scores(fitted("item-knn-ratings", explicit, hyper=hyper)), wanted, atol=5e-4)


@pytest.mark.parametrize(
    ("neighbours", "shrink", "centre"), [(50, 0.0, "user-mean"), (3, 5.0, "user-mean"), (3, 5.0, "baseline")]
)
def test_rating_users_pair_by_pair(neighbours, shrink, centre, explicit, fitted, scores, dense):
    train, history, known = dense(explicit)
    base, asked = centred(train, history, centre)
    above, own = np.where(train > 0, train - base, 0), np.where(known, history - asked, 0)
    wanted = asked.copy()
    for user in range(USERS):
        near = np.array([shrunk_cosine(own[user], above[v], known[user], train[v] > 0, shrink) for v in range(USERS)])
        near[user] = 0
        for item in range(ITEMS):
            raters = np.flatnonzero(train[:, item])
            wanted[user, item] += shift(near[raters], above[raters, item], neighbours)
    hyper = {"neighbours": neighbours, "shrink": shrink, "centre": centre, "damping": 3.0}
    np.testing.assert_allclose(scores(fitted("user-knn-ratings", explicit, hyper=hyper)), wanted, atol=5e-4)


def test_windows_and_parts_change_nothing(explicit, fitted, monkeypatch):
    one = fitted("user-knn-ratings", explicit, hyper={"neighbours": 5})
    state, query = state_of(one), query_of(explicit)
    rows, items = np.random.default_rng(0).integers([USERS, ITEMS], size=(50, 2)).T.astype(np.int32)
    whole = user_knn_ratings.UserKNNRatings().predict(state, query, rows, items)
    monkeypatch.setattr(user_knn_ratings, "_WINDOW", 4)
    monkeypatch.setattr(user_knn_ratings, "_PART_ELEMENTS", 7 * USERS)
    found = user_knn_ratings.UserKNNRatings().predict(state, query, rows, items)
    np.testing.assert_allclose(found, whole, rtol=1e-6)

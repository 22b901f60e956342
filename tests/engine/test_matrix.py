"""The train matrix of a run against the dense matrix that it never holds."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from recbench.contracts.records import Budget, Synthesis
from recbench.engine.batch import stack_replicas


def dense_of(split, sample):
    matrix = np.zeros((split.num_users, split.num_items), np.float32)
    rows = split.train.take(sample.rows)
    matrix[rows.user, rows.item] = rows.rating if split.feedback == "explicit" else 1
    return matrix


def replicas_of(data, samples):
    return stack_replicas(
        data, samples, keys=[np.zeros(2, np.uint32)] * len(samples), hyper=[{}] * len(samples), negatives=False
    )


@pytest.fixture(scope="module", params=["implicit", "explicit", "sequential", "all rows", "one row"])
def pair(request, sample_of):
    """A run's matrix and the dense one; of two runs in a batch the second, whose rows are padded."""
    feedback = request.param if request.param in ("implicit", "explicit", "sequential") else "explicit"
    data = request.getfixturevalue(feedback)
    share = {"all rows": 1.0, "one row": 1 / len(data.split.train)}.get(request.param, 0.4)
    sample = sample_of(data.split, share, seed=1)
    replica = jax.tree.map(lambda leaf: leaf[1], replicas_of(data, [sample_of(data.split), sample]))
    return replica.matrix(data.arrays), dense_of(data.split, sample)


def test_blocks_of_rows(pair):
    matrix, dense = pair
    read = jax.jit(matrix.rows, static_argnums=1)
    for size in (1, 7, len(dense), len(dense) + 3):
        for start in (0, 1, 19, len(dense) - 8, len(dense) - 1, len(dense), len(dense) + 2):
            wanted = np.zeros((size, dense.shape[1]), np.float32)
            block = dense[start : start + size]
            wanted[: len(block)] = block
            np.testing.assert_array_equal(read(start, size), wanted, err_msg=f"{start=} {size=}")


def test_what_is_observed(pair):
    matrix, dense = pair
    wanted = np.vstack([dense[33:], np.zeros((3, dense.shape[1]))]) > 0
    np.testing.assert_array_equal(jax.jit(matrix.observed, static_argnums=1)(33, 10), wanted)


def test_a_rating_of_zero_is_observed(make_data, make_log, sample_of):
    data = make_data("explicit", log=make_log().with_columns(pl.col("rating") - 3))
    sample = sample_of(data.split, 0.8)
    matrix = jax.tree.map(lambda leaf: leaf[0], replicas_of(data, [sample])).matrix(data.arrays)
    kept = data.split.train.take(sample.rows)
    assert (kept.rating == 0).any()
    known = np.zeros((40, 30), bool)
    known[kept.user, kept.item] = True
    np.testing.assert_array_equal(matrix.observed(0, 40), known)
    np.testing.assert_array_equal(matrix.item_sums(jnp.ones_like(matrix.value)), known.sum(0))


def test_gram(pair):
    matrix, dense = pair
    np.testing.assert_allclose(jax.jit(matrix.gram)(), dense.T @ dense, rtol=1e-6)


def test_gram_of_other_values(pair):
    """What is not observed, or padded, stays zero."""
    matrix, dense = pair
    shift = np.linspace(0, 3, dense.shape[1], dtype=np.float32)
    shifted = np.where(dense > 0, dense - shift, 0)
    found = jax.jit(lambda: matrix.with_values(matrix.value - jnp.asarray(shift)[matrix.item]).gram())()
    np.testing.assert_allclose(found, shifted.T @ shifted, rtol=1e-4, atol=1e-4)


def test_gram_of_many_blocks(make_data, make_log, sample_of, monkeypatch):
    monkeypatch.setattr("recbench.engine.matrix._GRAM_BLOCK_ELEMENTS", 1)  # 64 users a block, the last one ends beyond
    data = make_data("explicit", log=make_log(users=150))
    sample = sample_of(data.split, 0.7)
    replica = jax.tree.map(lambda leaf: leaf[0], replicas_of(data, [sample]))
    dense = dense_of(data.split, sample)
    np.testing.assert_allclose(jax.jit(replica.matrix(data.arrays).gram)(), dense.T @ dense, rtol=1e-6)


def test_sums(pair):
    matrix, dense = pair
    np.testing.assert_allclose(matrix.user_sums(matrix.value), dense.sum(1), rtol=1e-6)
    np.testing.assert_allclose(matrix.item_sums(matrix.value), dense.sum(0), rtol=1e-6)
    ones = jnp.ones_like(matrix.value)
    np.testing.assert_array_equal(matrix.user_sums(ones), (dense > 0).sum(1))
    np.testing.assert_array_equal(matrix.item_sums(ones), (dense > 0).sum(0))
    both = jnp.stack([matrix.value, ones], axis=1)
    np.testing.assert_allclose(matrix.user_sums(both), np.stack([dense.sum(1), (dense > 0).sum(1)], 1), rtol=1e-6)
    np.testing.assert_allclose(matrix.item_sums(both), np.stack([dense.sum(0), (dense > 0).sum(0)], 1), rtol=1e-6)


def test_coordinates_make_the_matrix(pair):
    matrix, dense = pair
    user, item, value = (np.asarray(column)[np.asarray(matrix.mask)] for column in (matrix.user, matrix.item,
                                                                                   matrix.value))  # fmt: skip
    made = np.zeros_like(dense)
    made[user, item] = value
    np.testing.assert_array_equal(made, dense)
    assert not np.asarray(matrix.value)[~np.asarray(matrix.mask)].any()


def test_fake_users(implicit):
    """Dense rows of two runs, of which one is shorter: padding changes nothing."""
    random = np.random.default_rng(0)
    fake = [np.maximum(random.normal(size=(size, 30)), 0).astype(np.float32) for size in (5, 9)]
    replicas = replicas_of(implicit, [Synthesis(rows, "toy", Budget(len(rows), "users"), 0) for rows in fake])
    for place, dense in enumerate(fake):
        replica = jax.tree.map(lambda leaf, place=place: leaf[place], replicas)
        matrix = replica.matrix(implicit.arrays)
        assert (matrix.num_users, matrix.num_items) == (9, 30)
        padded = np.zeros((9, 30), np.float32)
        padded[: len(dense)] = dense
        np.testing.assert_allclose(matrix.gram(), padded.T @ padded, rtol=1e-5)
        np.testing.assert_allclose(matrix.user_sums(matrix.value), padded.sum(1), rtol=1e-5)
        np.testing.assert_allclose(matrix.item_sums(matrix.value), padded.sum(0), rtol=1e-5)
        np.testing.assert_array_equal(matrix.rows(7, 4), np.vstack([padded[7:], np.zeros((2, 30))]))
        made = np.zeros_like(padded)
        np.add.at(made, (np.asarray(matrix.user), np.asarray(matrix.item)), np.where(matrix.mask, matrix.value, 0))
        np.testing.assert_array_equal(made, padded)
        x, y = (random.normal(size=(side, 2)).astype(np.float32) for side in (30, 9))
        np.testing.assert_allclose(matrix.matmul(jnp.asarray(x)), padded @ x, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(matrix.rmatmul(jnp.asarray(y)), padded.T @ y, rtol=1e-4, atol=1e-5)
        folded = matrix.fold(jnp.zeros((9, 30)), lambda total, u, i, v: total.at[u, i].add(v, mode="drop"))
        np.testing.assert_array_equal(folded, padded)


def test_products_and_their_gradients(pair):
    """X x and X' y, forwards and backwards, one run alone and in a batch."""
    matrix, dense = pair
    random = np.random.default_rng(0)
    x, y = (jnp.asarray(random.normal(size=(side, 3)).astype(np.float32)) for side in dense.shape[::-1])
    np.testing.assert_allclose(jax.jit(matrix.matmul)(x), dense @ x, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(jax.jit(matrix.rmatmul)(y), dense.T @ y, rtol=1e-5, atol=1e-5)
    found = jax.grad(lambda x: jnp.vdot(matrix.matmul(x), y))(x)
    np.testing.assert_allclose(found, dense.T @ y, rtol=1e-5, atol=1e-5)
    found = jax.grad(lambda y: jnp.vdot(matrix.rmatmul(y), x))(y)
    np.testing.assert_allclose(found, dense @ x, rtol=1e-5, atol=1e-5)
    two = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), matrix)
    gradients = jax.vmap(jax.grad(lambda x, each: jnp.vdot(each.matmul(x), y)), in_axes=(None, 0))(x, two)
    np.testing.assert_allclose(gradients[1], dense.T @ y, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_a_fold_meets_each_coordinate_once(pair, chunk, monkeypatch):
    matrix, dense = pair
    monkeypatch.setattr("recbench.engine.matrix._CHUNK", chunk)

    def add(total, user, item, value):
        return total.at[user, item].add(value, mode="drop")

    found = matrix.fold(jnp.zeros(dense.shape, jnp.float32), add)
    np.testing.assert_array_equal(found, dense)

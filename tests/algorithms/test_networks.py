"""NeuMF, MVAE and AutoRec against their formulas in NumPy, layer by layer."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.test_util import check_grads
from recbench_algorithms import perceptron
from recbench_algorithms.autorec import AutoRecModule
from recbench_algorithms.mvae import VariationalAutoencoder, multinomial_loss
from recbench_algorithms.neumf import NeuMF, NeuralFactors, fuse
from scipy.special import expit, log_softmax

from recbench import ModelShape, PairsBatch, Query, RatingsBatch, RowsBatch, StepContext

USERS, ITEMS, LATENT, MEAN = 6, 9, 2, 3.5
WIDTHS = (8, 4, 2)


def moved(module):
    """The module with every parameter away from zero."""
    graph, state = nnx.split(module)
    leaves, tree = jax.tree.flatten(state)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    return nnx.merge(
        graph,
        jax.tree.unflatten(
            tree, [leaf + 0.4 * jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys, strict=True)]
        ),
    )


def shape(feedback):
    return ModelShape(USERS, ITEMS, feedback, jnp.float32(MEAN if feedback == "explicit" else 1))


def array(variable):
    return np.asarray(variable[...], np.float64)


def context(step=0, steps=1, **hyper):
    values = {"dropout": 0.0, "anneal_cap": 0.0, "anneal_epochs": 10.0, "l2": 0.0, **hyper}
    traced = {name: jnp.float32(value) for name, value in values.items()}
    return StepContext(traced, jax.random.key(2), None, jnp.int32(step), jnp.int32(steps))


def no_history(users):
    empty = jnp.zeros((len(users), 0), jnp.int32)
    return Query(jnp.asarray(users), empty, empty.astype(jnp.float32), empty.astype(bool), ITEMS)


def histories(rows):
    """A query with the observed entries of a dense matrix, oldest first; garbage where padded."""
    counts = (rows != 0).sum(1)
    items = np.full((len(rows), counts.max() + 2), 3, np.int32)
    values, mask = np.full(items.shape, 7.0, np.float32), np.arange(items.shape[1]) < counts[:, None]
    for user, row in enumerate(rows):
        items[user, : counts[user]] = np.flatnonzero(row)
        values[user, : counts[user]] = row[row != 0]
    return Query(*map(jnp.asarray, (np.arange(len(rows), dtype=np.int32), items, values, mask)), ITEMS)


# --- NeuMF ------------------------------------------------------------------------------------------------------------


def neumf(gmf=LATENT, widths=WIDTHS, loss="bpr", feedback="implicit", seed=0):
    module = NeuralFactors(shape(feedback), gmf=gmf, widths=widths, hyper={"loss": loss}, key=jax.random.key(seed))
    return moved(module)


def forward(module, user, item):
    """NeuMF of one pair, as the paper's equation 12."""
    features = []
    if module.gmf is not None:
        features += list(array(module.gmf.users)[user] * array(module.gmf.items)[item])
    if module.perceptron is not None:
        x = np.concatenate([array(module.mlp.users)[user], array(module.mlp.items)[item]])
        for layer in module.perceptron.layers:
            x = np.maximum(x @ array(layer.kernel) + array(layer.bias), 0)
        features += list(x)
    return np.array(features) @ array(module.output) + array(module.bias)


@pytest.mark.parametrize(("gmf", "widths"), [(LATENT, WIDTHS), (LATENT, ()), (0, WIDTHS), (3, (5,))])
def test_neumf_scores_as_a_forward_pass_by_hand(gmf, widths, monkeypatch):
    monkeypatch.setattr(perceptron, "_CPU_ELEMENTS", 30)  # several tiles of items, the last of them padded
    module = neumf(gmf, widths)
    wanted = np.array([[forward(module, user, item) for item in range(ITEMS)] for user in range(USERS)])
    query = no_history(range(USERS))
    np.testing.assert_allclose(module.score(query), wanted, atol=1e-5)
    rows, items = np.array([0, 5, 5, 2]), np.array([8, 0, 3, 3])
    np.testing.assert_allclose(module.predict(query, rows, items), array(module.mean) + wanted[rows, items], atol=1e-5)


def test_neumf_losses_are_their_formulas():
    users, items = np.array([0, 5, 3]), np.array([1, 8, 1])
    negatives = np.array([[2, 3], [0, 0], [7, 5]])
    mask = np.ones(3, bool)
    pairs = PairsBatch(*map(jnp.asarray, (users, items, negatives, mask)))
    rated = RatingsBatch(*map(jnp.asarray, (users, items, np.array([1.0, 5, 3], np.float32), mask)))
    for name in ("bpr", "log"):
        module, wanted = neumf(loss=name), []
        for user, item, others in zip(users, items, negatives, strict=True):
            own, theirs = forward(module, user, item), np.array([forward(module, user, other) for other in others])
            log = -np.log(expit(own)) - np.log(expit(-theirs)).sum()
            wanted.append(log / 3 if name == "log" else -np.log(expit(own - theirs)).mean())
        np.testing.assert_allclose(module.loss(pairs, context()), wanted, rtol=1e-4)
    module = neumf(feedback="explicit")
    predicted = [array(module.mean) + forward(module, user, item) for user, item in zip(users, items, strict=True)]
    error = np.array(predicted) - np.asarray(rated.ratings)
    np.testing.assert_allclose(module.loss(rated, context()), np.square(error), rtol=1e-4)


def test_neumf_fused_predicts_at_first_what_its_towers_do_on_average():
    gmf, mlp = neumf(LATENT, (), seed=1), neumf(0, WIDTHS, seed=2)
    fused = fuse(neumf(), gmf=gmf, mlp=mlp)
    query = no_history(range(USERS))
    np.testing.assert_allclose(fused.score(query), (gmf.score(query) + mlp.score(query)) / 2, atol=1e-5)


def test_neumf_has_three_stages_or_only_the_fused_one():
    hyper = {"latent": 4, "layers": 2, "batch_size": 32, "negatives": 1, "updates": "tables", "loss": "bpr"}
    stages = {pretrain: NeuMF().stages("implicit", {**hyper, "pretrain": pretrain}) for pretrain in (True, False)}
    assert [len(each) for each in stages.values()] == [3, 1]
    built = ()
    for stage in stages[True]:
        built += (stage.build(shape("implicit"), hyper=hyper, key=jax.random.key(0), earlier=built),)
    towers = [(module.gmf is not None, module.mlp is not None, module.perceptron is not None) for module in built]
    assert towers == [(True, False, False), (False, True, True), (True, True, True)]
    np.testing.assert_array_equal(built[2].gmf.users[...], built[0].gmf.users[...])
    np.testing.assert_array_equal(built[2].mlp.items[...], built[1].mlp.items[...])
    alone = stages[False][0].build(shape("implicit"), hyper=hyper, key=jax.random.key(0), earlier=())
    assert alone.output.shape == built[2].output.shape


# --- MVAE -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(0)
    found = (random.random((USERS, ITEMS)) < 0.4).astype(np.float32)
    found[2] = 0  # a user without a history
    return found


def rows_batch(rows):
    parts = np.full(len(rows), -1, np.int32), rows, rows != 0, np.ones(len(rows), bool)
    return RowsBatch(*map(jnp.asarray, parts))


def mvae():
    return moved(VariationalAutoencoder(shape("implicit"), latent=LATENT, hidden=4, key=jax.random.key(0)))


def dense_layer(layer, x):
    return x @ array(layer.kernel) + array(layer.bias)


def posterior(module, row):
    length = max(np.linalg.norm(row), 1e-6)
    hidden = np.tanh(row / length @ array(module.inner) + array(module.inner_bias))
    return np.split(dense_layer(module.posterior, hidden), 2)


def decoded(module, code):
    return np.tanh(dense_layer(module.generator, code)) @ array(module.outer).T + array(module.outer_bias)


def test_mvae_scores_the_mean_code_of_a_history(rows):
    module = mvae()
    wanted = np.stack([decoded(module, posterior(module, row)[0]) for row in rows])
    query = histories(rows)
    np.testing.assert_allclose(module.score(query), wanted, atol=1e-5)
    at, items = np.array([0, 5, 2]), np.array([8, 0, 3])
    np.testing.assert_allclose(module.predict(query, at, items), wanted[at, items], atol=1e-5)


def test_mvae_loss_is_its_formula(rows):
    """The noise of a step is the one of its key; half of the way up, the divergence has half of its weight."""
    module, at = mvae(), context(step=15, steps=3, anneal_cap=0.4)
    noise = np.asarray(jax.random.normal(jax.random.split(at.key)[1], (USERS, LATENT)))
    wanted = []
    for row, draw in zip(rows, noise, strict=True):
        mean, log_variance = posterior(module, row)
        likelihood = row @ log_softmax(decoded(module, mean + np.exp(log_variance / 2) * draw))
        divergence = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum()
        wanted.append(0.2 * divergence - likelihood)
    np.testing.assert_allclose(module.loss(rows_batch(rows), at), wanted, rtol=1e-4)


def test_mvae_drops_items_of_the_input_alone(rows):
    """Without an input all that is left is the bias: the same code for all, but the likelihood of each own row."""
    module = mvae()
    module.posterior.kernel[...] = module.posterior.kernel[...].at[:, LATENT:].set(0)
    module.posterior.bias[...] = module.posterior.bias[...].at[LATENT:].set(-60.0)
    nothing = decoded(module, posterior(module, np.zeros(ITEMS))[0])
    found = module.loss(rows_batch(rows), context(dropout=1 - 1e-7))
    np.testing.assert_allclose(found, -rows @ log_softmax(nothing), rtol=1e-4)


def test_gradient_of_the_multinomial_loss_is_that_of_finite_differences(rows):
    keys = jax.random.split(jax.random.key(0), 3)
    given = [jax.random.normal(key, size) for key, size in zip(keys, ((USERS, 3), (ITEMS, 3), (ITEMS,)), strict=True)]
    weight = jnp.arange(1.0, USERS + 1)

    def total(*x):
        return multinomial_loss(*x, jnp.asarray(2 * rows)) @ weight

    check_grads(total, given, order=1, modes=["rev"], rtol=0.01)


# --- AutoRec ----------------------------------------------------------------------------------------------------------


def test_autorec_is_its_formula():
    random = np.random.default_rng(1)
    ratings = np.where(random.random((USERS, ITEMS)) < 0.4, random.integers(1, 6, (USERS, ITEMS)), 0)
    ratings[1] = 0
    ratings = ratings.astype(np.float32)
    module = moved(AutoRecModule(shape("explicit"), latent=3, key=jax.random.key(0)))
    mean = float(module.mean[...])
    above = np.where(ratings != 0, ratings - mean, 0)
    hidden = expit(above @ array(module.inner) + array(module.inner_bias))
    wanted = mean + hidden @ array(module.outer).T + array(module.outer_bias)
    query, at, items = histories(ratings), np.array([0, 5, 1]), np.array([8, 0, 3])
    np.testing.assert_allclose(module.score(query), wanted, atol=1e-5)
    np.testing.assert_allclose(module.predict(query, at, items), wanted[at, items], atol=1e-5)
    error = np.where(ratings != 0, wanted - ratings, 0)
    loss = module.loss(rows_batch(ratings), context())
    np.testing.assert_allclose(loss.mean(), np.square(error).sum() / (ratings != 0).sum(), rtol=1e-4)

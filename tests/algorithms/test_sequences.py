"""Models of the next item, against their formulas in NumPy."""

from __future__ import annotations

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from flax import nnx
from jax.test_util import check_grads
from recbench_algorithms import blockwise, next_item, sasrec
from recbench_algorithms.gru import GRU
from recbench_algorithms.gru4rec import GRU4Rec, GRU4RecModule, _bpr_max, draw_samples
from recbench_algorithms.sasrec import SASRec, SASRecModule
from recbench_algorithms.svae import SVAE, SVAEModule
from recbench_algorithms.variational import kl_divergence
from scipy.integrate import quad
from scipy.special import expit, log_softmax, logsumexp
from scipy.stats import norm

from recbench import ModelShape, Query, RecbenchError, SequencesBatch, StepContext, evaluate, make_split
from recbench.data.frames import frame_dataset

ITEMS, WIDTH, LENGTH = 11, 4, 7
LENGTHS = np.array([0, 3, 8, 1, 5, 8])  # rows of each history, at most LENGTH + 1
SHAPE = ModelShape(len(LENGTHS), ITEMS, "sequential", jnp.float32(1))
HYPER = {
    "sasrec": {"latent": WIDTH, "blocks": 2, "heads": 2, "length": LENGTH, "loss": "bce"},
    "gru4rec": {"latent": WIDTH, "loss": "cross-entropy", "samples": 0},
    "svae": {"latent": WIDTH, "hidden": 5, "ahead": 2},
}
MODULES = {"sasrec": SASRecModule, "gru4rec": GRU4RecModule, "svae": SVAEModule}


def model(name, **hyper):
    """An untrained model, every parameter away from zero."""
    module = MODULES[name](SHAPE, hyper={**HYPER[name], **hyper}, key=jax.random.key(0))
    graph, state = nnx.split(module)
    leaves, tree = jax.tree.flatten(state)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    moved = [leaf + 0.3 * jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys, strict=True)]
    return nnx.merge(graph, jax.tree.unflatten(tree, moved))


def loss(module, given, at):
    """Loss of each user, in one program."""
    graph, state = nnx.split(module)
    return np.asarray(jax.jit(lambda state: nnx.merge(graph, state).loss(given, at))(state))


def scores_of(module, asked):
    """Scores of each user, in one program."""
    graph, state = nnx.split(module)
    return np.asarray(jax.jit(lambda state: nnx.merge(graph, state).score(asked))(state))


def histories(width=LENGTH + 1):
    """Items of each history and what is real, [histories, width]; garbage where padded."""
    real = np.arange(width)[None, :] < LENGTHS[:, None]
    items = np.random.default_rng(0).integers(0, ITEMS, (len(LENGTHS), LENGTH + 1))
    items = np.pad(items, ((0, 0), (0, width - LENGTH - 1)), constant_values=3)
    return np.where(real, items, 9).astype(np.int32), real


def batch(width=LENGTH + 1, users_real=None):
    items, real = histories(width)
    negatives = np.random.default_rng(1).integers(0, ITEMS, (len(LENGTHS), LENGTH + 1, 2))
    negatives = np.pad(negatives, ((0, 0), (0, width - LENGTH - 1), (0, 0)))
    mask = np.ones(len(LENGTHS), bool) if users_real is None else users_real
    parts = np.arange(len(LENGTHS), dtype=np.int32), items, real, negatives.astype(np.int32), mask
    return SequencesBatch(*map(jnp.asarray, parts))


def query(width=LENGTH):
    items, real = histories()
    items, real = items[:, :LENGTH], real[:, :LENGTH]
    items, real = (np.pad(array, ((0, 0), (0, width - LENGTH))) for array in (items, real))
    parts = np.arange(len(LENGTHS), dtype=np.int32), items, real.astype(np.float32), real
    return Query(*map(jnp.asarray, parts), ITEMS)


def context(step=0, train=None, **hyper):
    values = {"dropout": 0.0, "anneal_cap": 0.0, "anneal_epochs": 10.0, "alpha": 0.5, "penalty": 0.5, **hyper}
    traced = {name: jnp.float32(value) for name, value in values.items()}
    return StepContext(traced, jax.random.key(2), train, jnp.int32(step), jnp.int32(1))


def positions(states):
    """(user, hidden state, next item) of each position that has one; states [users][positions, width]."""
    items, _ = histories()
    for user, count in enumerate(LENGTHS):
        for place in range(count - 1):
            yield user, states[user][place], items[user, place + 1]


def loss_by_user(terms):
    """Summed terms of each user, scaled so that their mean over users is the mean over positions."""
    total = np.zeros(len(LENGTHS))
    for user, term in terms:
        total[user] += term
    return total * len(LENGTHS) / np.maximum(LENGTHS - 1, 0).sum()


# --- SASRec -----------------------------------------------------------------------------------------------------------


def normalised(x, norm):
    centred = x - x.mean(1, keepdims=True)
    unit = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-8)
    return unit * np.asarray(norm.scale[...]) + np.asarray(norm.shift[...])


def dense(layer, x):
    return x @ np.asarray(layer.kernel[...], np.float64) + np.asarray(layer.bias[...])


def sasrec_states(module, rows):
    """Hidden states of one history after each of its items, [rows, width]: one query at a time."""
    count, heads = len(rows), 2
    table = np.asarray(module.items[...], np.float64)
    x = np.sqrt(WIDTH) * table[rows] + np.asarray(module.positions[...])[:count][::-1]
    for block in module.encoder.blocks:
        query = normalised(x, block.attention_norm)
        q, k, v = dense(block.query, query), dense(block.key, x), dense(block.value, x)
        mean = np.zeros_like(x)
        for head in np.split(np.arange(WIDTH), heads):
            for place in range(count):
                logits = k[: place + 1][:, head] @ q[place, head] / np.sqrt(WIDTH / heads)
                weights = np.exp(logits - logsumexp(logits))
                mean[place, head] = weights @ v[: place + 1][:, head]
        x = normalised(query + mean, block.forward_norm)
        x = x + dense(block.outer, np.maximum(dense(block.inner, x), 0))
    return normalised(x, module.encoder.norm)


def test_sasrec_scores_as_its_formula():
    module = model("sasrec")
    items, _ = histories()
    table = np.asarray(module.items[...], np.float64)
    found = scores_of(module, query())
    for user, count in enumerate(np.minimum(LENGTHS, LENGTH)):
        wanted = table @ sasrec_states(module, items[user, :count])[-1] if count else np.zeros(ITEMS)
        np.testing.assert_allclose(found[user], wanted, atol=2e-5)


@pytest.mark.parametrize("kind", ["bce", "cross-entropy"])
def test_sasrec_loss_is_its_formula_at_every_position(kind):
    module, given = model("sasrec", loss=kind), batch()
    items, _ = histories()
    table = np.asarray(module.items[...], np.float64)
    states = [sasrec_states(module, row[: max(count - 1, 0)]) for row, count in zip(items, LENGTHS, strict=True)]
    negatives, terms, place = np.asarray(given.negatives), [], np.zeros(len(LENGTHS), int)
    for user, state, item in positions(states):
        place[user] += 1
        scores = table @ state
        term = -log_softmax(scores)[item]
        if kind == "bce":
            term = -np.log(expit(scores[item])) - np.log(expit(-scores[negatives[user, place[user]]])).sum()
        terms.append((user, term))
    np.testing.assert_allclose(loss(module, given, context()), loss_by_user(terms), atol=2e-5)


def test_sasrec_knows_no_later_item():
    encoder = model("sasrec").encoder
    rows = jax.random.normal(jax.random.key(3), (2, LENGTH, WIDTH))
    states = encoder(rows, None).reshape(WIDTH, 2, LENGTH)
    changed = encoder(rows.at[:, 4:].set(5.0), None).reshape(WIDTH, 2, LENGTH)
    np.testing.assert_array_equal(states[:, :, :4], changed[:, :, :4])
    assert np.abs(states[:, :, 4:] - changed[:, :, 4:]).min() > 1e-3


def test_heads_must_share_the_width():
    with pytest.raises(RecbenchError, match="6 is no multiple of 4"):
        SASRec().stages("sequential", {"latent": 6, "heads": 4})


# --- the recurrent models ---------------------------------------------------------------------------------------------


def gru_states(layer, inputs):
    """States of one history, [rows, units], by the formula."""
    recurrent = [np.asarray(weight[...], np.float64) for weight in layer.recurrent]
    state, states = np.zeros(layer.units), []
    for row in inputs:
        r, z, n = (dense(part, row) for part in layer.inputs)
        reset, keep = expit(r + state @ recurrent[0]), expit(z + state @ recurrent[1])
        new = np.tanh(n + reset * (state @ recurrent[2] + np.asarray(layer.reset_bias[...])))
        state = (1 - keep) * new + keep * state
        states.append(state)
    return np.array(states).reshape(-1, layer.units)


def test_gru_is_its_formula():
    layer = model("svae").recurrent
    inputs = np.random.default_rng(0).normal(size=(6, 3, 5)).astype(np.float32)
    found = np.asarray(layer(jnp.asarray(inputs)))
    for history in range(3):
        np.testing.assert_allclose(found[:, history], gru_states(layer, inputs[:, history]), atol=1e-5)


def test_gradient_through_time_is_that_of_finite_differences():
    graph, state = nnx.split(GRU(2, 3, rngs=nnx.Rngs(0)))
    inputs = jax.random.normal(jax.random.key(1), (5, 2, 2))

    def value(state, inputs):
        return jnp.sin(3 * nnx.merge(graph, state)(inputs)).sum()

    check_grads(value, (state, inputs), order=1, modes=["rev"], atol=2e-2, rtol=2e-2)


def gru4rec_states(module):
    items, _ = histories()
    table = np.asarray(module.items[...], np.float64)
    return [
        gru_states(module.recurrent, table[row[: max(count - 1, 0)]]) for row, count in zip(items, LENGTHS, strict=True)
    ]


def test_gru4rec_minimises_cross_entropy_over_all_items():
    module = model("gru4rec")
    table, bias = np.asarray(module.items[...], np.float64), np.asarray(module.bias[...])
    terms = [
        (user, -log_softmax(table @ state + bias)[item]) for user, state, item in positions(gru4rec_states(module))
    ]
    np.testing.assert_allclose(loss(module, batch(), context()), loss_by_user(terms), atol=2e-5)


@pytest.mark.parametrize("kind", ["cross-entropy", "bpr-max"])
def test_gru4rec_compares_with_the_samples_of_a_step(kind, monkeypatch):
    samples = np.array([0, 2, 2, 5, 7, 9], np.int32)
    monkeypatch.setattr("recbench_algorithms.gru4rec.draw_samples", lambda *_, **__: jnp.asarray(samples))
    module = model("gru4rec", loss=kind, samples=len(samples))
    table, bias = np.asarray(module.items[...], np.float64), np.asarray(module.bias[...])
    terms = []
    for user, state, item in positions(gru4rec_states(module)):
        scores = table @ state + bias
        others = scores[samples[samples != item]]
        term = -log_softmax(np.append(others, scores[item]))[-1]
        if kind == "bpr-max":
            weights = np.exp(log_softmax(others))
            term = 0.5 * weights @ others**2 - np.log(weights @ expit(scores[item] - others))
        terms.append((user, term))
    np.testing.assert_allclose(loss(module, batch(), context()), loss_by_user(terms), atol=2e-5)


def test_samples_are_drawn_by_a_power_of_the_count():
    counts = np.array([100.0, 25, 4, 0, 1])
    train = SimpleNamespace(num_items=5, mask=jnp.ones(1, bool), item_sums=lambda _: jnp.asarray(counts, jnp.float32))
    drawn = np.bincount(draw_samples(train, 40000, alpha=jnp.float32(0.5), key=jax.random.key(0)), minlength=5)
    np.testing.assert_allclose(drawn / 40000, counts**0.5 / (counts**0.5).sum(), atol=0.01)
    assert drawn[3] == 0


def test_a_ranking_loss_needs_samples():
    with pytest.raises(RecbenchError, match="samples is 0"):
        GRU4Rec().stages("sequential", {"loss": "bpr-max", "samples": 0})


def test_samples_that_are_all_the_target_say_nothing():
    given = (jnp.ones((2, WIDTH)), jnp.ones(2)), (jnp.array([3, 4]), (jnp.array([3, 3]), jnp.float32(1)))
    params = jnp.ones((WIDTH, 2)), jnp.zeros(2)
    value, slopes = jax.value_and_grad(lambda params: _bpr_max(params, *given, jnp.int32(0)).sum())(params)
    alone = _bpr_max(params, *given, jnp.int32(0))
    assert np.isfinite(value) and alone[0] == 0 and alone[1] > 0
    assert all(np.isfinite(slope).all() for slope in slopes)


def test_svae_cannot_look_further_ahead_than_it_looks_back():
    with pytest.raises(RecbenchError, match="4 items ahead, but looks at 2 rows"):
        SVAE().stages("sequential", {"ahead": 4, "length": 2, "batch_size": 8})


def test_svae_predicts_the_next_items_there_are():
    """Without noise: the code's deviation is next to nothing."""
    module = model("svae")
    module.code.kernel[...] = module.code.kernel[...].at[:, WIDTH:].set(0)
    module.code.bias[...] = module.code.bias[...].at[WIDTH:].set(-30.0)
    items, _ = histories()
    table, terms = np.asarray(module.items[...], np.float64), []
    for user, count in enumerate(LENGTHS):
        states = gru_states(module.recurrent, table[items[user, : max(count - 1, 0)]])
        for place, state in enumerate(states):
            code = dense(module.code, np.tanh(dense(module.inner, state)))[:WIDTH]
            decoded = np.tanh(dense(module.outer, code))
            scores = np.asarray(module.output[...], np.float64) @ decoded + np.asarray(module.bias[...])
            following = items[user, place + 1 : min(place + 3, count)]
            terms.append((user, -log_softmax(scores)[following].sum() / 2))
    np.testing.assert_allclose(loss(module, batch(), context()), loss_by_user(terms), atol=2e-5)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1.3, 0.4), (-0.2, 2.0)])
def test_kl_divergence_is_the_integral(mean, deviation):
    posterior, prior = norm(mean, deviation), norm(0, 1)
    wanted = quad(lambda z: posterior.pdf(z) * (posterior.logpdf(z) - prior.logpdf(z)), -20, 20, points=[mean])[0]
    found = kl_divergence(jnp.full((3, 2), mean), jnp.full((3, 2), np.log(deviation)))
    np.testing.assert_allclose(found, np.full(3, 2 * wanted), atol=1e-5)


def test_the_weight_of_the_divergence_rises_to_its_cap():
    module, given = model("svae"), batch()
    at = [loss(module, given, context(step, anneal_cap=0.4)) for step in (0, 5, 10, 1000)]
    none = loss(module, given, context())
    np.testing.assert_allclose(at[0], none, atol=1e-6)
    np.testing.assert_allclose(2 * (at[1] - none), at[2] - none, atol=1e-4)
    np.testing.assert_array_equal(at[2], at[3])
    assert (np.asarray(at[2] - none)[LENGTHS > 1] > 0).all()


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODULES)
def test_padding_changes_nothing(name):
    """Neither scores nor losses; what stands where padded is read by nobody."""
    module = model(name)
    np.testing.assert_allclose(scores_of(module, query(LENGTH + 6)), scores_of(module, query()), atol=1e-5)
    if name == "svae":  # it draws noise for every position
        module.code.kernel[...] = module.code.kernel[...].at[:, WIDTH:].set(0)
        module.code.bias[...] = module.code.bias[...].at[WIDTH:].set(-30.0)
    np.testing.assert_allclose(loss(module, batch(LENGTH + 9), context()), loss(module, batch(), context()), atol=1e-5)


@pytest.mark.parametrize("name", MODULES)
def test_pairs_are_predicted_as_scored(name):
    module, rows, items = model(name), np.array([1, 4, 1, 0]), np.array([3, 10, 0, 2])
    np.testing.assert_allclose(module.predict(query(), rows, items), scores_of(module, query())[rows, items], atol=1e-5)


@pytest.mark.parametrize(("name", "kind"), [("sasrec", "bce"), ("gru4rec", "cross-entropy")])
def test_blocks_and_lengths_are_a_matter_of_speed(name, kind, monkeypatch):
    """Gradients in small blocks at two lengths, and of all rows at once at full length as on an accelerator."""
    graph, state = nnx.split(model(name, loss=kind, blocks=1, heads=1))
    given = batch(users_real=np.arange(len(LENGTHS)) != 2)

    def gradient(state):
        return nnx.merge(graph, state).loss(given, context()).sum()

    found = []
    for elements, skip in ((1, True), (2**20, False)):
        monkeypatch.setattr(blockwise, "_CPU_ELEMENTS", elements)
        monkeypatch.setattr(sasrec, "may_skip", lambda skip=skip: skip)
        monkeypatch.setattr(next_item, "may_skip", lambda skip=skip: skip)
        found.append(jax.tree.leaves(jax.jit(jax.grad(lambda state: gradient(state)))(state)))
    assert all(np.abs(leaf).max() > 1e-3 for leaf in found[0] if leaf.ndim > 1)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.fixture(scope="module")
def walks():
    """Every user walks along one circle of 40 items, from somewhere on: the last item tells, popularity does not."""
    random = np.random.default_rng(0)
    start = random.integers(0, 40, 120)
    items = random.permutation(40)[(start[:, None] + np.arange(9)[None, :]) % 40]
    log = pl.DataFrame(
        {"user": np.repeat(np.arange(120), 9), "item": items.ravel(), "timestamp": np.tile(np.arange(9), 120)}
    )
    return make_split(frame_dataset(log, name="walks"), feedback="sequential", protocol="leave-two-out")


@pytest.mark.parametrize(
    ("name", "hyper"),
    [("sasrec", {"blocks": 1, "dropout": 0.1}), ("gru4rec", {"dropout": 0.0}), ("svae", {"ahead": 1})],
)
def test_the_next_item_of_a_walk_is_found(name, hyper, walks, fitted):
    hyper = {"latent": 16, "length": 8, "learning_rate": 0.02, "batch_size": 64, **hyper}
    one = fitted(name, walks, hyper=hyper, epochs=40, validate_every=20)
    assert evaluate(one, metrics=["ndcg@10"])["ndcg@10"] > 0.9

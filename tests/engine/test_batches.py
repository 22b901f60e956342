"""What modules are fed: batches of each kind, stages, ``finish``, fake users; each on a toy declared here."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
import pytest
from flax import nnx
from recbench_algorithms.ease import EASE
from recbench_algorithms.popularity import Popularity

from recbench import ItemTable, Parameter, Stage
from recbench.contracts.records import Budget, Synthesis
from recbench.engine.batch import stack_replicas
from recbench.engine.solve import solved_programs
from recbench.engine.steps import epoch_slots, make_batch


def first(tree):
    return jax.tree.map(lambda leaf: leaf[0], tree)


def replica_of(data, sample):
    return first(stack_replicas(data, [sample], keys=[np.ones(2, np.uint32)], hyper=[{}], negatives=True))


def epoch(data, replica, stage, examples):
    """All batches of an epoch, from one compilation: examples, whether they are real, the batch."""
    steps = -(-examples // stage.batch_size)
    key = jax.random.key(5)

    @jax.jit
    def make(step):
        slots = epoch_slots(stage, replica, key=key, step=step)
        return slots, make_batch(stage, data.arrays, replica, slots, key=jax.random.fold_in(key, step))

    return [make(step) for step in range(steps)]


# --- the batches themselves -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ratings", "pairs"])
def test_an_epoch_holds_every_kept_row_once(kind, explicit, implicit, sample_of):
    data = explicit if kind == "ratings" else implicit
    split, sample = data.split, sample_of(data.split, 0.6)
    stage = Stage(None, kind, batch_size=37, negatives=3)
    batches = epoch(data, replica_of(data, sample), stage, len(sample.rows))
    kept = split.train.take(sample.rows)
    seen, example = [], []
    observed = set(zip(kept.user.tolist(), kept.item.tolist(), strict=True))
    for slots, batch in batches:
        real = np.asarray(slots.real)
        assert (np.asarray(batch.mask) == real).all()
        users, items = np.asarray(batch.users)[real].tolist(), np.asarray(batch.items)[real].tolist()
        values = np.asarray(batch.ratings)[real].tolist() if kind == "ratings" else [1.0] * len(users)
        seen += list(zip(users, items, values, strict=True))
        example += np.asarray(slots.example)[real].tolist()
        if kind == "pairs":
            negatives = np.asarray(batch.negatives)[real]
            assert negatives.shape[1] == 3
            assert not observed & {(user, item) for user, row in zip(users, negatives.tolist(), strict=True)
                                   for item in row}  # fmt: skip
    ratings = kept.rating if kind == "ratings" else np.ones(len(kept))
    assert sorted(seen) == sorted(zip(kept.user.tolist(), kept.item.tolist(), ratings.tolist(), strict=True))
    assert sorted(example) == list(range(len(sample.rows)))


def test_negatives_may_be_items_that_were_sampled_away(implicit, sample_of):
    """A sample is all that a run knows: train positives outside it can be drawn."""
    split, sample = implicit.split, sample_of(implicit.split, 0.3)
    stage = Stage(None, "pairs", batch_size=128, negatives=20)
    train = set(zip(split.train.user.tolist(), split.train.item.tolist(), strict=True))
    drawn = {
        pair
        for _, batch in epoch(implicit, replica_of(implicit, sample), stage, len(sample.rows))
        for user, row in zip(np.asarray(batch.users).tolist(), np.asarray(batch.negatives).tolist(), strict=True)
        for pair in [(user, item) for item in row]
    }
    assert drawn & train


@pytest.mark.parametrize("feedback", ["explicit", "implicit"])
def test_rows_are_the_users_of_the_sample(feedback, request, sample_of):
    data = request.getfixturevalue(feedback)
    sample = sample_of(data.split, 0.1)
    kept = data.split.train.take(sample.rows)
    dense = np.zeros((40, 30), np.float32)
    dense[kept.user, kept.item] = kept.rating if feedback == "explicit" else 1
    active = np.unique(kept.user)
    assert len(active) < 40
    seen = []
    for slots, batch in epoch(data, replica_of(data, sample), Stage(None, "rows", batch_size=7), len(active)):
        real = np.asarray(slots.real)
        users = np.asarray(batch.users)[real]
        np.testing.assert_array_equal(np.asarray(batch.rows)[real], dense[users])
        np.testing.assert_array_equal(np.asarray(batch.observed)[real], dense[users] != 0)
        seen += users.tolist()
    assert sorted(seen) == active.tolist()


def test_sequences_are_the_latest_kept_rows_oldest_first(sequential, sample_of):
    split, sample = sequential.split, sample_of(sequential.split, 0.7)
    stage = Stage(None, "sequences", batch_size=16, length=5, negatives=2)
    kept = split.train.take(sample.rows)
    users = np.unique(kept.user)
    histories = {user: kept.item[kept.user == user].tolist() for user in users.tolist()}
    assert min(map(len, histories.values())) < 5 < max(map(len, histories.values()))
    seen = []
    for slots, batch in epoch(sequential, replica_of(sequential, sample), stage, len(users)):
        for place in np.flatnonzero(slots.real):
            user, real = int(batch.users[place]), np.asarray(batch.item_mask[place])
            assert np.asarray(batch.items[place])[real].tolist() == histories[user][-5:]
            assert (real == (np.arange(5) < len(histories[user]))).all()
            negatives = np.asarray(batch.negatives[place])
            assert negatives.shape == (5, 2)
            assert not set(negatives.ravel().tolist()) & set(histories[user])
            seen.append(user)
    assert sorted(seen) == users.tolist()


# --- modules that eat rows --------------------------------------------------------------------------------------------


class LinearAutoencoder(nnx.Module):
    """x -> x W without bias: squared error on the rows."""

    def __init__(self, shape):
        self.weight = nnx.Param(jnp.zeros((shape.num_items, shape.num_items)))

    def loss(self, batch, context):
        return jnp.square(batch.rows @ self.weight[...] - batch.rows).sum(1)

    def score(self, query):
        return query.dense() @ self.weight[...]


class Autoencoder:
    """One step an epoch over all users, plain gradient descent: the weights can be followed by hand."""

    def stages(self, feedback, hyper):
        build = lambda shape, **_: LinearAutoencoder(shape)  # noqa: E731
        return [Stage(build, "rows", batch_size=64, optimizer=lambda _: optax.sgd(0.05))]


def descend(dense, epochs):
    """The same descent in NumPy, over the mean of the users' losses."""
    weight = np.zeros((dense.shape[1],) * 2)
    gram = dense.T.astype(np.float64) @ dense / len(dense)
    for _ in range(epochs):
        weight -= 0.05 * 2 * (gram @ weight - gram)
    return weight


def trained_weights(fitted, place):
    return np.asarray(nnx.to_pure_dict(fitted.states.params)["weight"])[place]


def test_an_autoencoder_on_rows_of_users(implicit, bench, sample_of):
    toy = bench(implicit, Autoencoder, history="all")
    samples = [sample_of(implicit.split, share) for share in (1.0, 0.1)]
    fitted = toy.fit(*map(toy.run, samples), epochs=6, validate_every=6)
    for place, sample in enumerate(samples):
        kept = implicit.split.train.take(sample.rows)
        dense = np.zeros((40, 30))
        dense[kept.user, kept.item] = 1
        dense = dense[dense.any(1)]
        np.testing.assert_allclose(trained_weights(fitted, place), descend(dense, 6), atol=1e-5)


@pytest.fixture(scope="module")
def fake():
    """Two sets of fake users of different sizes."""
    random = np.random.default_rng(0)
    return [
        Synthesis((random.random((size, 30)) * (random.random((size, 30)) < 0.4)).astype(np.float32), "toy",
                  Budget(size, "users"), 0)
        for size in (11, 24)
    ]  # fmt: skip


def test_an_autoencoder_on_fake_users(implicit, bench, fake):
    toy = bench(implicit, Autoencoder, history="all", fake_users=True)
    fitted = toy.fit(*map(toy.run, fake), epochs=6, validate_every=6)
    for place, synthesis in enumerate(fake):
        np.testing.assert_allclose(trained_weights(fitted, place), descend(synthesis.rows, 6), atol=1e-5)
    assert [progress.samples for progress in fitted.progress] == [6 * np.count_nonzero(one.rows) for one in fake]


def test_what_is_solved_on_fake_users_scores_real_ones(implicit, bench, fake, reference):
    """EASE and popularity on fake rows, dense in NumPy; histories are the real users' train and validation rows."""
    split = implicit.split
    history = np.zeros((40, 30))
    history[split.train.user, split.train.item] = history[split.validation.user, split.validation.item] = 1
    popular = bench(implicit, Popularity, form="solved", fake_users=True)
    ease = bench(
        implicit, EASE, form="solved", fake_users=True, history="all", hyper=[Parameter("l2", 5.0, "", traced=True)]
    )
    scored = zip(fake, popular.outcomes(*map(popular.run, fake)), ease.outcomes(*map(ease.run, fake)), strict=True)
    for synthesis, by_count, by_weights in scored:
        rows = synthesis.rows.astype(np.float64)
        inverse = np.linalg.inv(rows.T @ rows + 5 * np.eye(30))
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0)
        for scores, outcome in ((np.tile(rows.sum(0), (40, 1)), by_count), (history @ weights, by_weights)):
            for name, values in reference(split, scores).items():
                assert outcome.metrics[name] == pytest.approx(values.mean(), abs=1e-5), name


# --- modules that eat sequences ---------------------------------------------------------------------------------------


class TransitionModule(nnx.Module):
    """A table of first-order transitions: logits of the next item."""

    def __init__(self, shape):
        self.table = ItemTable(jnp.zeros((shape.num_items, shape.num_items)))

    def loss(self, batch, context):
        logits = self.table[batch.items[:, :-1]]
        real = batch.item_mask[:, 1:]
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, batch.items[:, 1:])
        return jnp.where(real, losses, 0).sum(1)

    def score(self, query):
        last = jnp.maximum(query.mask.sum(1) - 1, 0)
        return self.table[jnp.take_along_axis(query.items, last[:, None], axis=1)[:, 0]]


class Transitions:
    """Needs the last row of a history alone."""

    def stages(self, feedback, hyper):
        build = lambda shape, **_: TransitionModule(shape)  # noqa: E731
        return [Stage(build, "sequences", batch_size=32, length=6, negatives=0, optimizer=lambda _: optax.adam(0.1))]


@pytest.mark.parametrize("history", ["full", "sample"])
def test_transitions_find_the_next_item_of_a_cycle(history, make_data, bench, sample_of):
    """User u walks items u, u + 1, ... around a cycle. The next item is certain once each transition is learned."""
    user, step = np.divmod(np.arange(40 * 9), 9)
    log = pl.DataFrame({"user": user, "item": (user + step) % 20, "timestamp": step})
    data = make_data("sequential", log=log)
    toy = bench(data, Transitions, history=1)
    outcome, cold = toy.outcomes(
        toy.run(), toy.run(sample_of(data.split, 0.01)), epochs=20, validate_every=10, history=history
    )
    assert (outcome.metrics["ndcg@10"], outcome.validation) == (1, 1)
    assert cold.metrics["ndcg@10"] < 0.9


# --- stages, finish ---------------------------------------------------------------------------------------------------


class CountModule(nnx.Module):
    """Item biases, learned by BPR."""

    def __init__(self, shape):
        self.bias = nnx.Param(jnp.zeros(shape.num_items))

    def loss(self, batch, context):
        return jax.nn.softplus(self.bias[batch.negatives] - self.bias[batch.items][:, None]).mean(1)

    def score(self, query):
        return jnp.broadcast_to(self.bias[...], (query.users.shape[0], query.num_items))


class FusedModule(nnx.Module):
    """Holds what the first stage learned; its own parameter doubles it, and ``finish`` adds the counts of train."""

    def __init__(self, shape, earlier, counts=None):
        self.given = nnx.Variable(earlier)
        self.factor = nnx.Param(jnp.float32(2))
        self.counts = nnx.Variable(jnp.zeros(shape.num_items) if counts is None else counts)

    def loss(self, batch, context):
        return jnp.zeros(batch.users.shape) * self.factor[...]

    def finish(self, context):
        self.counts[...] = context.train.item_sums(context.train.value)
        return self

    def score(self, query):
        scores = self.factor[...] * self.given[...] + 1000 * self.counts[...]
        return jnp.broadcast_to(scores, (query.users.shape[0], query.num_items))


class TwoStages:
    """Biases for two epochs, then a stage that learns nothing more."""

    def stages(self, feedback, hyper):
        sgd = lambda hyper: optax.sgd(hyper["learning_rate"])  # noqa: E731
        return [
            Stage(lambda shape, **_: CountModule(shape), "pairs", batch_size=64, optimizer=sgd, epochs=2),
            Stage(self.fuse, "rows", batch_size=64, optimizer=sgd),
        ]

    def fuse(self, shape, *, hyper, key, earlier):
        (trained,) = earlier
        return FusedModule(shape, trained.bias[...])


class FirstStage(TwoStages):
    """The first stage alone."""

    def stages(self, feedback, hyper):
        return super().stages(feedback, hyper)[:1]


@pytest.fixture(scope="module")
def staged(implicit, bench, sample_of):
    """Both stages, and the first alone, for two runs of different sizes."""
    rate = [Parameter("learning_rate", 0.5, "", traced=True)]
    both, alone = (bench(implicit, kind, hyper=rate) for kind in (TwoStages, FirstStage))
    object.__setattr__(alone.contestant.spec, "name", both.contestant.spec.name)  # the same key
    samples = [sample_of(implicit.split, share) for share in (1.0, 0.3)]
    fits = [toy.fit(*map(toy.run, samples), epochs=3, validate_every=1) for toy in (both, alone)]
    return both, samples, *fits


def test_the_second_stage_is_built_from_what_the_first_learned(staged):
    _, _, fused, first_stage = staged
    given = np.asarray(nnx.to_pure_dict(fused.states.rest)["given"])
    learned = np.asarray(nnx.to_pure_dict(first_stage.states.params)["bias"])
    assert np.abs(learned).max() > 0.05
    np.testing.assert_allclose(given, learned, rtol=1e-5, atol=1e-6)
    assert [progress.epochs for progress in fused.progress] == [2 + 3] * 2


def test_finish_is_called_before_scoring_with_the_run_s_train_rows(staged, reference):
    toy, samples, fused, _ = staged
    scored = toy.score(fused)
    given = np.asarray(nnx.to_pure_dict(fused.states.rest)["given"])
    for place, sample in enumerate(samples):
        counts = np.bincount(toy.data.split.train.item[sample.rows], minlength=30)
        scores = (2 * given[place] + 1000 * counts).astype(np.float32)
        wanted = reference(toy.data.split, np.tile(scores, (40, 1)))["auc"]
        np.testing.assert_allclose(scored.values[place, :, 0], wanted, atol=1e-6)


# --- modules that know their size -------------------------------------------------------------------------------------


class SizedModule(nnx.Module):
    """Keeps the number of items as a plain attribute, as modules do."""

    def __init__(self, shape):
        self.num_items = shape.num_items
        self.bias = nnx.Param(jnp.arange(shape.num_items, dtype=jnp.float32))

    def loss(self, batch, context):
        return jnp.zeros(batch.users.shape) * self.bias[0]

    def score(self, query):
        return jnp.broadcast_to(self.bias[: self.num_items], (query.users.shape[0], self.num_items))


class Sized:
    """One stage."""

    def stages(self, feedback, hyper):
        return [Stage(lambda shape, **_: SizedModule(shape), "pairs", batch_size=64, optimizer=lambda _: optax.sgd(0))]


def test_one_algorithm_on_splits_of_different_sizes(implicit, make_data, make_log, bench, reference):
    """A module's plain attributes are those of its own split, in whatever order splits come."""
    other = make_data("implicit", log=make_log(items=21))
    for data, mask in ((implicit, "full"), (other, "full"), (implicit, "sample")):
        toy = bench(data, Sized)
        fitted = toy.fit(toy.run(), epochs=1, validate_every=1, mask=mask)
        scores = np.tile(np.arange(data.split.num_items), (data.split.num_users, 1))
        wanted = reference(data.split, scores)["auc"]
        np.testing.assert_allclose(toy.score(fitted, mask=mask).values[0, :, 0], wanted, atol=1e-6)


# --- what a grid shares -----------------------------------------------------------------------------------------------


class Shifted:
    """Item counts plus a traced shift; the counts are prepared."""

    def prepare(self, train, *, hyper):
        return train.item_sums(train.value) * hyper["scale"]

    def fit(self, train, *, hyper, key, prepared):
        return prepared + hyper["shift"]

    def score(self, state, query):
        return jnp.broadcast_to(state[None, :], (query.users.shape[0], query.num_items))


def test_a_grid_prepares_once_and_samples_are_told_apart(implicit, bench, sample_of):
    hyper = [Parameter("shift", 0.0, "", traced=True), Parameter("scale", 2.0, "")]
    toy = bench(implicit, Shifted, form="solved", hyper=hyper)
    whole, part = sample_of(implicit.split), sample_of(implicit.split, 0.5)
    programs = solved_programs(toy.contestant.implementation, static=(("scale", 2.0),))
    calls, prepare = [], programs.prepare
    programs.__dict__["prepare"] = lambda *given: calls.append(1) or prepare(*given)
    count = {id(each): np.bincount(implicit.split.train.item[each.rows], minlength=30) for each in (whole, part)}
    for samples, expected in (((whole, whole), 1), ((whole, whole), 1), ((part, part), 2), ((whole, part), 2)):
        runs = [toy.run(sample, shift=float(place)) for place, sample in enumerate(samples)]
        states = toy.fit(*runs).states
        for place, sample in enumerate(samples):
            np.testing.assert_array_equal(states[place], 2 * count[id(sample)] + place)
        assert len(calls) == expected

"""Training many runs together: each as if it were alone, one compilation, early stopping, divergence, time limits."""

from __future__ import annotations

import time
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from recbench import ItemTable, Parameter, RatingsBatch, Stage, UserTable
from recbench.engine.batch import place_split
from recbench.engine.devices import compilations
from recbench.engine.tables import look_up

HYPER = (
    Parameter("learning_rate", 0.05, "step size", traced=True),
    Parameter("width", 3, "factors"),
)


class FactorModule(nnx.Module):
    """Biases and factors; BPR or squared error. Tables start away from zero, so that forgetting shows."""

    def __init__(self, shape, width, key):
        users, items = jax.random.split(key)
        self.mean = nnx.Variable(jnp.asarray(shape.mean_rating))
        self.user_bias = UserTable(jnp.ones(shape.num_users))
        self.item_bias = ItemTable(jnp.ones(shape.num_items))
        self.user_factors = UserTable(0.3 * jax.random.normal(users, (shape.num_users, width)))
        self.item_factors = ItemTable(0.3 * jax.random.normal(items, (shape.num_items, width)))

    def loss(self, batch, context):
        keep = jax.random.bernoulli(context.key, 0.8, (batch.users.shape[0], self.user_factors.shape[1]))
        user = jnp.where(keep, self.user_factors[batch.users], 0)
        own = jnp.sum(user * self.item_factors[batch.items], 1) + self.item_bias[batch.items]
        if isinstance(batch, RatingsBatch):
            return jnp.square(self.mean[...] + self.user_bias[batch.users] + own - batch.ratings)
        other = jnp.sum(user[:, None] * self.item_factors[batch.negatives], 2) + self.item_bias[batch.negatives]
        return jax.nn.softplus(other - own[:, None]).mean(1)

    def predict(self, query, rows, items):
        users = query.users[rows]
        personal = look_up(self.user_bias[...], users)
        personal += jnp.sum(look_up(self.user_factors[...], users) * self.item_factors[items], 1)
        return self.mean[...] + personal + self.item_bias[items]

    def score(self, query):
        factors = look_up(self.user_factors[...], query.users)
        return factors @ self.item_factors[...].T + self.item_bias[...][None, :]


class Factors:
    """Needs several steps an epoch even on the smallest sample."""

    def stages(self, feedback, hyper):
        return [Stage(self.build, "ratings" if feedback == "explicit" else "pairs", batch_size=32, negatives=2)]

    def build(self, shape, *, hyper, key, earlier):
        return FactorModule(shape, hyper["width"], key)


def params(fitted, place=0):
    """Parameters of one run, as NumPy arrays by name."""
    state = nnx.to_pure_dict(fitted.states.params)
    return {name: np.asarray(value)[place] for name, value in state.items()}


def assert_same(first, second, **tolerance):
    for name in first:
        np.testing.assert_allclose(first[name], second[name], **{"rtol": 1e-4, "atol": 1e-5, **tolerance}, err_msg=name)


def differ(first, second):
    return max(np.abs(first[name] - second[name]).max() for name in first)


@pytest.fixture(scope="module")
def toy(implicit, bench):
    return bench(implicit, Factors, hyper=HYPER)


@pytest.fixture(scope="module")
def runs(toy, sample_of):
    """Four runs: three sizes, two seeds, two learning rates."""
    split = toy.data.split
    return (
        toy.run(sample_of(split, 1.0)),
        toy.run(sample_of(split, 0.5)),
        toy.run(sample_of(split, 0.2, seed=1), seed=1),
        toy.run(sample_of(split, 0.5), learning_rate=0.01),
    )


@pytest.fixture(scope="module")
def together(toy, runs):
    return toy.fit(*runs)


@pytest.fixture(scope="module")
def alone(toy, runs):
    return [toy.fit(run) for run in runs]


# --- many runs in one program -----------------------------------------------------------------------------------------


def test_a_run_in_a_batch_is_the_run_alone(toy, together, alone):
    values = toy.score(together).values
    for place, single in enumerate(alone):
        assert_same(params(together, place), params(single))
        np.testing.assert_allclose(values[place], toy.score(single).values[0], atol=1e-3)
        assert (together.progress[place].epochs, together.progress[place].samples) == (
            4,
            4 * len(together.runs[place].sample.rows),
        )


def test_neighbours_in_the_batch_change_nothing(toy, runs, together, sample_of):
    """Other sizes, seeds, rates, order, and a batch that is padded from three to four."""
    other = toy.run(sample_of(toy.data.split, 0.1, seed=7), seed=9, learning_rate=0.5)
    mixed = toy.fit(other, runs[2], runs[1], width=4)
    assert_same(params(mixed, 1), params(together, 2))
    assert_same(params(mixed, 2), params(together, 1))


def test_seed_sample_and_rate_each_change_the_result(together, toy, runs):
    other_seed = toy.fit(replace(runs[1], training_seed=1))
    assert differ(params(other_seed), params(together, 1)) > 0.01
    assert differ(params(together, 0), params(together, 1)) > 0.01
    assert differ(params(together, 1), params(together, 3)) > 0.01


def test_one_compilation_serves_samples_seeds_and_traced_hyper_parameters(toy, runs, together, sample_of):
    toy.outcomes(*runs)  # every program of four runs exists from here on
    before = compilations()
    others = [
        toy.run(sample_of(toy.data.split, share, seed=5), seed=place, learning_rate=0.02 * (place + 1))
        for place, share in enumerate((0.9, 0.3, 0.7, 0.4))
    ]
    outcomes = toy.outcomes(*others, epochs=7, validate_every=3, patience=50)
    assert [outcome.status for outcome in outcomes] == ["ok"] * 4
    assert [outcome.cost.epochs for outcome in outcomes] == [7] * 4
    assert compilations() == before


def test_runs_with_other_static_hyper_parameters_are_refused(toy):
    with pytest.raises(ValueError, match="static hyper-parameters"):
        toy.fit(toy.run(), toy.run(width=4))


def test_neighbours_change_nothing_for_explicit_runs(explicit, bench, sample_of):
    toy = bench(explicit, Factors, hyper=HYPER)
    whole, half, tenth = (toy.run(sample_of(explicit.split, share)) for share in (1.0, 0.5, 0.1))
    assert_same(params(toy.fit(whole, half), 1), params(toy.fit(half, tenth), 0))


class StepModule(nnx.Module):
    """Learns nothing but what the core tells of the time: sums step and steps per epoch with weight 1."""

    def __init__(self, shape):
        self.total = nnx.Param(jnp.zeros(2))

    def loss(self, batch, context):
        seen = jnp.stack([context.step, context.steps_per_epoch]).astype(jnp.float32)
        return jnp.broadcast_to(-jnp.sum(self.total[...] * seen), batch.users.shape)

    def score(self, query):
        return jnp.zeros((query.users.shape[0], query.num_items)) + self.total[0]


class StepCounter:
    """Plain gradient ascent at rate 1: each step adds (step, steps per epoch)."""

    def stages(self, feedback, hyper):
        import optax

        return [Stage(lambda shape, **_: StepModule(shape), "pairs", batch_size=32, optimizer=lambda _: optax.sgd(1.0))]


def test_a_step_knows_its_own_run_s_time(implicit, bench, sample_of):
    """For schedules: the step and the steps per epoch are those of the run, not of the largest in its batch."""
    toy = bench(implicit, StepCounter)
    samples = [sample_of(implicit.split, share) for share in (1.0, 0.3)]
    fitted = toy.fit(*map(toy.run, samples), epochs=3, validate_every=3)
    for place, sample in enumerate(samples):
        steps = -(-len(sample.rows) // 32)
        assert params(fitted, place)["total"] == pytest.approx([sum(range(3 * steps)), 3 * steps * steps], rel=1e-5)


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_divergence_touches_one_run(toy, runs, together):
    broken = replace(runs[0], hyper={**runs[0].hyper, "learning_rate": 1e30})
    outcomes = toy.outcomes(runs[1], broken, runs[2], runs[3])
    assert [outcome.status for outcome in outcomes] == ["ok", "diverged", "ok", "ok"]
    assert "not finite" in outcomes[1].reason
    assert outcomes[1].metrics == {} and outcomes[1].validation is None
    mixed = toy.fit(runs[1], broken, runs[2], runs[3])
    for place, same in ((0, 1), (2, 2), (3, 3)):
        assert_same(params(mixed, place), params(together, same))


def validation_by_epochs(toy, run, epochs):
    """The validation metric of the run after each number of epochs, each trained anew."""
    fits = [toy.fit(run, epochs=number, validate_every=number) for number in range(1, epochs + 1)]
    return fits, [float(toy.score(fitted, "validation").values[0].mean(dtype=np.float64)) for fitted in fits]


def test_the_best_state_by_validation_is_kept(toy, runs):
    run = replace(runs[1], hyper={**runs[1].hyper, "learning_rate": 0.3})
    fits, values = validation_by_epochs(toy, run, 8)
    best = int(np.argmax(values))
    assert best < 7, "the learning rate is meant to be too high"
    stopped = toy.fit(run, epochs=8, validate_every=1, patience=100)
    assert_same(params(stopped), params(fits[best]))
    (outcome,) = toy.outcomes(run, epochs=8, validate_every=1, patience=100)
    assert outcome.validation == pytest.approx(values[best], abs=1e-6)


def test_runs_stop_after_the_patience_and_the_rest_go_on_in_smaller_batches(toy, runs):
    rates = (0.3, 0.003, 0.5, 0.4)
    group = [replace(run, hyper={**run.hyper, "learning_rate": rate}) for run, rate in zip(runs, rates, strict=True)]
    together = toy.fit(*group, epochs=12, validate_every=1, patience=2)
    epochs = [progress.epochs for progress in together.progress]
    assert max(epochs) == 12 and sum(number < 12 for number in epochs) >= 2, epochs
    for place, run in enumerate(group):
        single = toy.fit(run, epochs=12, validate_every=1, patience=2)
        assert single.progress[0].epochs == epochs[place]
        assert_same(params(together, place), params(single), rtol=1e-3, atol=1e-4)


def test_without_validation_rows_training_goes_on_to_the_end(implicit, bench, sample_of):
    none = np.array([], np.int64)
    split = replace(implicit.split, validation=implicit.split.validation.take(none), validation_position=none)
    toy = bench(place_split(split), Factors, hyper=HYPER)
    (outcome,) = toy.outcomes(toy.run(), epochs=3, validate_every=1, patience=1)
    assert (outcome.status, outcome.validation, outcome.cost.epochs) == ("ok", None, 3)


def test_nothing_begins_after_the_deadline(toy, runs):
    outcomes = toy.outcomes(*runs, deadline=time.monotonic() - 1)
    assert [outcome.status for outcome in outcomes] == ["timeout"] * 4
    assert all("time limit" in outcome.reason and not outcome.metrics for outcome in outcomes)


def test_training_ends_at_the_deadline(toy, runs):
    outcomes = toy.outcomes(*runs, deadline=time.monotonic() + 0.1, epochs=10**6, validate_every=1, patience=10**6)
    assert [outcome.status for outcome in outcomes] == ["timeout"] * 4
    assert all(0 < outcome.cost.epochs < 10**6 for outcome in outcomes)


class Slow:
    """Solved and host: takes its time."""

    def fit(self, train, *, hyper, **rng_or_key):
        return np.zeros(30, np.float32) if "rng" in rng_or_key else jnp.zeros(30)

    def score(self, state, query):
        return state[None, :] + query.users[:, None] * 0


@pytest.mark.parametrize("form", ["solved", "host"])
def test_deadlines_hold_for_all_forms(form, implicit, bench):
    toy = bench(implicit, Slow, form=form)
    outcomes = toy.outcomes(toy.run(), toy.run(), deadline=time.monotonic() - 1)
    assert [outcome.status for outcome in outcomes] == ["timeout"] * 2
    assert all("time limit" in outcome.reason and not outcome.metrics for outcome in outcomes)


# --- cold users and items ---------------------------------------------------------------------------------------------


def test_users_and_items_without_a_kept_row_stand_at_zero(toy, together, runs, implicit):
    place, sample = 2, runs[2].sample  # a fifth of the rows
    kept = implicit.split.train.take(sample.rows)
    cold_users, cold_items = (np.setdiff1d(np.arange(size), seen) for size, seen in ((40, kept.user), (30, kept.item)))
    assert len(cold_users) and len(cold_items)
    run, state = (jax.tree.map(lambda leaf: leaf[place], tree) for tree in (together.replicas, together.states))
    module = together.programs.scorer(implicit.arrays, run, state)
    for table, cold in ((module.user_bias, cold_users), (module.user_factors, cold_users),
                        (module.item_bias, cold_items), (module.item_factors, cold_items)):  # fmt: skip
        value = np.asarray(table[...])
        assert not value[cold].any()
        assert np.delete(value, cold, axis=0).all()

"""Runs in turn on a CPU's cores and side by side on an accelerator: the same results, stopped runs or not."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from recbench import ItemTable, Parameter, Stage
from recbench.engine import parallel, programs, train
from recbench.engine.parallel import across_cores, cores_for

HYPER = (Parameter("learning_rate", 0.05, "step size", traced=True),)


class ItemBias(nnx.Module):
    """A bias for each item, by BPR."""

    def __init__(self, items):
        self.bias = ItemTable(jnp.zeros(items))

    def loss(self, batch, context):
        return jnp.log1p(jnp.exp(self.bias[batch.negatives] - self.bias[batch.items][:, None])).mean(1)

    def score(self, query):
        return jnp.broadcast_to(self.bias[...][None, :], (query.users.shape[0], query.num_items))


class Biases:
    """One stage with several steps an epoch."""

    def stages(self, feedback, hyper):
        return [Stage(self.build, "pairs", batch_size=32)]

    def build(self, shape, *, hyper, key, earlier):
        return ItemBias(shape.num_items)


def test_both_ways_agree_when_runs_stop_at_different_times(implicit, bench, sample_of, monkeypatch):
    toy = bench(implicit, Biases, hyper=HYPER)
    rates = (0.3, 0.1, 0.001, 0.0005, 0.2)
    runs = [toy.run(sample_of(implicit.split, 0.3 + 0.1 * seed), seed=seed, learning_rate=rate)
            for seed, rate in enumerate(rates)]  # fmt: skip
    training = {"epochs": 24, "validate_every": 2, "patience": 2}
    in_turn = toy.outcomes(*runs, **training)
    for module in (programs, train):
        monkeypatch.setattr(module, "in_turn", lambda: False)
    side_by_side = toy.outcomes(*runs, **training)
    assert len({outcome.cost.epochs for outcome in in_turn}) > 1, "some run stops early, or nothing is dropped"
    for one, other in zip(in_turn, side_by_side, strict=True):
        assert one.cost.epochs == other.cost.epochs and one.cost.samples_processed == other.cost.samples_processed
        assert one.metrics == pytest.approx(other.metrics, abs=1e-5)


@pytest.mark.parametrize(("runs", "cores", "expected"), [(1, 4, 1), (2, 4, 2), (16, 2, 2), (6, 4, 2), (8, 3, 2)])
def test_shares_are_equal_and_no_more_than_the_cores(runs, cores, expected, monkeypatch):
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert cores_for(runs) == expected


def test_results_come_back_in_order(monkeypatch):
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    values = {"a": np.arange(24).reshape(8, 3), "b": np.arange(8.0)}
    doubled = across_cores(lambda tree: {name: 2 * leaf for name, leaf in tree.items()}, values)
    assert all(np.array_equal(doubled[name], 2 * values[name]) for name in values)


@pytest.mark.parametrize(("runs", "devices", "places"), [(1, 1, 1), (5, 1, 8), (5, 3, 6), (700, 3, 768), (4, 4, 4)])
def test_each_device_gets_the_same_power_of_two(runs, devices, places, monkeypatch):
    monkeypatch.setattr(parallel, "devices_in_use", lambda: devices)
    assert parallel.places_for(runs) == places

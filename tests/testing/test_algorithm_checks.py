"""Each rule of the contract of algorithms catches what breaks it, and nothing else does: toys with one fault each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from recbench import ItemTable, Parameter, Stage, UserTable, look_up
from recbench.testing import ALGORITHM_RULES

# --- solved: sane, then with one fault each ---------------------------------------------------------------------------


class Companions:
    """Items by how often they stand in one history with those of the user's."""

    def fit(self, train, *, hyper, key):
        gram = train.gram()
        return jnp.where(jnp.eye(train.num_items) > 0, 0, gram)

    def score(self, state, query):
        return query.observed() @ state


class ReadsIds(Companions):
    def score(self, state, query):
        return super().score(state, query) + jnp.arange(query.num_items)[None, :] / 10


class LooksAround(Companions):
    """A callback is handed all runs of a batch at once."""

    def fit(self, train, *, hyper, key):
        gram = super().fit(train, hyper=hyper, key=key)
        like = jax.ShapeDtypeStruct(gram.shape, gram.dtype)
        return jax.pure_callback(lambda x: np.asarray(x) / np.max(x), like, gram, vmap_method="broadcast_all")


class LeaksTheSeed(Companions):
    def fit(self, train, *, hyper, key):
        return super().fit(train, hyper=hyper, key=key) * (1 + 0.01 * jax.random.uniform(key))


class DividesByTheLength(Companions):
    def score(self, state, query):
        return super().score(state, query) / query.mask.sum(1, keepdims=True).astype(jnp.float32)


def made_anew():
    """Programs are kept by class, and this is another class at each call."""
    return type("Fresh", (Companions,), {})()


class CountsPadding(Companions):
    def fit(self, train, *, hyper, key):
        return super().fit(train, hyper=hyper, key=key) * (1 + train.value.mean())


class ForgetsTheMask(Companions):
    def score(self, state, query):
        return state[query.items].sum(1) - (~query.mask).sum(1).astype(jnp.float32)[:, None] * state[0][None, :]


class TakesTheNearest(Companions):
    """More neighbours than items are too many for it."""

    def fit(self, train, *, hyper, key):
        gram = super().fit(train, hyper=hyper, key=key)
        return jnp.where(gram >= jax.lax.top_k(gram, hyper["neighbours"])[0][:, -1:], gram, 0)


class CountsEveryEntry(Companions):
    """Of real users the coordinates are what is observed; of fake ones they are all entries."""

    def fit(self, train, *, hyper, key):
        there = (train.user < train.num_users).astype(jnp.float32)
        counts = jax.ops.segment_sum(there, train.item, train.num_items)
        return super().fit(train, hyper=hyper, key=key) / (1 + counts)[None, :]


class Popular:
    def fit(self, train, *, hyper, key):
        return train.item_sums(train.value)

    def score(self, state, query):
        return jnp.broadcast_to(state[None, :], (query.users.shape[0], query.num_items))


class Unpopular(Popular):
    def fit(self, train, *, hyper, key):
        return -super().fit(train, hyper=hyper, key=key)


class UserMeans:
    """The last user's mean for an unseen one: -1 counts from the end."""

    def fit(self, train, *, hyper, key):
        return train.user_sums(train.value) / jnp.maximum(train.user_sums(jnp.ones_like(train.value)), 1)

    def score(self, state, query):
        return jnp.broadcast_to(state[query.users][:, None], (query.users.shape[0], query.num_items))

    def predict(self, state, query, rows, items):
        return state[query.users[rows]]


class ItemMeans:
    """Scores the worst items highest."""

    def fit(self, train, *, hyper, key):
        mean = train.value.sum() / train.mask.sum().astype(jnp.float32)
        return (train.item_sums(train.value) + mean) / (train.item_sums(jnp.ones_like(train.value)) + 1)

    def score(self, state, query):
        return jnp.broadcast_to(-state[None, :], (query.users.shape[0], query.num_items))

    def predict(self, state, query, rows, items):
        return state[items]


class WarmStart:
    """A host algorithm that remembers its last fit a little."""

    before = 0.0

    def fit(self, train, *, hyper, rng):
        dense = np.zeros((train.num_users, train.num_items), np.float32)
        dense[train.user, train.item] = 1
        type(self).before += 1e-4
        return dense.T @ dense * (1 - np.eye(train.num_items, dtype=np.float32)) * (1 + self.before)

    def score(self, state, query):
        history = np.zeros((len(query.users), query.num_items), np.float32)
        row, place = np.nonzero(query.mask)
        history[row, query.items[row, place]] = 1
        return history @ state


# --- trained ----------------------------------------------------------------------------------------------------------


class FactorModule(nnx.Module):
    """<p_u, q_i> by BPR."""

    users_in: Any = UserTable

    def __init__(self, shape, key):
        users, items = jax.random.split(key)
        self.users = self.users_in(0.1 * jax.random.normal(users, (shape.num_users, 4)))
        self.items = ItemTable(0.1 * jax.random.normal(items, (shape.num_items, 4)))

    def loss(self, batch, context):
        user = self.users[batch.users]
        margin = jnp.sum(user * (self.items[batch.items] - self.items[batch.negatives[:, 0]]), axis=1)
        return jax.nn.softplus(-margin)

    def score(self, query):
        return look_up(self.users[...], query.users) @ self.items[...].T


class Factors:
    module: Any = FactorModule

    def stages(self, feedback, hyper):
        return [Stage(self.build, "pairs", batch_size=64, optimizer=lambda hyper: optax.adam(0.03))]

    def build(self, shape, *, hyper, key, earlier):
        return self.module(shape, key)


class PlainParameter(FactorModule):
    """The core does not know that this is a table of users."""

    users_in = nnx.Param


class RemembersUsers(Factors):
    module = PlainParameter


class ByNumber(FactorModule):
    def loss(self, batch, context):
        return super().loss(batch, context) * (1 + batch.items.astype(jnp.float32) / 1000)


class WeighsByNumber(Factors):
    module = ByNumber


class Centred(FactorModule):
    def loss(self, batch, context):
        losses = super().loss(batch, context)
        return losses - losses.mean() / 2


class ComparesExamples(Factors):
    module = Centred


class BagModule(nnx.Module):
    """The mean of the history's embeddings: an order is not seen."""

    def __init__(self, shape, key):
        self.items = ItemTable(0.1 * jax.random.normal(key, (shape.num_items, 4)))

    def _bag(self, items, mask):
        return jnp.where(mask[:, :, None], self.items[...][items], 0).sum(axis=1)

    def loss(self, batch, context):
        logits = jax.nn.log_softmax(self._bag(batch.items, batch.item_mask) @ self.items[...].T)
        chosen = jnp.take_along_axis(logits, batch.items, axis=1)
        return -jnp.where(batch.item_mask, chosen, 0).sum(axis=1)

    def score(self, query):
        return self._bag(query.items, query.mask) @ self.items[...].T


class Bag(Factors):
    module = BagModule

    def stages(self, feedback, hyper):
        adam = lambda hyper: optax.adam(0.03)  # noqa: E731
        return [Stage(self.build, "sequences", batch_size=16, length=12, negatives=0, optimizer=adam)]


# --- verdicts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """A toy, the one rule that it breaks, words of what is found, and what its spec says.

    ``rules``: those that are tried, where all would take long to compile.
    """

    kind: Any
    rule: str
    words: str
    spec: dict[str, Any] = field(default_factory=dict)
    rules: tuple[str, ...] = ()


FIXED = {"deterministic": True, "history": "all"}
PLAIN = {"deterministic": True, "personalised": False}
TRAINED = {"form": "trained"}
ORDERED = {"form": "trained", "feedback": "sequential", "history": 12}
TO_CARRY_OVER = ("padding-changes-nothing", "ids-mean-nothing")
TO_LEARN = tuple(set(ALGORITHM_RULES) - {*TO_CARRY_OVER, "batch-changes-nothing"})
NEAREST = Parameter("neighbours", 10, "nearest items", minimum=1)

FAULTS = [
    Fault(ReadsIds, "ids-mean-nothing", "% of the largest under other names", FIXED),
    Fault(LooksAround, "batch-changes-nothing", "apart among three others and alone", FIXED),
    Fault(LeaksTheSeed, "seed-changes-nothing", "the scores of two seeds are", FIXED),
    Fault(Companions, "seed-matters", "say deterministic=True", {"history": "all"}),
    Fault(DividesByTheLength, "scores-are-finite", "an empty history", FIXED),
    Fault(made_anew, "compiles-once", "compiled for two more runs", FIXED, ("compiles-once", "repeats-itself")),
    Fault(CountsPadding, "padding-changes-nothing", "without padded coordinates", FIXED),
    Fault(ForgetsTheMask, "padding-changes-nothing", "with other values in padded places", FIXED),
    Fault(TakesTheNearest, "sizes-fit", "neighbours=95 raised", {**FIXED, "hyper": (NEAREST,)}),
    Fault(CountsEveryEntry, "learns-from-fake-users", "the scores differ by", {**FIXED, "fake_users": True}),
    Fault(Popular, "learns-the-checkerboard", "% of the others, where", {"deterministic": True}),
    Fault(Companions, "one-order-for-all", "say personalised=True", {**FIXED, "personalised": False}),
    Fault(Unpopular, "beats-chance", "AUC is 0.2", PLAIN),
    Fault(UserMeans, "unseen-is-nobody", "the scores of the last user", {**PLAIN, "feedback": "explicit"}),
    Fault(ItemMeans, "predictions-agree", "ordered otherwise", {**PLAIN, "feedback": "explicit"}),
    Fault(WarmStart, "repeats-itself", "two fits are", {"form": "host", "history": "all"}),
    Fault(RemembersUsers, "cold-is-forgotten", "make UserTable", TRAINED, TO_LEARN),
    Fault(WeighsByNumber, "ids-mean-nothing", "the losses of stage 1 differ", TRAINED, TO_CARRY_OVER),
    Fault(ComparesExamples, "padding-changes-nothing", "the losses of stage 1 differ", TRAINED, TO_CARRY_OVER),
    Fault(Bag, "follows-the-cycle", "of the users after", ORDERED, TO_LEARN),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{getattr(fault.kind, '__name__', '')}-{fault.rule}")
def test_a_fault_breaks_its_rule_and_no_other(fault, verdict):
    outcomes = verdict(fault.kind, rules=fault.rules, **fault.spec)
    broken = {rule: outcome.reason for rule, outcome in outcomes.items() if not outcome.passed}
    assert set(broken) == {fault.rule}, broken
    reason = broken[fault.rule]
    assert f"the algorithm 'toy' on {fault.spec.get('feedback', 'implicit')} feedback broke the rule" in reason
    assert ALGORITHM_RULES[fault.rule] in reason and fault.words in reason


def test_every_rule_has_a_fault_that_breaks_it():
    assert {fault.rule for fault in FAULTS} == set(ALGORITHM_RULES)


@pytest.mark.parametrize(("kind", "spec"), [(Companions, FIXED), (Popular, PLAIN)], ids=["personal", "plain"])
def test_the_sane_break_nothing(kind, spec, verdict):
    outcomes = verdict(kind, **spec)
    assert [outcome.reason for outcome in outcomes.values() if not outcome.passed] == []


def test_checks_that_do_not_apply_are_not_listed(verdict):
    rules = set(verdict(Popular, **PLAIN))
    assert "one-order-for-all" in rules
    assert not rules & {"learns-the-checkerboard", "follows-the-cycle", "predictions-agree", "sizes-fit",
                        "learns-from-fake-users", "seed-matters", "cold-is-forgotten"}  # fmt: skip


def test_what_an_algorithm_raises_is_a_failure_of_its_checks(verdict):
    class Broken(Companions):
        def score(self, state, query):
            raise ZeroDivisionError("nothing to divide by")

    outcomes = verdict(Broken, **FIXED)
    assert not any(outcome.passed for rule, outcome in outcomes.items())
    assert "raised ZeroDivisionError: nothing to divide by" in outcomes["scores-are-finite"].reason

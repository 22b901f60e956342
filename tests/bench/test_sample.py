"""The contract of samplers, kept by the core: what is drawn, what is refused and by the name of which rule."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from recbench.bench.rules import check_sample
from recbench.bench.sample import SampleDrawer, coverage, draw_sample, full_sample, too_small
from recbench.contracts.errors import ContractError, ParameterError, UnknownNameError
from recbench.contracts.records import Budget, Interactions, Sample, Split, Synthesis
from recbench.contracts.specs import AlgorithmSpec, Parameter, SamplerSpec
from recbench.registry import Registry
from recbench.rng import key_data

HALF = Budget(0.5)
CHOICES = (Parameter("proxy", "weak", "which", ("weak", "strong")), Parameter("steps", 3, "how many"))


def toy_split(num_users: int = 6, num_items: int = 5, *, times: bool = True, feedback: str = "implicit") -> Split:
    """Every user has all items but the last in train, the last in test."""
    user = np.repeat(np.arange(num_users, dtype=np.int32), num_items - 1)
    item = np.tile(np.arange(num_items - 1, dtype=np.int32), num_users)
    stamps = np.arange(len(user), dtype=np.int64) if times else None
    train = Interactions(user, item, np.ones(len(user), np.float32), stamps, num_users, num_items)
    tested = np.arange(num_users, dtype=np.int32)
    ones = np.ones(num_users, np.float32)
    test = Interactions(tested, np.full(num_users, num_items - 1, np.int32), ones, None, num_users, num_items)
    none = np.array([], dtype=np.int64)
    return Split(
        "toy", "checksum", feedback, "per-user", 0, train, train.take(none), test,  # type: ignore[arg-type]
        np.arange(len(user)), none, np.arange(num_users), np.arange(num_items), 0.0,
    )  # fmt: skip


def registry_of(*specs: SamplerSpec | AlgorithmSpec) -> Registry:
    registry = Registry(entry_points=False)
    for spec in specs:
        registry.register(spec)
    return registry


def sampler(load, name: str = "toy", **rest) -> Registry:
    return registry_of(SamplerSpec(name=name, load=load, summary="A toy.", **rest))


def drawn(train, context):
    return context.rng.random(len(train))


# --- what is drawn ----------------------------------------------------------------------------------------------------


def test_equal_seeds_give_equal_samples_and_others_differ():
    split, registry = toy_split(), sampler(drawn)
    one, again, other = (draw_sample("toy", split, "50%", seed=seed, registry=registry) for seed in (1, 1, 2))
    assert np.array_equal(one.rows, again.rows)
    assert not np.array_equal(one.rows, other.rows)
    assert (one.sampler, one.seed, one.budget, len(one.rows)) == ("toy", 1, HALF, 12)


def test_a_sampler_is_called_once_for_all_budgets_and_its_samples_are_nested():
    calls = []

    def counted(train, context):
        calls.append(context.unit)
        return context.rng.random(len(train))

    drawer = SampleDrawer(toy_split(), sampler(counted, units=("interaction", "user")))
    kept = [set(drawer.draw("toy", Budget(share)).rows.tolist()) for share in (0.1, 0.3, 0.7, 1.0)]
    assert all(small < large for small, large in pairwise(kept))
    assert calls == ["interaction"]
    drawer.draw("toy", HALF, 1)
    drawer.draw("toy[unit=user]", HALF)
    assert calls == ["interaction", "interaction", "user"]


def test_an_order_that_was_forgotten_is_made_anew_alike():
    drawer = SampleDrawer(toy_split(), sampler(drawn), memory=0)
    first = drawer.draw("toy", HALF, 1)
    drawer.draw("toy", HALF, 2)
    assert np.array_equal(drawer.draw("toy", HALF, 1).rows, first.rows)


def test_the_draw_depends_on_the_label_but_neither_on_budget_nor_on_other_draws():
    registry = sampler(drawn, parameters=CHOICES)
    drawer = SampleDrawer(toy_split(), registry)
    weak = drawer.draw("toy", HALF)
    strong = drawer.draw("toy[proxy=strong]", HALF)
    assert not np.array_equal(weak.rows, strong.rows)
    assert np.array_equal(draw_sample("toy[proxy=strong]", toy_split(), HALF, registry=registry).rows, strong.rows)


def test_labels_are_canonical():
    drawer = SampleDrawer(toy_split(), sampler(drawn, parameters=CHOICES, units=("interaction", "user")))
    assert drawer.label("toy[unit=interaction, proxy=weak, steps=3]") == "toy"
    assert drawer.label("toy[unit=user,steps=4,proxy=strong]") == "toy[proxy=strong,steps=4,unit=user]"
    assert drawer.draw("toy[steps=3,unit=user]", HALF).sampler == "toy[unit=user]"


def test_the_context_says_what_was_asked_for():
    seen = []

    def look(train, context):
        seen.append((context.feedback, context.unit, dict(context.parameters)))
        return np.zeros(len(train))

    registry = sampler(look, parameters=CHOICES, units=("interaction", "item"))
    draw_sample("toy[steps=7,unit=item]", toy_split(feedback="sequential"), HALF, registry=registry)
    assert seen == [("sequential", "item", {"proxy": "weak", "steps": 7})]


def test_integer_and_boolean_orders_are_orders():
    split = toy_split()
    rows = draw_sample("toy", split, "10%", registry=sampler(lambda train, context: np.arange(len(train)))).rows
    assert rows.tolist() == [22, 23]
    picked = draw_sample("toy", split, "20rows", registry=sampler(lambda train, context: train.item != 0)).rows
    assert {*np.flatnonzero(split.train.item != 0)} <= {*picked.tolist()}


def test_full_is_all_rows():
    split = toy_split()
    sample = SampleDrawer(split, Registry(entry_points=False)).draw("full", Budget(1.0))
    assert np.array_equal(sample.rows, np.arange(len(split.train)))
    assert sample.digest == full_sample(split).digest


def test_a_sampler_made_of_others_draws_them_with_its_seed():
    budget, seen = Budget(3, "users"), []

    def outer(train, context):
        inner = context.draw("inner[unit=user]", budget)
        seen.append(inner.rows)
        score = np.zeros(len(train))
        score[inner.rows] = 1
        return score

    specs = (
        SamplerSpec(name="outer", load=outer, summary="."),
        SamplerSpec(name="inner", load=drawn, summary=".", units=("interaction", "user")),
    )
    drawer = SampleDrawer(toy_split(), registry_of(*specs))
    rows = drawer.draw("outer", HALF, 5).rows
    assert np.array_equal(rows, drawer.draw("inner[unit=user]", budget, 5).rows)
    assert np.array_equal(rows, seen[0])


def test_a_synthesis_is_made_for_each_budget_and_stamped():
    def fake(train, budget, context):
        return Synthesis(np.ones((int(budget.amount), train.num_items), np.float32), "", Budget(1.0), 9)

    drawer = SampleDrawer(toy_split(), sampler(fake, form="synthesise"))
    made = drawer.draw("toy", Budget(4, "users"), 2)
    assert (made.rows.shape, made.sampler, made.seed) == ((4, 5), "toy", 2)
    assert len(drawer.draw("toy", Budget(5, "users"), 2).rows) == 5
    left = coverage(drawer.split, made)
    assert (left.rows, left.users, left.items, left.cold_test_users, left.cold_test_items) == (20, 4, 5, 1, 0)


def some(train, budget, context):
    """Rows by chance, other ones for each budget."""
    return np.sort(context.rng.permutation(len(train))[: round(budget.amount * len(train))])


def test_a_selector_is_called_once_a_budget_and_seed():
    calls = []

    def counted(train, budget, context):
        calls.append((str(budget), context.unit))
        return some(train, budget, context)

    drawer = SampleDrawer(toy_split(), sampler(counted, form="select", units=("interaction", "user")))
    samples = [drawer.draw("toy", Budget(share), seed) for seed in (0, 0, 1) for share in (0.25, 0.5)]
    assert [len(sample.rows) for sample in samples] == [6, 12] * 3
    assert (samples[1].sampler, samples[1].budget, samples[1].seed, samples[1].rows.dtype) == ("toy", HALF, 0, np.int64)
    assert samples[1].digest == samples[3].digest != samples[5].digest
    drawer.draw("toy[unit=user]", HALF)
    assert calls == [("25%", "interaction"), ("50%", "interaction")] * 2 + [("50%", "user")]


def test_what_a_selector_returned_is_kept_from_its_hands():
    rows = np.arange(12, dtype=np.int32)
    drawer = SampleDrawer(toy_split(), sampler(lambda train, budget, context: rows, form="select"))
    kept = drawer.draw("toy", HALF).rows
    rows[:] = 0
    assert kept.tolist() == list(range(12))
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 5


def test_a_sampler_may_take_the_sample_of_another_whatever_that_keeps_whole():
    """The budget lies within one unit of the one whose sample it is: a user of four rows, not a row."""

    def users(train, context):
        return np.repeat(np.arange(6, dtype=np.float32), 4)

    def takes(train, budget, context):
        return context.draw("users", budget)

    def tampers(train, budget, context):
        return replace(context.draw("users", budget), rows=np.arange(20))

    specs = [
        SamplerSpec(name="users", load=users, summary=".", units=("user",)),
        SamplerSpec(name="takes", load=takes, summary=".", form="select"),
        SamplerSpec(name="tampers", load=tampers, summary=".", form="select"),
    ]
    drawer = SampleDrawer(toy_split(), registry_of(*specs), check=True)
    taken, own = (drawer.draw(name, Budget(7, "rows")) for name in ("takes", "users"))
    assert np.array_equal(taken.rows, own.rows) and len(own.rows) == 8
    assert (taken.sampler, taken.taken, own.taken) == ("takes", "users", "")
    with pytest.raises(ContractError, match="budget"):
        drawer.draw("tampers", Budget(7, "rows"))


def test_each_budget_of_a_selector_has_its_own_seconds(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("recbench.bench.sample.time.perf_counter", lambda: clock[0])

    def inner(train, budget, context):
        clock[0] += 100 * budget.amount
        return some(train, budget, context)

    def outer(train, budget, context):
        context.draw("inner", Budget(0.75))
        context.draw("inner", HALF)
        context.draw("inner", HALF)
        return context.draw("inner", budget).rows

    specs = [SamplerSpec(name=each.__name__, load=each, summary=".", form="select") for each in (inner, outer)]
    drawer = SampleDrawer(toy_split(), registry_of(*specs))
    assert drawer.seconds("outer", Budget(0.25)) == 75 + 50 + 25
    assert drawer.seconds("outer", HALF) == 75 + 50
    assert drawer.seconds("inner", Budget(0.75)) == 75


def test_the_context_shows_the_validation_rows_and_they_cannot_be_written_to():
    split, seen = toy_split(), []

    def look(train, context):
        seen.append(context.validation)
        return np.zeros(len(train))

    def write(train, context):
        context.validation.rating[:] = 0

    held = replace(split, validation=split.test)
    draw_sample("toy", held, HALF, registry=sampler(look))
    assert np.array_equal(seen[0].item, split.test.item) and (seen[0].num_users, seen[0].num_items) == (6, 5)
    with pytest.raises(ContractError, match="input-untouched"):
        draw_sample("toy", held, HALF, registry=sampler(write))


# --- what is refused --------------------------------------------------------------------------------------------------


def writes(train, context):
    train.user[0] = 3
    return np.zeros(len(train))


def sorts(train, context):
    train.rating.sort()
    return train.rating


def unlocks(train, context):
    train.rating.base[:] = 0
    return np.zeros(len(train))


def row_numbers(train, context):
    return np.arange(len(train) // 2)


def made(rows):
    return lambda train, budget, context: Synthesis(rows(train), "toy", budget, 0)


def counting():
    calls = []

    def order(train, context):
        calls.append(0)
        return np.arange(len(train)) * (-1) ** len(calls)

    return order


@pytest.mark.parametrize(
    ("load", "rule"),
    [
        (row_numbers, "order-length"),
        (lambda train, context: np.zeros((len(train), 1)), "order-length"),
        (lambda train, context: np.zeros(len(train) + 1), "order-length"),
        (lambda train, context: np.full(len(train), np.nan), "order-finite"),
        (lambda train, context: np.full(len(train), 1e300), "order-finite"),
        (lambda train, context: ["a"] * len(train), "order-numbers"),
        (lambda train, context: np.zeros(len(train), complex), "order-numbers"),
        (lambda train, context: [[1], [1, 2]], "order-numbers"),
        (lambda train, context: None, "order-numbers"),
        (writes, "input-untouched"),
        (sorts, "input-untouched"),
        (unlocks, "input-untouched"),
        (counting(), "repeatable"),
        (lambda train, context: context.draw("toy", HALF), "no-circle"),
    ],
)
def test_an_order_that_breaks_its_contract_is_refused_by_the_rules_name(load, rule):
    with pytest.raises(ContractError, match=f"'toy' broke the rule '{rule}'"):
        SampleDrawer(toy_split(), sampler(load), check=True).draw("toy", HALF)


@pytest.mark.parametrize(
    ("load", "rule"),
    [
        (lambda train, budget, context: np.ones((3, train.num_items), np.float32), "synthesis-form"),
        (made(lambda train: np.ones((3, train.num_items))), "synthesis-form"),
        (made(lambda train: np.ones((3, train.num_items + 1), np.float32)), "synthesis-form"),
        (made(lambda train: np.full((3, train.num_items), -1, np.float32)), "synthesis-values"),
        (made(lambda train: np.full((3, train.num_items), np.inf, np.float32)), "synthesis-values"),
        (made(lambda train: np.ones((4, train.num_items), np.float32)), "budget"),
        (made(lambda train: np.ones((2, train.num_items), np.float32)), "budget"),
    ],
)
def test_a_synthesis_that_breaks_its_contract_is_refused_by_the_rules_name(load, rule):
    with pytest.raises(ContractError, match=f"'toy' broke the rule '{rule}'"):
        SampleDrawer(toy_split(), sampler(load, form="synthesise")).draw("toy", Budget(3, "users"))


def chosen(rows):
    return lambda train, budget, context: rows


def flips():
    calls = []

    def select(train, budget, context):
        calls.append(0)
        return np.arange(12) + len(calls) % 2

    return select


def clears(train, budget, context):
    context.validation.user.base[:] = 0
    return np.arange(12)


@pytest.mark.parametrize(
    ("load", "rule"),
    [
        (chosen(None), "rows-of-train"),
        (chosen([[1], [1, 2]]), "rows-of-train"),
        (chosen(np.arange(12.0)), "rows-of-train"),
        (chosen(np.arange(24) < 12), "rows-of-train"),
        (chosen(np.arange(12)[:, None]), "rows-of-train"),
        (lambda train, budget, context: full_sample(toy_split()), "rows-of-train"),
        (chosen(np.arange(-1, 11)), "rows-of-train"),
        (chosen(np.arange(13, 25)), "rows-of-train"),
        (chosen(np.arange(12)[::-1]), "rows-sorted"),
        (chosen(np.array([3, 2], np.uint32)), "rows-sorted"),
        (chosen(np.zeros(12, int)), "rows-sorted"),
        (chosen([]), "rows-of-train"),
        (chosen(np.arange(0)), "budget"),
        (chosen(np.arange(10)), "budget"),
        (chosen(np.arange(14)), "budget"),
        (lambda train, budget, context: writes(train, context), "input-untouched"),
        (lambda train, budget, context: unlocks(train, context), "input-untouched"),
        (clears, "input-untouched"),
        (flips(), "repeatable"),
        (lambda train, budget, context: context.draw("toy", budget).rows, "no-circle"),
        (lambda train, budget, context: context.draw("toy", Budget(0.1)).rows, "no-circle"),
    ],
)
def test_a_selection_that_breaks_its_contract_is_refused_by_the_rules_name(load, rule):
    split = toy_split()
    held = replace(split, validation=split.test)
    with pytest.raises(ContractError, match=f"'toy' broke the rule '{rule}'"):
        SampleDrawer(held, sampler(load, form="select"), check=True).draw("toy", HALF)


@pytest.mark.parametrize(
    ("label", "budget", "kept", "fine"),
    [
        ("toy", "12rows", 11, True),
        ("toy", "12rows", 13, True),
        ("toy", "12rows", 14, False),
        ("toy[unit=user]", "12rows", 16, True),  # a user has four rows
        ("toy[unit=user]", "12rows", 17, False),
        ("toy[unit=item]", "12rows", 18, True),  # an item has six
        ("toy[unit=item]", "12rows", 19, False),
        ("toy[unit=user]", "2users", 12, True),  # rows stand by user: three of them
        ("toy[unit=user]", "2users", 13, False),
        ("toy[unit=user]", "50%users", 16, True),
        ("toy[unit=user]", "50%users", 17, False),
    ],
)
def test_a_selection_lies_within_one_unit_of_the_budget(label, budget, kept, fine):
    registry = sampler(chosen(np.arange(kept)), form="select", units=("interaction", "user", "item"))
    if fine:
        assert len(draw_sample(label, toy_split(), budget, registry=registry).rows) == kept
        return
    with pytest.raises(ContractError, match="broke the rule 'budget'"):
        draw_sample(label, toy_split(), budget, registry=registry)


def test_what_a_sampler_raises_itself_is_not_taken_for_a_rule():
    def raises(train, context):
        raise ValueError("something else")

    with pytest.raises(ValueError, match="something else"):
        draw_sample("toy", toy_split(), HALF, registry=sampler(raises))


@pytest.mark.parametrize(
    ("rows", "rule"),
    [([0, 24], "rows-of-train"), ([-1, 3], "rows-of-train"), ([0.5], "rows-of-train"),
     ([3, 3], "rows-sorted"), ([4, 3], "rows-sorted")],
)  # fmt: skip
def test_rows_from_elsewhere_are_checked(rows, rule):
    array = np.array(rows)
    with pytest.raises(ContractError, match=rule):
        check_sample(toy_split(), Sample(array, "mine", HALF, 0))
    check_sample(toy_split(), Sample(np.array([0, 23]), "mine", HALF, 0))


@pytest.mark.parametrize(
    ("spec", "budget", "said"),
    [
        ({"feedback": ("explicit",)}, "50%", "'toy' works on explicit feedback, not on implicit"),
        ({"needs_timestamps": True}, "50%", "'toy' needs timestamps, and the data have none"),
        ({}, "5users", "counts users"),
        ({}, "999rows", "more than the 24 train rows"),
        ({"form": "synthesise"}, "50%", "makes fake users"),
        ({"form": "synthesise"}, "7users", "more than the 6 users of the train set"),
        ({"form": "select"}, "5users", "counts users"),
        ({"form": "select"}, "999rows", "more than the 24 train rows"),
    ],
)
def test_what_cannot_be_drawn_has_a_reason_before_anything_runs(spec, budget, said):
    drawer = SampleDrawer(toy_split(times=False), sampler(drawn, **spec))
    assert said in drawer.refusal("toy", Budget.parse(budget))
    with pytest.raises(ParameterError, match=said):
        drawer.draw("toy", Budget.parse(budget))


def test_what_can_be_drawn_has_none():
    drawer = SampleDrawer(toy_split(), sampler(drawn, needs_timestamps=True))
    assert drawer.refusal("toy") == drawer.refusal("toy", HALF) == drawer.refusal("full") == ""


@pytest.mark.parametrize(
    ("label", "error", "said"),
    [
        ("tyo", UnknownNameError, "toy"),
        ("toy[unit=user]", ParameterError, "it keeps: interaction"),
        ("toy[stpes=3]", ParameterError, "did you mean 'steps'"),
        ("toy[proxy=none]", ParameterError, "one of: weak, strong"),
    ],
)
def test_a_wrong_label_is_an_error(label, error, said):
    drawer = SampleDrawer(toy_split(), sampler(drawn, parameters=CHOICES))
    for action in (drawer.refusal, drawer.label, lambda text: drawer.draw(text, HALF)):
        with pytest.raises(error, match=said):
            action(label)


# --- proxies ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(monkeypatch):
    """An engine that trains nothing, and takes 100 seconds of ``clock``; ``runs`` is what it was asked for."""
    found = SimpleNamespace(runs=[], clock=0.0, error=0.0)

    def training_errors(split, contestant, hyper, *, key_data, **asked):
        found.runs.append({"name": contestant.name, "hyper": dict(hyper), "key": key_data.tolist(), **asked})
        found.clock += 100
        return np.arange(len(split.train), dtype=np.float32) + found.error

    def stopwatch():
        return SimpleNamespace(lap=lambda since=found.clock: found.clock - since)

    parts = {
        "batch": {"place_split": lambda split: split},
        "devices": {"Stopwatch": stopwatch},
        "run": {
            "Contestant": lambda name, spec, implementation: SimpleNamespace(name=name),
            "training_errors": training_errors,
        },
    }
    for name, content in parts.items():
        module = ModuleType(f"recbench.engine.{name}")
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(f"recbench.engine.{name}", module, raising=False)
    return found


def proxied(*names: str, **asked) -> Registry:
    def order(train, context):
        return context.training_errors("mf", {"latent": 10}, **asked)

    mf = AlgorithmSpec(name="mf", load=object, summary=".", hyper=(Parameter("latent", 8, "."), CHOICES[1]))
    return registry_of(mf, *(SamplerSpec(name=name, load=order, summary=".") for name in names))


def test_a_proxy_is_trained_once_a_seed_whoever_asks(trained):
    drawer = SampleDrawer(toy_split(), proxied("one", "two"))
    for name in ("one", "two", "one"):
        for share in (0.2, 0.4):
            assert drawer.draw(name, Budget(share)).rows.max() == 23
    [run] = trained.runs
    assert {**run, "key": 0} == {
        "name": "mf", "hyper": {"latent": 10, "steps": 3}, "epochs": 50, "negatives": 10, "key": 0
    }  # fmt: skip
    drawer.draw("one", HALF, 1)
    assert len(trained.runs) == 2 and trained.runs[1]["key"] != run["key"]


def test_epochs_and_negatives_reach_the_training_and_its_key(trained):
    for asked in ({}, {"epochs": 7}, {"negatives": 3}, {"epochs": 50, "negatives": 10}):
        draw_sample("one", toy_split(), HALF, registry=proxied("one", **asked))
    assert [(run["epochs"], run["negatives"]) for run in trained.runs] == [(50, 10), (7, 10), (50, 3), (50, 10)]
    keys = [tuple(run["key"]) for run in trained.runs]
    assert keys[0] == keys[3] and len(set(keys)) == 3
    axes = {**toy_split().axes, "proxy": "mf[latent=10]", "proxy_epochs": 7, "proxy_negatives": 10}
    assert keys[1] == tuple(key_data(purpose="proxy", sample_seed=0, **axes).tolist())


def test_proxies_of_one_sampler_with_other_epochs_are_others(trained):
    def order(train, context):
        errors = [context.training_errors("mf", epochs=epochs) for epochs in (2, 3, 2)]
        assert errors[0] is errors[2]
        return errors[0]

    mf = AlgorithmSpec(name="mf", load=object, summary=".")
    drawer = SampleDrawer(toy_split(), registry_of(mf, SamplerSpec(name="toy", load=order, summary=".")))
    drawer.draw("toy", HALF)
    assert [run["epochs"] for run in trained.runs] == [2, 3]


@pytest.mark.parametrize("asked", [{"epochs": 0}, {"negatives": 0}, {"epochs": -1}])
def test_a_proxy_needs_an_epoch_and_a_negative(trained, asked):
    with pytest.raises(ParameterError, match=r"'mf' was asked for with .* at least 1 of each is needed"):
        draw_sample("one", toy_split(), HALF, registry=proxied("one", **asked))


def test_a_proxy_that_diverged_is_an_error(trained):
    trained.error = np.nan
    with pytest.raises(ContractError, match=r"proxy 'mf\[latent=10\]' diverged on toy"):
        draw_sample("one", toy_split(), HALF, registry=proxied("one"))


def test_each_sampler_pays_for_the_proxy_it_shared(trained, monkeypatch):
    monkeypatch.setattr("recbench.bench.sample.time.perf_counter", lambda: trained.clock)
    drawer = SampleDrawer(toy_split(), proxied("one", "two"))
    assert [drawer.seconds(name, HALF) for name in ("one", "two")] == [100, 100]
    assert trained.clock == 100


def test_errors_of_a_proxy_cannot_be_written_to(trained):
    def order(train, context):
        errors = context.training_errors("mf")
        errors *= 2
        return errors

    mf = AlgorithmSpec(name="mf", load=object, summary=".")
    registry = registry_of(mf, SamplerSpec(name="toy", load=order, summary="."))
    with pytest.raises(ContractError, match="input-untouched"):
        draw_sample("toy", toy_split(), HALF, registry=registry)


# --- what is left -----------------------------------------------------------------------------------------------------


def test_coverage_counts_what_is_left_and_who_went_cold():
    split = toy_split()
    left = coverage(split, Sample(np.array([0, 1, 4]), "toy", HALF, 0))  # users 0 and 1, items 0 and 1
    assert (left.rows, left.users, left.items) == (3, 2, 2)
    assert left.cold_test_users == pytest.approx(4 / 6)
    assert left.cold_test_items == 1  # the one test item is in no train row


def test_coverage_says_how_far_a_sample_leans():
    train = Interactions(
        np.array([0, 0, 0, 1, 1, 2], np.int32), np.array([0, 1, 2, 0, 1, 0], np.int32), np.ones(6, np.float32),
        np.array([10, 20, 30, 5, 105, 55]), 3, 3,
    )  # fmt: skip
    split = replace(toy_split(), train=train, test=train.take(np.array([0])))
    leans = {
        rows: coverage(split, Sample(np.array(rows), "toy", HALF, 0)) for rows in ((0, 3, 5), (2,), tuple(range(6)))
    }
    mean = (3 * 3 + 2 * 2 + 1) / 6  # items 0, 1 and 2 have three rows, two and one
    assert [each.popularity_shift for each in leans.values()] == pytest.approx([3 / mean - 1, 1 / mean - 1, 0])
    assert [each.time_span for each in leans.values()] == [0.5, 0, 1]
    assert coverage(replace(split, train=replace(train, timestamp=None)), full_sample(split)).time_span is None


def test_too_small_is_said_with_the_counts():
    split = toy_split(60, 61)
    assert too_small(split, full_sample(toy_split(2, 3))) != ""
    assert too_small(toy_split(2, 3), full_sample(toy_split(2, 3))) == ""
    assert too_small(split, Sample(np.arange(1, 3600), "toy", HALF, 0)) == ""
    assert "10 users, 60 items and 600 rows" in too_small(split, Sample(np.arange(600), "toy", HALF, 0))
    fake = Synthesis(np.ones((3, 61), np.float32), "toy", Budget(3, "users"), 0)
    assert too_small(split, fake) == ""
    assert too_small(split, Sample(np.arange(180), "toy", Budget(3, "users"), 0)) == "", "as many real users"

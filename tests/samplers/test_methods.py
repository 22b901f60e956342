"""What each built-in sampler means."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recbench_samplers import head, random, stratified, svp_cf, svp_cf_prop, temporal

from recbench import corrupt
from recbench.contracts.errors import ParameterError
from recbench.contracts.records import Budget

lengths = st.lists(st.integers(1, 30), min_size=1, max_size=30)
SHARES = (0.01, 0.1, 0.2, 0.4, 0.6, 0.8)


def histories(sizes):
    """One user a size, rows of the users interleaved in time."""
    return [(user, item) for item in range(max(sizes)) for user, size in enumerate(sizes) if item < size]


def test_random_rows_share_the_draw_of_their_unit(split, fake_context):
    train = split([(0, 0), (0, 1), (1, 0), (1, 1), (2, 1)]).train
    for unit, member in (("user", train.user), ("item", train.item)):
        scores = random.order(train, fake_context(unit=unit))
        assert len(np.unique(scores)) == len(np.unique(member))
        assert all(len(np.unique(scores[member == each])) == 1 for each in np.unique(member))
    assert len(np.unique(random.order(train, fake_context()))) == 5


@pytest.mark.parametrize("label", ["random", "random[unit=user]"])
def test_random_keeps_each_row_equally_often(drawer, split, label):
    toy = split([(user, item) for user in range(10) for item in range(4)])
    make = drawer(toy)
    kept = sum(np.bincount(make.draw(label, Budget(0.5), seed).rows, minlength=40) for seed in range(200))
    assert abs(kept / 200 - 0.5).max() < 0.15  # four standard deviations


@pytest.mark.parametrize("label", ["random", "random[unit=user]"])
def test_noise_does_not_change_the_draw(drawer, split, label):
    clean = split([(user, (user + item) % 40) for user in range(40) for item in range(user % 5 + 1)])
    noisy = corrupt(clean, share=0.3, seed=1)
    assert (noisy.train.item != clean.train.item).any()
    for seed in range(3):
        one, other = (drawer(each).draw(label, Budget(0.3), seed) for each in (clean, noisy))
        assert one.digest == other.digest


@settings(max_examples=60, deadline=None)
@given(sizes=lengths, share=st.sampled_from(SHARES), method=st.sampled_from(["stratified", "temporal"]))
def test_the_same_share_of_every_history(drawer, split, sizes, share, method):
    toy = split(histories(sizes))
    rows = drawer(toy).draw(method, Budget(share)).rows
    kept = np.bincount(toy.train.user[rows], minlength=len(sizes))
    # One cut in the order is right for all users: each keeps at most one row more or less than its share of it.
    shares = [(count - 1, count + 1, size) for count, size in zip(kept, sizes, strict=True)]
    assert max(low / size for low, _, size in shares) <= min(high / size for _, high, size in shares)


def test_short_histories_are_not_all_cut_at_the_same_moment(drawer, split):
    toy = split([(user, item) for user in range(1000) for item in range(2)])
    rows = drawer(toy).draw("stratified", Budget(0.25)).rows
    kept = np.bincount(np.bincount(toy.train.user[rows], minlength=1000), minlength=3)
    assert kept.tolist() == [500, 500, 0]


def test_stratified_keeps_every_row_of_a_history_equally_often(split, fake_context):
    train = split(histories([8, 3, 1])).train
    firsts = [
        stratified.order(train, fake_context(rng=np.random.default_rng(seed)))[:8].argmax() for seed in range(800)
    ]
    assert abs(np.bincount(firsts, minlength=8) / 800 - 1 / 8).max() < 0.05


@settings(max_examples=60, deadline=None)
@given(sizes=lengths, share=st.sampled_from(SHARES))
def test_temporal_keeps_the_most_recent_rows_of_each_user(drawer, split, sizes, share):
    toy = split(histories(sizes))
    kept = np.zeros(len(toy.train), dtype=bool)
    kept[drawer(toy).draw("temporal", Budget(share)).rows] = True
    for user in range(len(sizes)):
        mine = kept[toy.train.user == user]
        assert not (mine[:-1] & ~mine[1:]).any()  # nothing newer than a kept row was dropped


def test_temporal_needs_times(drawer, split):
    assert "needs timestamps" in drawer(split([(0, 0), (0, 1)], times=False)).refusal("temporal")
    assert drawer(split([(0, 0), (0, 1)], times=False)).refusal("stratified") == ""


def test_orders_are_the_formula(split, fake_context):
    train = split(histories([4, 2])).train
    scores = temporal.order(train, fake_context())
    offset = np.random.default_rng(0).random(2)
    expected = [-(rank + offset[0]) / 4 for rank in (3, 2, 1, 0)] + [-(rank + offset[1]) / 2 for rank in (1, 0)]
    assert scores == pytest.approx(np.array(expected), abs=1e-7)


def test_head_keeps_the_longest_histories(split, fake_context, drawer):
    toy = split(histories([2, 5, 1, 4]))
    assert head.order(toy.train, fake_context(unit="user")).tolist() == [2, 2, 5, 5, 5, 5, 5, 1, 4, 4, 4, 4]
    rows = drawer(toy).draw("head", Budget(2, "users")).rows
    assert set(toy.train.user[rows]) == {1, 3}


def test_svp_cf_keeps_what_the_proxy_finds_hard(split, drawer):
    toy = split([(user, item) for user in range(12) for item in (0, 1 + user % 3, 4 + user)])
    rows = drawer(toy).draw("svp-cf", Budget(12, "rows")).rows
    assert set(toy.train.item[rows]) == set(range(4, 16))  # each of these items has one row, the others more
    items = drawer(toy).draw("svp-cf[unit=item]", Budget(24, "rows")).rows
    assert set(toy.train.item[items]) == set(range(1, 16))


def test_svp_cf_gives_a_user_the_mean_of_its_rows(split, drawer):
    toy = split([(0, item) for item in range(6)] + [(1, 6), (1, 7), (2, 6), (2, 7)])
    rows = drawer(toy).draw("svp-cf[unit=user]", Budget(1, "users")).rows
    assert set(toy.train.user[rows]) == {0}  # error 1 a row; users 1 and 2 have 1/2


@pytest.mark.parametrize("updates", ["tables", "rows"])
@pytest.mark.parametrize("proxy", ["bias-only", "mf"])
def test_svp_cf_asks_for_the_proxy_of_the_study(split, fake_context, proxy, updates):
    given = MappingProxyType({"proxy": proxy, "epochs": 4, "negatives": 2, "updates": updates})
    context = fake_context(parameters=given, errors=np.array([1.0, 0.5], np.float32))
    assert svp_cf.order(split([(0, 0), (1, 0)]).train, context).tolist() == [1.0, 0.5]
    [(name, hyper, epochs, negatives)] = context.asked
    steps = {"learning_rate": 0.006, "l2": 1e-6, "batch_size": 1024}
    steps |= {"updates": "rows"} if updates == "rows" else {}
    assert (name, dict(hyper)) == (proxy, steps if proxy == "bias-only" else steps | {"latent": 10, "dropout": 0.3})
    assert (epochs, negatives) == (4, 2)


def test_svp_cf_with_other_epochs_or_negatives_is_another_sampler(split, drawer):
    make = drawer(split([(user, item) for user in range(12) for item in range(user % 4 + 1)]))
    assert make.label("svp-cf[epochs=50,negatives=10]") == "svp-cf"
    labels = ("svp-cf", "svp-cf[epochs=5]", "svp-cf[negatives=1]")
    assert len({make.draw(label, Budget(0.5)).digest for label in labels}) == 3
    for label in ("svp-cf[epochs=0]", "svp-cf[negatives=0]"):
        with pytest.raises(ParameterError, match="=0, but it takes 1 or more"):
            make.label(label)


@pytest.mark.parametrize("unit", ["interaction", "user", "item"])
def test_svp_cf_prop_weighs_importance_by_what_is_unlikely_to_be_observed(split, fake_context, unit):
    train = split([(0, item) for item in range(6)] + [(1, 0), (2, 0), (2, 1), (3, 5)]).train
    errors = np.linspace(0.1, 1, len(train)).astype(np.float32)
    given = MappingProxyType({"proxy": "mf", "epochs": 4, "negatives": 2, "updates": "tables"})
    scores = svp_cf_prop.order(train, fake_context(parameters=given, errors=errors, unit=unit))
    counts = np.array([np.bincount(side)[side] for side in (train.user, train.item)])
    inverse = 1 + (np.log(len(train)) - 1) * (2.5 / (counts + 1.5)) ** 0.55  # A = 0.55, B = 1.5
    wanted = {"interaction": inverse.max(axis=0), "user": inverse[0], "item": inverse[1]}[unit]
    assert scores == pytest.approx(errors * wanted, rel=1e-6)
    assert scores.dtype == np.float32


def test_all_forms_of_svp_cf_share_a_proxy(split, drawer):
    make = drawer(split(histories([5, 4, 3])))
    trained = []
    train = make._proxies._train
    make._proxies._train = lambda algorithm, hyper, **rest: trained.append(algorithm) or train(algorithm, hyper, **rest)
    forms = ("svp-cf", "svp-cf-prop", "svp-cf[unit=user]", "svp-cf[unit=item]", "svp-cf[unit=user+interaction]")
    for label in (*forms, "svp-cf[proxy=mf]", "svp-cf-prop[proxy=mf,unit=user]"):
        for share in (0.2, 0.5):
            make.draw(label, Budget(share))
    assert trained == ["bias-only", "mf"]

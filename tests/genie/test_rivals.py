"""Predictors learn what was planted, and are judged on what they have not seen."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from recbench_genie.design import MARKS, Averages, Vocabulary, examples
from recbench_genie.judge import bought, left_out, measured, summary
from recbench_genie.predictor import PredictorSettings, lifted, predict, train_predictor
from recbench_genie.rivals import RIVALS, averages_of_others, columns_of, fit_genie
from scipy import stats


def rows_of(corpus):
    vocabulary = Vocabulary.of(corpus)
    return examples(corpus, vocabulary), vocabulary


def regret_of(score, rows, own):
    return measured(rows.take(own), score(rows.take(own)), predicts=False)["regret"].mean()


def network(view):
    def fit(rows, vocabulary, seed):
        settings = PredictorSettings(objective="both", steps=400, learning_rate=0.005)
        return fit_genie(rows, vocabulary, view=view, settings=settings, seed=seed).score

    return fit


@pytest.mark.parametrize("rival", ["ridge", "logistic", "cheap", "both"])
def test_the_best_sampler_is_learned_where_a_feature_of_the_data_says_it(rival, corpus_of):
    rows, vocabulary = rows_of(corpus_of())
    own = np.isin(rows.group, ["planted-0", "planted-1"])
    fit = RIVALS[rival].fit if rival in RIVALS else network(rival)
    usual = regret_of(RIVALS["always"].fit(rows.take(~own), vocabulary, 0), rows, own)
    assert regret_of(fit(rows.take(~own), vocabulary, 0), rows, own) < 0.06 < 0.12 < usual


@pytest.mark.parametrize(
    ("rival", "knows"),
    [("hand", True), ("both", True), ("cheap", False), ("boosting", True), ("boosting-cheap", False)],
)
def test_what_only_samples_show_is_learned_by_those_who_see_them(rival, knows, corpus_of):
    rows, vocabulary = rows_of(corpus_of(sees="sample"))
    own = np.isin(rows.group, ["planted-0", "planted-1"])
    fit = RIVALS[rival].fit if rival in RIVALS else network(rival)
    assert (regret_of(fit(rows.take(~own), vocabulary, 0), rows, own) < 0.06) == knows


def test_nobody_is_trained_on_what_belongs_to_the_data_set_that_is_left_out(monkeypatch, corpus_of):
    rows, vocabulary = rows_of(corpus_of(6))
    seen = []

    def fit(some, vocabulary, seed):
        seen.append(sorted(set(some.group.tolist())))
        return lambda others: np.zeros(len(others), np.float32)

    monkeypatch.setattr("recbench_genie.judge.RIVALS", {"spy": replace(RIVALS["random"], fit=fit)})
    found = left_out(rows, vocabulary, ["spy"])
    assert seen == [["planted-1", "planted-2"], ["planted-0", "planted-2"], ["planted-0", "planted-1"]]
    assert np.isfinite(found["spy"]).all()


def test_averages_count_every_group_and_lie_between_budgets(corpus_of):
    rows, vocabulary = rows_of(corpus_of(noise=0))
    averages = Averages.of(rows, vocabulary)
    asked = vocabulary.asked(["implicit"] * 3, ["ndcg@10"] * 3)
    sampler = np.full(3, vocabulary.samplers.index("head"), np.int32)
    low, middle, high = averages.at(asked, np.log10([0.1, 0.2, 0.4]).astype(np.float32), sampler)
    assert middle == pytest.approx((low + high) / 2, abs=1e-6), "0.2 is half way in the logarithm"
    wanted = rows.tau[(rows.sampler == sampler[0]) & (rows.share < -0.5)].mean()
    assert low == pytest.approx(wanted, abs=0.02)
    beyond = averages.at(asked[:1], np.array([-3.0], np.float32), sampler[:1])
    assert beyond[0] == pytest.approx(low)


def test_what_an_example_starts_from_is_of_other_groups(corpus_of):
    """One group has a tau that no other has: were it in its own average, the average would tell it."""
    corpus = corpus_of(8, noise=0)
    lonely = pl.col("dataset").str.starts_with("planted-0") & (pl.col("sampler") == "head")
    taus = corpus.taus.with_columns(tau=pl.when(lonely).then(0.99).otherwise(0.1))
    rows, vocabulary = rows_of(type(corpus)(taus, corpus.looks))
    found = averages_of_others(rows, vocabulary)
    own = (rows.group == "planted-0") & (rows.sampler == vocabulary.samplers.index("head"))
    np.testing.assert_allclose(found[own], 0.1, atol=1e-6)
    assert (found[~own & (rows.sampler == rows.sampler[own][0])] > 0.2).all()


def test_a_network_that_has_learned_nothing_predicts_the_averages(corpus_of):
    rows, vocabulary = rows_of(corpus_of(8))
    average = Averages.of(rows, vocabulary).at(rows.asked, rows.share, rows.sampler)
    x = np.random.default_rng(0).normal(size=(len(rows), 5)).astype(np.float32)
    weights = train_predictor(x, lifted(average), rows.tau, rows.starts, PredictorSettings(steps=0))
    np.testing.assert_allclose(predict(weights, x, lifted(average)), average, atol=1e-5)


@pytest.mark.parametrize("objective", ["regression", "ranking", "both"])
def test_objectives_are_those_of_the_paper(objective):
    from recbench_genie.predictor import _loss

    rng = np.random.default_rng(0)
    score, tau = rng.normal(size=(2, 3, 4)).astype(np.float32), None
    score, tau = score
    real = np.array([[True] * 4, [True, True, True, False], [True, False, False, False]])
    squares = [(np.tanh(score[q, i]) - tau[q, i]) ** 2 for q in range(3) for i in range(4) if real[q, i]]
    pairs = [
        -np.log(1 / (1 + np.exp(-(score[q, i] - score[q, j]))))
        for q in range(3)
        for i in range(4)
        for j in range(4)
        if real[q, i] and real[q, j] and tau[q, i] > tau[q, j]
    ]
    wanted = {"regression": np.mean(squares), "ranking": np.mean(pairs)}
    wanted["both"] = wanted["regression"] + 0.1 * wanted["ranking"]
    assert float(_loss(score, tau, real, objective)) == pytest.approx(wanted[objective], rel=1e-5)


def test_measures_are_what_they_are_called(corpus_of):
    rows, _ = rows_of(corpus_of(4, noise=0))
    right = measured(rows, rows.tau, predicts=True)
    assert (right["p@1"] == 1).all() and (right["regret"] == 0).all() and (right["mse"] == 0).all()
    np.testing.assert_allclose(right["rank correlation"], 1)
    wrong = measured(rows, -rows.tau, predicts=False)
    assert wrong["mse"].null_count() == len(wrong)
    np.testing.assert_allclose(wrong["rank correlation"], -1)
    spread = [rows.tau[a:b].max() - rows.tau[a:b].min() for a, b in zip(rows.starts, rows.starts[1:], strict=False)]
    np.testing.assert_allclose(wrong["regret"], spread, atol=1e-6)
    assert set(right["budget"]) == {0.1, 0.4}


def test_of_samplers_that_share_the_first_place_any_is_taken(corpus_of):
    rows, vocabulary = rows_of(corpus_of(4, noise=0))
    found = measured(rows, RIVALS["random"].fit(rows, vocabulary, 0)(rows), predicts=False)
    np.testing.assert_allclose(found["p@1"], 1 / 4)
    means = [rows.tau[a:b].mean() for a, b in pairwise(rows.starts.tolist())]
    np.testing.assert_allclose(found["tau"], means, rtol=1e-6)
    best = np.array([rows.tau[a:b].max() for a, b in pairwise(rows.starts.tolist())])
    np.testing.assert_allclose(found["regret"], best - means, rtol=1e-5)
    assert found["rank correlation"].null_count() == len(found)


def test_always_is_the_sampler_that_lies_furthest_above_its_questions_and_few_groups_count_less(corpus_of):
    corpus = corpus_of(8, noise=0)
    lonely = pl.col("dataset").str.starts_with("planted-0")
    tau = pl.when(pl.col("sampler") == "head").then(0.5).when(pl.col("sampler") == "svp-cf").then(0.6).otherwise(0.1)
    rows, vocabulary = rows_of(
        type(corpus)(corpus.taus.with_columns(tau=tau).filter((pl.col("sampler") != "svp-cf") | lonely), corpus.looks)
    )
    scores = RIVALS["always"].fit(rows, vocabulary, 0)(rows)
    assert set(rows.place["sampler"].to_numpy()[scores == scores.max()]) == {"head"}


def test_what_was_published_is_not_told_the_averages(corpus_of):
    rows, vocabulary = rows_of(corpus_of(4))
    average = Averages.of(rows, vocabulary).at(rows.asked, rows.share, rows.sampler)
    ours, published = columns_of(rows, "hand", average), columns_of(rows, "hand")
    assert ours.shape[1] - published.shape[1] == 1 + len(MARKS)
    found = fit_genie(rows, vocabulary, view="hand", settings=PredictorSettings(steps=0), based=False)
    np.testing.assert_array_equal(found.score(rows), 0)


def test_a_summary_counts_groups_once_and_pairs_the_gain(corpus_of):
    rows, vocabulary = rows_of(corpus_of(8))
    scores = left_out(rows, vocabulary, ["average", "random"]) | {"genie-both": rows.tau}
    found = {line["rival"]: line for line in summary(rows, scores).to_dicts()}
    regrets = measured(rows, scores["average"], predicts=True).group_by("group").agg(pl.col("regret").mean())["regret"]
    wanted = stats.t.interval(0.95, 3, regrets.mean(), stats.sem(regrets))
    assert (found["average"]["regret low"], found["average"]["regret high"]) == pytest.approx(wanted)
    assert found["average"]["groups"] == 4 and found["average"]["gain"] == 0
    assert found["genie-both"]["gain"] == pytest.approx(found["average"]["regret"])
    assert found["random"]["regret low"] <= found["random"]["regret"] <= found["random"]["regret high"]


def test_what_a_budget_buys_is_the_mean_of_what_was_picked(corpus_of):
    rows, _ = rows_of(corpus_of(8, noise=0))
    found = bought(rows, {"genie-both": rows.tau, "random": np.zeros(len(rows))}, samplers=("head", "random"))
    by = {(line["picker"], line["budget"]): line for line in found.to_dicts()}
    head = rows.tau[(rows.place["sampler"] == "head").to_numpy() & (rows.share < -0.5)].mean()
    assert by["always head", 0.1]["tau"] == pytest.approx(head, abs=1e-6)
    rows_at_random = rows.tau[(rows.place["sampler"] == "random").to_numpy() & (rows.share < -0.5)].mean()
    assert by["always random", 0.1]["tau"] == pytest.approx(rows_at_random, abs=1e-6)
    assert by["random", 0.1]["tau"] == pytest.approx(rows.tau[rows.share < -0.5].mean(), abs=1e-6)
    best = np.mean([rows.tau[a:b].max() for a, b in pairwise(rows.starts.tolist()) if rows.share[a] < -0.5])
    assert by["genie-both", 0.1]["tau"] == pytest.approx(best, abs=1e-6)
    assert by["always head", 0.4]["speedup"] == pytest.approx(5) and len(by) == 8


def test_a_network_is_shrunk_to_the_averages_as_far_as_it_knows_nothing_of_other_groups(corpus_of):
    settings = PredictorSettings(objective="both", steps=200, learning_rate=0.005)
    corpus = corpus_of(12)
    luck = pl.Series("tau", np.random.default_rng(0).permutation(corpus.taus["tau"].to_numpy()))
    found = []
    for taus in (corpus.taus, corpus.taus.with_columns(luck)):
        rows, vocabulary = rows_of(type(corpus)(taus, corpus.looks))
        found.append(fit_genie(rows, vocabulary, view="hand", settings=settings))
    assert found[0].shrinkage >= 0.6 and found[1].shrinkage <= 0.2
    average = Averages.of(rows, vocabulary).at(rows.asked, rows.share, rows.sampler)
    np.testing.assert_allclose(replace(found[1], shrinkage=0.0).score(rows), average, atol=1e-5)

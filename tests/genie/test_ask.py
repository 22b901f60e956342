"""Asking the genie that is shipped: every answer is of the form promised, and bad questions get one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest
from recbench_genie.ask import PLAN, plan, rank
from recbench_genie.trained import GenieError, load_genie

from recbench import RecbenchError, SampleDrawer, draw_sample, frame_dataset, load_dataset, make_split, whole_split

SOME = ("random", "head", "temporal", "centrality")  # without a proxy: quick


@pytest.fixture
def log(registry):
    return load_dataset("synthetic[users=150,items=60,rows=2500]", registry=registry)


def test_samplers_come_best_first_with_intervals_around_them(log):
    answer = rank(log, "20%", samplers=SOME)
    found = answer.samplers
    assert sorted(found["sampler"]) == sorted(SOME) and answer.best == found["sampler"][0]
    assert found["tau"].is_sorted(descending=True)
    assert ((found["low"] <= found["tau"]) & (found["tau"] <= found["high"])).all()
    assert (answer.budget, answer.metric, answer.sees_samples) == ("20%", "ndcg@10", True)
    lost = answer.samplers.filter(pl.col("sampler") == "random")["tau"][0]
    assert answer.lost_by_random == pytest.approx(found["tau"][0] - lost) and answer.lost_by_random >= 0


def test_the_same_question_has_the_same_answer(log):
    first, second = (rank(log, "20%", samplers=SOME).samplers for _ in range(2))
    assert first.equals(second)


def test_all_samplers_that_the_log_allows_are_asked_about_unless_some_are_named(log, monkeypatch):
    """The cheap genie draws nothing, so that it can be asked about all at once."""
    monkeypatch.setattr(SampleDrawer, "draw", lambda *given: pytest.fail("a sample was drawn"))
    known = load_genie().vocabulary.samplers
    assert sorted(rank(log, "10%", cheap=True).samplers["sampler"]) == sorted(known)
    rows = log.interactions
    without = frame_dataset(pl.DataFrame({"user": rows.user, "item": rows.item}), name="untimed")
    assert set(known) - set(rank(without, "10%", cheap=True).samplers["sampler"]) == {"temporal"}


def test_names_of_users_do_not_matter_to_the_cheap_genie(log):
    rows = log.interactions
    mixed = np.random.default_rng(0).permutation(rows.num_users)[rows.user]
    frame = pl.DataFrame({"user": mixed, "item": rows.item, "rating": rows.rating, "timestamp": rows.timestamp})
    both = log, frame_dataset(frame, name="b")
    taus = [rank(data, "10%", cheap=True).samplers.sort("sampler")["tau"] for data in both]
    np.testing.assert_allclose(*taus, atol=0.02)


def test_a_plan_takes_the_smallest_share_whose_lower_bound_reaches(log):
    advice = plan(log, -1.0, samplers=SOME, cheap=True)
    calibration = load_genie().calibration["cheap"]
    known = [str(budget) for budget in PLAN if calibration.knows(budget.amount)]
    assert advice.budget == known[0] and advice.steps["budget"].to_list() == known
    assert advice.kept == calibration.kept
    wanted = float(advice.steps["low"][len(known) // 2 :].min())
    found = plan(log, wanted, samplers=SOME, cheap=True)
    place = found.steps["budget"].to_list().index(found.budget)  # from there on all reach, and the one before does not
    assert (found.steps["low"][place:] >= wanted).all() and (found.steps["low"][:place] < wanted)[-1:].all()
    assert found.sampler == found.steps["sampler"][place]
    never = plan(log, 1.0, samplers=SOME, cheap=True)
    assert never.budget is None or never.steps["low"].max() == 1


def test_a_log_unlike_all_that_was_seen_is_warned_of(registry):
    steep = np.concatenate([np.arange(60_000) % 30_000, np.arange(60_000) % 30_000])
    items = np.concatenate([np.arange(60_000) // 30_000, 2 + np.arange(60_000) % 9_000])
    answer = rank(frame_dataset(pl.DataFrame({"user": steep, "item": items}), name="huge"), "10%", cheap=True)
    assert any("has seen: users 30,000" in text for text in answer.warnings)
    assert answer.nearest in load_genie().seen.names


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"user": range(10), "item": range(10)}, "has 10 rows of 10 users and 10 items"),
        ({"user": [0] * 600, "item": range(600)}, "of 1 users"),
        ({"user": range(600), "item": [0] * 600}, "and 1 items"),
    ],
)
def test_a_log_with_nothing_to_choose_by_is_refused(rows, message):
    with pytest.raises(GenieError, match=message):
        rank(frame_dataset(pl.DataFrame(dict(rows)), name="small"), "10%")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"samplers": ["svp-cf[proxy=ease]"]}, "proxy"),
        ({"samplers": ["nobody"]}, "nobody"),
        ({"samplers": ["distill-cf"]}, "has not learned of the sampler 'distill-cf'; it knows: "),
        ({"metric": "ndcg@7"}, "has not learned of the metric of implicit feedback 'ndcg@7'; it knows: auc, "),
        ({"metric": "rmse"}, "has not learned of the metric of implicit feedback 'rmse'; it knows: auc, "),
        ({"keep": "500users"}, "shares of the rows"),
        ({"keep": "lots"}, "was not understood"),
    ],
)
def test_what_the_genie_has_not_learned_of_is_named(log, asked, message):
    with pytest.raises(RecbenchError, match=message):
        rank(log, **{"keep": "10%"} | asked)


def test_what_makes_an_answer_less_sure_is_said(log):
    calibration = load_genie().calibration["cheap"]
    assert not any("a share of" in text for text in rank(log, "20%", cheap=True).warnings)
    assert f"a share of 0.001, where {calibration.known} were seen" in " ".join(rank(log, "0.1%", cheap=True).warnings)
    assert "seen on one data set alone" in " ".join(rank(log, "20%", cheap=True, metric="psp@10").warnings)
    named = replace(log, name="ml-100k")
    assert "trained on taus of ml-100k" in " ".join(rank(named, "20%", cheap=True).warnings)


def test_a_tau_beyond_one_is_refused(log):
    with pytest.raises(GenieError, match="between -1 and 1"):
        plan(log, 1.5)


@pytest.mark.parametrize("cheap", [True, False])
def test_the_sampler_takes_what_is_predicted_to_be_best(log, cheap, monkeypatch):
    monkeypatch.setattr("recbench_genie.sampler.rank", partial(rank, samplers=SOME))  # no proxies: quick
    split = whole_split(log)
    taken = draw_sample(f"data-genie[cheap={str(cheap).lower()}]", split, "20%")
    own = draw_sample(taken.taken, split, "20%")
    assert np.array_equal(taken.rows, own.rows)
    assert taken.taken in SOME
    if cheap:
        assert taken.taken == rank(log, "20%", samplers=SOME, cheap=True).best


def test_the_sampler_works_within_a_split_of_each_feedback(log):
    for feedback in ("explicit", "sequential"):
        sample = draw_sample("data-genie[cheap=true]", make_split(log, feedback=feedback), "40%")
        assert sample.taken in load_genie().vocabulary.samplers


def test_commands_print_what_the_functions_return(log, tmp_path, recbench):
    path = tmp_path / "log.csv"
    rows = log.interactions
    pl.DataFrame({"user": rows.user, "item": rows.item, "timestamp": rows.timestamp}).write_csv(path)
    out = recbench("genie", "rank", str(path), "--keep", "10%", "--cheap", "--json")
    said = json.loads(out.out)
    assert said["best"] == said["samplers"][0]["sampler"] and said["budget"] == "10%"
    out = recbench("genie", "plan", str(path), "--tau", "0.3", "--cheap")
    assert out.code == 0 and "budget" in out.out
    small = tmp_path / "small.csv"
    out = recbench("sample", path, "--sampler", "data-genie[cheap=true]", "--keep", "20%", "-o", small)
    assert "took the sample of" in out.err
    manifest = json.loads((tmp_path / "small.csv.manifest.json").read_text())
    assert manifest["taken"] in load_genie().vocabulary.samplers
    out = recbench("genie", "rank", str(path), "--keep", "10%", "--genie", str(path))
    assert out.code == 2 and out.err.count("\n") == 1

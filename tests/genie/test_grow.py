"""A corpus grows data set by data set, goes on where it stopped, and is what the store and the logs say."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest
from recbench_genie import features
from recbench_genie.corpus import FULL, Corpus, CorpusError, collect, read_corpus
from recbench_genie.family import parent_of, parts, shape_of, synthetic_labels
from recbench_genie.grow import grow, start
from recbench_genie.trained import load_encoder, save_encoder

from recbench import Budget, RecbenchError, agreement, draw_sample, load_dataset, load_results, make_split

SUITE = """
name = "few"
version = 1
summary = "Two samplers and three algorithms."
datasets = ["synthetic-tiny"]
feedback = ["implicit"]
samplers = ["random", "temporal"]
budgets = ["40%", "20%"]
[protocol]
mask = "full"
history = "sample"
tuning = "full"
select = { implicit = "auc" }
epochs = 5
validate_every = 5
patience = 1
[seeds]
full = [1]
sample = [0]
[metrics]
implicit = ["ndcg@10"]
[algorithms.implicit]
popularity = {}
item-knn = {}
ease = { l2 = [50.0] }
"""
LABELS = [f"synthetic[items=80,rows=3000,seed={seed},users=120]" for seed in (1, 2)]


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "few.toml").write_text(SUITE)
    said = []

    encoder = start(folder / "tables", empty=True)

    def some(logs, **given):
        return grow(folder / "tables", logs, encoder, store=folder / "store", suite=folder / "few.toml",
                    report=said.append, **given)  # fmt: skip

    def bad():
        raise RecbenchError("there is no such log")

    some(logs_of(LABELS[:1]))
    some([("gone", bad), *logs_of(LABELS)])
    return folder, said, some


def logs_of(labels):
    return [(label, partial(lambda label: [load_dataset(label)], label)) for label in labels]


def test_each_data_set_is_added_once_and_what_fails_is_left_out(grown, monkeypatch):
    folder, said, some = grown
    running = "running few on implicit feedback"
    assert said == [
        f"{LABELS[0]}: {running}",
        f"{LABELS[0]}: 8 taus",
        "gone is left out: there is no such log",
        f"{LABELS[0]} is in the corpus already",
        f"{LABELS[1]}: {running}",
        f"{LABELS[1]}: 8 taus",
    ]
    monkeypatch.setattr("recbench_genie.grow.run_suite", lambda *given, **more: pytest.fail("it ran again"))
    again = some(logs_of(LABELS))
    assert again.datasets == sorted(LABELS) == read_corpus(folder / "tables").datasets
    assert again.known == {(label, "implicit") for label in LABELS}


def test_time_that_is_up_begins_nothing(grown):
    _, said, some = grown
    before = len(said)
    some(logs_of(["synthetic-tiny"]), minutes=0)
    assert said[before:] == ["the time is up: run it again to go on"]
    del said[before:]


def test_a_new_corpus_begins_with_what_comes_with_recbench_and_with_one_encoder(tmp_path):
    known = read_corpus().datasets
    encoder = start(tmp_path / "more")
    assert read_corpus(tmp_path / "more").datasets == known and "ml-100k" in known
    assert encoder.width == load_encoder().width
    other = tmp_path / "other.safetensors"
    save_encoder(load_encoder(), other)
    start(tmp_path / "more", encoder=other)  # the same bytes
    with pytest.raises(RecbenchError, match=r"no\.safetensors is no encoder"):
        start(tmp_path / "more", encoder=tmp_path / "no.safetensors")
    start(tmp_path / "own", encoder=other)
    assert read_corpus(tmp_path / "own").datasets == []
    (tmp_path / "own" / "encoder.safetensors").write_bytes(b"another")
    with pytest.raises(RecbenchError, match="is no encoder"):
        start(tmp_path / "own")
    (tmp_path / "own" / "encoder.safetensors").unlink()
    with pytest.raises(CorpusError, match="tables without encoder"):
        start(tmp_path / "own")


def test_a_metric_that_ranks_as_another_does_and_noise_tell_nothing_more(grown, monkeypatch):
    """As where a suite stores the metric of its validation beside its root, or repeats everything with noise."""
    folder, _, _ = grown
    results = load_results(folder / "store")
    found = [one for one in agreement(results) if one.dataset == LABELS[0] and one.metric == "ndcg@10"]
    more = [
        replace(one, metric=metric, noise=noise)
        for one in found
        for metric, noise in (("rmse", 0.0), ("mse", 0.0), ("rmse", 0.1))
    ]
    monkeypatch.setattr("recbench_genie.corpus.agreement", lambda results: more)
    corpus = collect(results, load_dataset(LABELS[0]), load_encoder())
    assert corpus.taus["metric"].unique().to_list() == ["rmse"] and len(corpus.taus) == len(found)


def test_taus_are_those_of_the_store(grown):
    folder, _, _ = grown
    wanted = {
        (one.dataset, one.metric, one.sampler, Budget.parse(one.budget).amount): one.tau
        for one in agreement(load_results(folder / "store"))
    }
    taus = read_corpus(folder / "tables").taus.to_dicts()
    assert {(row["dataset"], row["metric"], row["sampler"], row["budget"]): row["tau"] for row in taus} == wanted


def test_looks_are_those_of_the_log_and_of_samples_drawn_again(grown):
    folder, _, _ = grown
    split = make_split(load_dataset(LABELS[1]), feedback="implicit")
    sample = draw_sample("temporal", split, "20%")
    looks = read_corpus(folder / "tables").looks.filter(pl.col("dataset") == LABELS[1])
    for sampler, budget, log in ((FULL, 1.0, split.train), ("temporal", 0.2, split.train.take(sample.rows))):
        row = looks.filter((pl.col("sampler") == sampler) & (pl.col("budget") == budget))
        np.testing.assert_allclose(row["hand"][0].to_list(), features.vector(features.features(log)), atol=1e-4)
        assert len(row["graph"][0]) == load_encoder().width


def test_what_is_no_corpus_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="no corpus can be read"):
        read_corpus(tmp_path)
    Corpus.empty().write(tmp_path)
    assert read_corpus(tmp_path).datasets == []
    pl.DataFrame({"tau": [1.0]}).write_parquet(tmp_path / "taus.parquet")
    with pytest.raises(CorpusError, match="columns"):
        read_corpus(tmp_path)


def test_synthetic_labels_are_logs_of_one_shape_and_more_shapes_keep_the_first():
    few, more = synthetic_labels(2), synthetic_labels(5)
    assert more[: len(few)] == few and len(set(more)) == len(more)
    logs = [load_dataset(label) for label in few[:3]]
    assert len({(log.interactions.num_users, log.interactions.num_items, len(log.interactions)) for log in logs}) == 1
    assert all((np.bincount(log.interactions.user) == np.bincount(logs[0].interactions.user)).all() for log in logs)
    assert len({shape_of(log.name) for log in logs}) == 1 and len({log.name for log in logs}) == 3
    assert parent_of("ml-1m/3") == "ml-1m" and parent_of(logs[0].name) == shape_of(logs[0].name)


def test_parts_are_disjoint_users_with_whole_histories():
    log = load_dataset("synthetic[items=150,rows=24000,users=900]")
    some = parts(log, most=3)
    assert [part.name for part in some] == [f"{log.name}/{number}" for number in range(3)]
    ids = [set(part.user_ids.tolist()) for part in some]
    assert not ids[0] & ids[1] and not ids[1] & ids[2]
    lengths = np.bincount(log.interactions.user)
    assert (np.bincount(some[0].interactions.user) == lengths[some[0].user_ids.astype(int)]).all()
    assert parts(load_dataset(LABELS[0]), most=3)[0].name == LABELS[0]

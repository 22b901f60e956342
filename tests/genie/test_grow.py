"""A corpus grows data set by data set, goes on where it stopped, and is what the store and the logs say."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
import pytest
from recbench_genie import features
from recbench_genie.corpus import FULL, Corpus, CorpusError, read_corpus
from recbench_genie.family import parent_of, parts, shape_of, synthetic_labels
from recbench_genie.grow import grow
from recbench_genie.trained import load_encoder

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

    def some(loads, **given):
        return grow(folder / "tables", loads, load_encoder(), store=folder / "store", suite=folder / "few.toml",
                    report=said.append, **given)  # fmt: skip

    def bad():
        raise RecbenchError("there is no such log")

    some([partial(load_dataset, LABELS[0])])
    some([bad, *(partial(load_dataset, label) for label in LABELS)])
    return folder, said, some


def test_each_data_set_is_added_once_and_what_fails_is_left_out(grown, monkeypatch):
    folder, said, some = grown
    assert said == [f"{LABELS[0]}: 8 taus", "a data set is left out: there is no such log", f"{LABELS[1]}: 8 taus"]
    monkeypatch.setattr("recbench_genie.grow.run_suite", lambda *given, **more: pytest.fail("it ran again"))
    again = some([partial(load_dataset, label) for label in LABELS])
    assert again.datasets == sorted(LABELS) == read_corpus(folder / "tables").datasets
    assert again.known == {(label, "implicit") for label in LABELS}


def test_time_that_is_up_begins_nothing(grown):
    _, said, some = grown
    before = len(said)
    some([lambda: pytest.fail("it was loaded")], minutes=0)
    assert said[before:] == ["the time is up: run it again to go on"]
    del said[before:]


def test_taus_are_those_of_the_store(grown):
    folder, _, _ = grown
    wanted = {
        (one.dataset, one.sampler, Budget.parse(one.budget).amount): one.tau
        for one in agreement(load_results(folder / "store"))
    }
    taus = read_corpus(folder / "tables").taus
    assert {(row["dataset"], row["sampler"], row["budget"]): row["tau"] for row in taus.to_dicts()} == wanted


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

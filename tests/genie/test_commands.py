"""The commands that make a genie, each on a corpus in which it is known which sampler is best."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import polars as pl
import pytest
from recbench_genie.corpus import read_corpus
from recbench_genie.grow import start
from recbench_genie.rivals import OURS, RIVALS
from recbench_genie.trained import ENCODER, load_encoder

from recbench import load_dataset


@pytest.fixture
def corpus(corpus_of, tmp_path):
    folder = tmp_path / "corpus"
    corpus_of(12, width=load_encoder().width).write(folder)
    shutil.copy(ENCODER, folder)
    return folder


@pytest.fixture
def quick(monkeypatch):
    """Networks of few steps; those whose groups are left out are stood in for by the averages."""
    monkeypatch.setattr("recbench_genie.fit.OURS", replace(OURS, steps=30))
    for name in ("genie-both", "genie-cheap"):
        monkeypatch.setitem(RIVALS, name, RIVALS["average"])


def test_a_genie_is_trained_asked_and_says_what_it_is(corpus, quick, tmp_path, recbench):
    path = tmp_path / "genie.safetensors"
    out = recbench("genie", "train", "--corpus", corpus, "-o", path)
    assert out.code == 0 and "genie-both" in out.out and str(path) in out.err
    card = json.loads(recbench("genie", "card", "--genie", path, "--json").out)
    assert card["corpus"] == {
        "data sets": 12,
        "groups": 6,
        "real": sorted(f"planted-{n}" for n in range(6)),
        "taus": 96,
    }
    asked = ("genie", "rank", "synthetic-tiny", "--keep", "20%", "--cheap", "--genie", path, "--json")
    out = recbench(*asked)
    assert {row["sampler"] for row in json.loads(out.out)["samplers"]} == {
        "random",
        "head",
        "svp-cf",
        "svp-cf[unit=user]",
    }


def test_rivals_are_judged_and_put_on_a_board(corpus, tmp_path, recbench):
    board = tmp_path / "board"
    asked = ("genie", "evaluate", "--corpus", corpus, "--rival", "random", "--rival", "ridge")
    out = recbench(*asked, "--board", board, "--json")
    lines = {line["rival"]: line for line in json.loads(out.out)["left out"]}
    assert set(lines) == {"random", "ridge", "average"} and lines["ridge"]["regret"] < lines["random"]["regret"]
    page = (board / "README.md").read_text()
    assert "12 data sets in 6 groups" in page and "| always random" in page and "`ridge`: linear regression" in page
    said = json.loads((board / "scores.json").read_text())
    assert said["real"] == said["all"] and {line["groups"] for line in said["bought"]} == {6}
    assert recbench("genie", "evaluate", "--corpus", corpus, "--rival", "nobody").code == 2
    assert "planted-0" in recbench("genie", "evaluate", "--corpus", corpus, "--group", "other").err


def test_a_corpus_grows_by_logs_alone_and_goes_on(tmp_path, monkeypatch, recbench):
    """What is run is another test's: here every log has one tau."""
    known = read_corpus()
    one = known.of(known.datasets[:1])

    def grown(dataset, *rest):
        mark = pl.lit(dataset.name).alias("dataset")
        return type(one)(one.taus.with_columns(mark), one.looks.with_columns(mark))

    monkeypatch.setattr("recbench_genie.grow._grown", grown)
    log, folder = tmp_path / "log.csv", tmp_path / "corpus"
    rows = load_dataset("synthetic-tiny").interactions
    pl.DataFrame({"user": rows.user, "item": rows.item}).write_csv(log)
    more = ("genie", "corpus", "-o", folder, "--data", f"mine={log}", "--data", f"gone={tmp_path}/no.csv")
    out = recbench(*more)
    assert out.code == 0 and "gone is left out" in out.err and "no.csv" in out.err and "mine: " in out.err
    assert read_corpus(folder).datasets == sorted([*known.datasets, "mine"])
    assert "mine is in the corpus already" in recbench(*more).err
    refused = recbench("genie", "corpus", "-o", folder, "--data", f"a/b={log}")
    assert refused.code == 2 and "NAME without '/'" in refused.err


def test_an_encoder_of_ones_own_begins_a_corpus_of_its_own(tmp_path, monkeypatch, recbench):
    monkeypatch.setattr("recbench_genie.grow.train_on_family", lambda shapes, **given: load_encoder())
    path = tmp_path / "encoder.safetensors"
    assert recbench("genie", "encode", "-o", path, "--shapes", "1").code == 0
    start(tmp_path / "own", encoder=path)
    assert (tmp_path / "own" / "encoder.safetensors").read_bytes() == path.read_bytes()
    assert read_corpus(tmp_path / "own").datasets == []

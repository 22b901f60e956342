"""The file of a genie: what is read is what was written, and nothing else is taken for one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from recbench_genie import features
from recbench_genie.design import Vocabulary, examples
from recbench_genie.fit import LEVEL, calibrate, train_genie
from recbench_genie.predictor import PredictorSettings
from recbench_genie.rivals import fit_genie
from recbench_genie.trained import (
    SHIPPED,
    Calibration,
    GenieError,
    Seen,
    TrainedGenie,
    load_encoder,
    load_genie,
    save_genie,
)
from safetensors.numpy import load_file, save_file
from scipy import stats

from recbench import RecbenchError

FEW = PredictorSettings(objective="both", steps=20, members=2)


@pytest.fixture(scope="module")
def trained(corpus_of):
    encoder = load_encoder()
    corpus = corpus_of(8, width=encoder.width)
    vocabulary = Vocabulary.of(corpus)
    rows = examples(corpus, vocabulary)
    full, cheap = (fit_genie(rows, vocabulary, view=view, settings=FEW) for view in ("both", "cheap"))
    calibration = Calibration(0.8, (-1.0, -0.4), (-0.2, -0.1), (0.2, 0.1), 0.8, (-0.3, -0.2), 0.9)
    seen = Seen(("planted",), rows.hand[:1], {"implicit": {"ndcg@10": 4}})
    return TrainedGenie(full, cheap, encoder, vocabulary, {"full": calibration, "cheap": calibration}, seen, {"a": 1})


def test_what_is_read_answers_as_what_was_written(trained, corpus_of, tmp_path):
    save_genie(trained, tmp_path / "genie.safetensors")
    again = load_genie(tmp_path / "genie.safetensors")
    rows = examples(corpus_of(4, width=trained.encoder.width), trained.vocabulary)
    for name in ("full", "cheap"):
        assert np.array_equal(getattr(again, name).score(rows), getattr(trained, name).score(rows))
    assert (again.vocabulary, again.calibration, again.card) == (trained.vocabulary, trained.calibration, trained.card)
    assert (again.seen.names, again.seen.questions) == (trained.seen.names, trained.seen.questions)


def broken(path, change):
    """The file again, with its arrays or its header changed."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        said = json.loads(file.metadata()["genie"])
    arrays = load_file(path)
    change(arrays, said)
    save_file(arrays, path, {"genie": json.dumps(said)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays, said: arrays.pop("averages"), "a part is missing"),
        (lambda arrays, said: arrays.pop("full/weights/first"), "a part is missing"),
        (lambda arrays, said: arrays.update({"cheap/weights/last": np.zeros((2, 3, 1), np.float32)}), "another shape"),
        (lambda arrays, said: arrays["full/weights/first"].fill(np.nan), "finite"),
        (lambda arrays, said: said["vocabulary"].update(samplers=["random"]), "tables and words differ"),
        (lambda arrays, said: said.update(features=["rows"]), "other features"),
        (lambda arrays, said: said.update(form=99), "form is 99"),
        (lambda arrays, said: said.pop("calibration"), "a part is missing"),
        (
            lambda arrays, said: [arrays.pop(key) for key in list(arrays) if key.startswith("encoder")],
            "a part is missing",
        ),
    ],
)
def test_a_file_with_a_part_changed_is_refused_in_one_sentence(trained, tmp_path, change, message):
    path = tmp_path / "genie.safetensors"
    save_genie(trained, path)
    broken(path, change)
    with pytest.raises(GenieError, match=message) as caught:
        load_genie(path)
    assert "\n" not in str(caught.value) and "recbench genie train" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a file of tensors", bytes(range(256)) * 9])
def test_what_is_no_safetensors_file_is_refused(content, tmp_path):
    path = tmp_path / "genie.safetensors"
    path.write_bytes(content)
    with pytest.raises(GenieError, match="is not a genie"):
        load_genie(path)
    with pytest.raises(GenieError, match="is not a genie"):
        load_genie(tmp_path / "nowhere.safetensors")


def test_weights_of_something_else_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": np.zeros((3, 3), np.float32)}, path)
    with pytest.raises(GenieError, match="names no genie"):
        load_genie(path)


def test_a_half_written_file_never_stands_in_the_place(trained, tmp_path):
    with pytest.raises(GenieError, match="cannot be written"):
        save_genie(trained, tmp_path / "missing" / "genie.safetensors")
    save_genie(trained, tmp_path / "genie.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["genie.safetensors"]


def test_intervals_hold_what_they_promise_on_groups_that_were_left_out(corpus_of):
    rows = examples(corpus_of(60, noise=0), Vocabulary.of(corpus_of(60)))
    error = np.random.default_rng(0).normal(0, 0.1, len(rows)) * np.where(rows.share < -0.5, 2, 1)
    found = calibrate(rows, (rows.tau - error).astype(np.float32))
    assert found.covered == pytest.approx(LEVEL, abs=0.02) and found.kept == pytest.approx((1 + LEVEL) / 2, abs=0.04)
    assert (np.array(found.low_of_picks) < found.low).all(), "who is picked was overrated"
    assert found.low_of_pick(0.5, -1.0) == pytest.approx(0.5 + found.low_of_picks[0])
    np.testing.assert_allclose(found.high, stats.norm.ppf((1 + LEVEL) / 2, scale=[0.2, 0.1]), rtol=0.25)
    low, high = found.interval(np.array([0.9], np.float32), -1.0)
    assert high[0] == 1 and low[0] < 0.9


def test_intervals_are_widened_until_they_hold_groups_that_differ(corpus_of):
    """Each group's errors lie elsewhere: the quantiles of the others hold too little of it."""
    rows = examples(corpus_of(16, noise=0), Vocabulary.of(corpus_of(16)))
    rng = np.random.default_rng(0)
    _, group = np.unique(rows.group, return_inverse=True)
    error = (np.linspace(-0.5, 0.5, 8)[group] + rng.normal(0, 0.1, len(rows))).astype(np.float32)
    found = calibrate(rows, rows.tau - error)
    assert found.covered >= LEVEL
    plain = [np.quantile(error[np.isclose(rows.share, budget)], (1 + LEVEL) / 2) for budget in found.budgets]
    assert (np.array(found.high) > np.array(plain) + 0.02).all()


def test_a_corpus_without_a_group_to_leave_out_trains_nothing(corpus_of):
    with pytest.raises(RecbenchError, match="2 groups of data sets"):
        train_genie(corpus_of(4), load_encoder())


def test_what_lies_beyond_all_that_was_seen_is_said_in_words():
    names = features.names()
    hand = np.zeros((3, len(names)), np.float32)
    hand[1, names.index("log rows")] = 4
    seen = Seen(("a", "b/0", "synthetic[rows=5]"), hand, {})
    assert [seen.has(name) for name in ("a", "a/1", "b", "c", "synthetic[rows=5]")] == [True, True, True, False, False]
    far = hand[1].copy()
    assert seen.beyond(far) == [] and seen.nearest(far) == "b/0"
    far[names.index("log rows")] = 6
    assert seen.beyond(far) == ["rows 1,000,000, where 1 to 10,000 were seen"]


def test_the_shipped_genie_is_small_and_says_what_it_is():
    assert SHIPPED.stat().st_size < 5e6
    card = load_genie().card
    assert {"date", "corpus", "left out"} <= set(card)
    assert {"genie-cheap", "average", "always", "random"} <= {line["rival"] for line in card["left out"]}

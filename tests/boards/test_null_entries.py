"""Null submissions: those that keep the rules are scored as what they are, those that break one are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbench.bench.runner import run_suite
from recbench.bench.store import Store
from recbench.bench.suite import Suite, load_suite
from recbench.boards.build import IncompleteError, build_submission
from recbench.boards.files import Submission, write_submission
from recbench.boards.shelf import Shelf
from recbench.boards.verify import verify
from recbench.contracts.specs import AlgorithmSpec, SamplerSpec
from recbench.data.readers import load_dataset
from recbench.data.split import make_split
from recbench.registry import Registry

NOISE = {"scale": 0.0}  # what training anew would change, in units of an order


def noisy(train: Any, context: Any) -> Any:
    """An order with a part that no seed fixes, as of something trained on another machine."""
    order = context.rng.random(len(train), dtype=np.float32)
    return order + NOISE["scale"] * np.random.default_rng(1).random(len(train), dtype=np.float32)


def leaking(train: Any, budget: Any, context: Any) -> Any:
    """Row numbers beyond train, as if those of the test set followed."""
    return np.arange(len(train), len(train) + round(budget.amount * len(train)))


def greedy(train: Any, budget: Any, context: Any) -> Any:
    return np.arange(len(train))


class Constant:
    """Every item is as good as every other."""

    def fit(self, train: Any, *, hyper: Any, rng: Any) -> Any:
        return train.num_items

    def score(self, state: Any, query: Any) -> Any:
        return np.zeros((len(query.users), state), np.float32)


class Oracle:
    """Looks at the test set: no score can tell it from a very good algorithm."""

    def fit(self, train: Any, *, hyper: Any, rng: Any) -> Any:
        split = make_split(load_dataset("synthetic-tiny"), feedback="implicit")
        truth = np.zeros((train.num_users, train.num_items), np.float32)
        for part in (split.validation, split.test):
            truth[part.user, part.item] = 1
        return truth

    def score(self, state: Any, query: Any) -> Any:
        return state[query.users]


SAMPLERS = (
    SamplerSpec(name="constant", load=lambda train, context: np.zeros(len(train)), summary="Ties alone."),
    SamplerSpec(name="index-order", load=lambda train, context: -np.arange(len(train)), summary="As they stand."),
    SamplerSpec(name="noisy", load=noisy, summary="Not the same everywhere."),
    SamplerSpec(name="leaking", load=leaking, form="select", summary="Rows of the test set."),
    SamplerSpec(name="greedy", load=greedy, form="select", summary="All rows, whatever was asked for."),
)
ALGORITHMS = (
    AlgorithmSpec(name="constant", load=Constant, form="host", feedback=("implicit",), summary="Constant."),
    AlgorithmSpec(name="oracle", load=Oracle, form="host", feedback=("implicit",), summary="Oracle."),
)


def registry(*specs: Any) -> Registry:
    made = Registry()
    for spec in specs or (*SAMPLERS, *ALGORITHMS):
        made.register(spec)
    return made


@pytest.fixture(scope="module")
def known() -> Registry:
    return registry()


@pytest.fixture(scope="module")
def suite(small_suite: Path) -> Suite:
    return load_suite(small_suite).override(budgets=["60%"])


@pytest.fixture(scope="module")
def submitted(known: Registry, suite: Suite, small_suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """``submitted(samplers, algorithms)``: runs them beside what is stored, and builds the entry."""
    folder = tmp_path_factory.mktemp("null")
    for part in (small_suite.parent / "store").iterdir():
        (folder / part.name).write_bytes(part.read_bytes())

    def submit(samplers: Any = None, algorithms: Any = None) -> Submission:
        chosen = suite.override(samplers=samplers or (), algorithms=algorithms)
        run_suite(chosen, store=folder, registry=known)
        return build_submission(Store(folder).frame(), chosen, registry=known)

    return submit


@pytest.fixture(scope="module")
def null_samplers(submitted: Any) -> Submission:
    return submitted(["constant", "index-order", "noisy", "random"])


def test_samplers_that_do_nothing_are_scored(
    null_samplers: Submission, suite: Suite, known: Registry, tmp_path: Path
) -> None:
    entry = null_samplers.entry
    assert all(row.tau is not None for row in entry.agreements) and len(entry.agreements) == 8
    assert all(each.distribution == "session" and len(each.code) == 64 for each in entry.samplers[:3])
    path = write_submission(null_samplers, tmp_path)
    assert verify(path, suite=suite, registry=known).tier == "recomputed"
    elsewhere = verify(path, suite=suite, registry=Registry())
    assert elsewhere.tier == "self-reported", "nothing is installed to verify"
    assert "constant is not installed here" in elsewhere.notes


def test_samples_that_training_changes_a_little_are_alike(
    null_samplers: Submission, suite: Suite, known: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_submission(null_samplers, tmp_path)
    monkeypatch.setitem(NOISE, "scale", 1e-3)
    verdict = verify(path, suite=suite, registry=known, shelf=Shelf(known))
    assert (verdict.tier, verdict.similar_samples) == ("recomputed", 1)
    monkeypatch.setitem(NOISE, "scale", 1.0)
    with pytest.raises(Exception, match=r"'samples\.\d+\.digest' is of a sample that has about [0-9.]+ %"):
        verify(path, suite=suite, registry=known, shelf=Shelf(known))


@pytest.mark.parametrize(("sampler", "rule"), [("leaking", "rows-of-train"), ("greedy", "'budget'")])
def test_a_sampler_that_breaks_a_rule_has_no_entry(submitted: Any, sampler: str, rule: str) -> None:
    with pytest.raises(
        IncompleteError, match=rf"without 3 of \d+ cells: synthetic-tiny, implicit, {sampler} at 60%.*{rule}"
    ):
        submitted([sampler])


def test_constant_and_oracle_are_the_ends_of_a_board_of_algorithms(submitted: Any) -> None:
    entry = submitted(algorithms=["constant", "oracle", "popularity"]).entry
    standings = {each.algorithm: each for each in entry.standings}
    assert standings["constant"].metrics["auc"].value == 0.5 and standings["constant"].rank == 3
    assert standings["oracle"].metrics["auc"].value == pytest.approx(1) and standings["oracle"].rank == 1
    assert standings["oracle"].metrics["ndcg@10"].value == pytest.approx(1)

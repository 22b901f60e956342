"""Single runs from a notebook, on the real engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from recbench.bench.runner import run_suite
from recbench.bench.sample import draw_sample
from recbench.bench.session import evaluate, fit
from recbench.bench.store import load_results
from recbench.bench.suite import read_suite
from recbench.contracts.errors import ContractError, ParameterError, UnknownNameError
from recbench.contracts.records import Budget, Sample, Split, Synthesis
from recbench.data.readers import load_dataset
from recbench.data.split import make_split

SUITE = """
name = "one"
version = 1
summary = "One run of each form."
datasets = ["synthetic-tiny"]
feedback = ["implicit"]
samplers = ["random"]
budgets = ["60%"]
[protocol]
select = { implicit = "auc" }
epochs = 4
validate_every = 2
[seeds]
full = [0]
[metrics]
implicit = ["auc", "hr@10"]
[algorithms.implicit]
mf = { latent = [4] }
ease = {}
"""


@pytest.fixture(scope="module")
def split() -> Split:
    return make_split(load_dataset("synthetic-tiny"), feedback="implicit")


def test_a_run_by_hand_is_the_run_of_a_suite(tmp_path: Path, registry: Any, split: Split) -> None:
    run_suite(read_suite(SUITE, "one.toml"), store=tmp_path, registry=registry)
    stored = load_results(tmp_path).filter(pl.col("sampler") == "random")
    sample = draw_sample("random", split, "60%", registry=registry)
    for label in ("mf[latent=4]", "ease"):
        fitted = fit(label, split, sample=sample, epochs=4, validate_every=2, registry=registry)
        found = evaluate(fitted, metrics=["auc", "hr@10"])
        rows = stored.filter(algorithm=label.partition("[")[0])
        expected = dict(rows.select("metric", "value").iter_rows())
        assert found == pytest.approx(expected, abs=1e-5)
        assert evaluate(fitted, "validation", metrics=["auc"])["auc"] == pytest.approx(rows["validation"][0], abs=1e-5)


def test_values_of_each_user_average_to_the_metric(registry: Any, split: Split) -> None:
    fitted = fit("popularity", split, registry=registry)
    frame = evaluate(fitted, per_user=True)
    assert frame["user"].to_list() == split.user_ids[np.unique(split.test.user)].tolist()
    assert frame["rows"].sum() == len(split.test)
    for metric, value in evaluate(fitted).items():
        assert frame[metric].mean() == pytest.approx(value)


def test_popularity_ranks_by_count(registry: Any, split: Split) -> None:
    """An oracle: the AUC of counts, by hand, for one user."""
    fitted = fit("popularity", split, registry=registry)
    frame = evaluate(fitted, metrics=["auc"], per_user=True)
    user = int(np.unique(split.test.user)[0])
    count = np.bincount(split.train.item, minlength=split.num_items)
    parts = (split.train, split.validation, split.test)
    positive = np.concatenate([part.item[part.user == user] for part in parts])
    negative = count[np.setdiff1d(np.arange(split.num_items), positive)]
    hits = count[split.test.item[split.test.user == user]]
    auc = np.mean([(negative < hit).mean() + (negative == hit).mean() / 2 for hit in hits])
    assert frame["auc"][0] == pytest.approx(auc, abs=1e-6)


@pytest.mark.parametrize(
    ("label", "options", "said", "error"),
    [
        ("popularty", {}, "did you mean 'popularity'?", UnknownNameError),
        ("item-mean", {}, "'item-mean' works on explicit feedback, not on implicit", ParameterError),
        ("mf[latent=x]", {}, "latent=x", ParameterError),
        ("mf", {"hyper": {"depth": 2}}, "no parameter 'depth'", ParameterError),
        ("mf", {"select": "hr@0"}, "hr@0", UnknownNameError),
        ("mf", {"sample": Sample(np.array([10**6]), "mine", Budget(0.5), 0)}, "rows-of-train", ContractError),
        ("mf", {"sample": Synthesis(np.ones((2, 150), np.float32), "mine", Budget(2, "users"), 0)}, "fake users",
         ParameterError),
        ("mf", {"hyper": {"learning_rate": 1e30}, "epochs": 2}, "diverged", ParameterError),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_is_said(
    registry: Any, split: Split, label: str, options: Any, said: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        fit(label, split, registry=registry, **options)
    assert said in str(raised.value)


def test_what_cannot_be_evaluated_is_said(registry: Any, split: Split) -> None:
    fitted = fit("popularity", split, registry=registry)
    with pytest.raises(ParameterError, match="'mse' is not a metric of implicit feedback"):
        evaluate(fitted, metrics=["mse", "auc"])

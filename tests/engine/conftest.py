"""Small splits through the real pipeline, a way to run toys on them, and the metrics computed anew with NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import rankdata

from recbench import rng
from recbench.builtins import recbench_metrics
from recbench.contracts.labels import Label, bind
from recbench.contracts.records import Budget, Feedback, Sample, Split
from recbench.contracts.specs import AlgorithmSpec
from recbench.data.frames import frame_dataset
from recbench.data.split import make_split
from recbench.engine.batch import DeviceSplit, place_split
from recbench.engine.evaluate import columns_of
from recbench.engine.run import Contestant, Fitted, Outcome, Run, Training, fit_runs, run_replicas, score_fitted

USERS, ITEMS = 40, 30


def random_log(*, users: int = USERS, items: int = ITEMS, seed: int = 0) -> pl.DataFrame:
    """Histories of 5 to 15 distinct items, the first items more popular; ratings of 1 to 5."""
    random = np.random.default_rng(seed)
    chance = 1 / np.arange(3, items + 3)
    histories = [
        random.choice(items, size, replace=False, p=chance / chance.sum()) for size in random.integers(5, 16, users)
    ]
    user = np.repeat(np.arange(users), [len(history) for history in histories])
    return pl.DataFrame(
        {
            "user": user,
            "item": np.concatenate(histories),
            "rating": random.integers(1, 6, len(user)),
            "timestamp": np.arange(len(user)),
        }
    )


@pytest.fixture(scope="session")
def make_data() -> Callable[..., DeviceSplit]:
    """``make_data(feedback)`` splits a random log; ``log`` gives another, ``protocol`` another way to split."""

    def make(feedback: Feedback, *, log: pl.DataFrame | None = None, protocol: str | None = None) -> DeviceSplit:
        dataset = frame_dataset(random_log() if log is None else log, name="toy")
        return place_split(make_split(dataset, feedback=feedback, protocol=protocol))

    return make


@pytest.fixture(scope="session")
def implicit(make_data) -> DeviceSplit:
    return make_data("implicit")


@pytest.fixture(scope="session")
def explicit(make_data) -> DeviceSplit:
    return make_data("explicit")


@pytest.fixture(scope="session")
def sequential(make_data) -> DeviceSplit:
    return make_data("sequential")


@pytest.fixture(scope="session")
def make_log() -> Callable[..., pl.DataFrame]:
    return random_log


# --- running ----------------------------------------------------------------------------------------------------------


def load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


METRICS = [(spec, load(spec.load)) for spec in recbench_metrics()]


def part_of(split: Split, share: float = 1.0, *, seed: int = 0) -> Sample:
    """A random share of the train rows."""
    rows = np.random.default_rng(seed).permutation(len(split.train))[: round(share * len(split.train))]
    return Sample(np.sort(rows), "test", Budget(share), seed)


@dataclass(frozen=True)
class Bench:
    """Runs one algorithm on one split."""

    data: DeviceSplit
    contestant: Contestant

    def run(self, sample: Any = None, *, seed: int = 0, **hyper: Any) -> Run:
        """One run; hyper-parameters that are not given have their defaults."""
        complete = bind(Label(self.contestant.name, tuple(hyper.items())), self.contestant.spec.hyper)
        return Run(part_of(self.data.split) if sample is None else sample, complete, seed)

    def fit(self, *runs: Run, width: int | None = None, **training: Any) -> Fitted:
        return fit_runs(self.data, self.contestant, runs, training=self.training(training), metrics=METRICS,
                        width=width)  # fmt: skip

    def outcomes(self, *runs: Run, deadline: float | None = None, **training: Any) -> list[Outcome]:
        return run_replicas(self.data, self.contestant, runs, training=self.training(training), metrics=METRICS,
                            deadline=deadline)  # fmt: skip

    def score(self, fitted: Fitted, phase: Any = "test", **training: Any) -> Any:
        """Values of users for the select metric alone: one compilation for validation and test."""
        chosen = self.training(training)
        columns = tuple(column for column in columns_of(METRICS, self.data) if column.name == chosen.select)
        return score_fitted(fitted, phase, training=chosen, columns=columns)

    def training(self, given: dict[str, Any]) -> Training:
        select = "mse" if self.data.feedback == "explicit" else "auc"
        return Training(**{"select": select, "epochs": 4, "validate_every": 2, "patience": 100, **given})


@pytest.fixture(scope="session")
def bench() -> Callable[..., Bench]:
    """``bench(data, kind, form=...)``: a class, or an instance of one, as a contestant on a split."""

    def make(data: DeviceSplit, implementation: Any, *, form: str = "trained", hyper: Sequence[Any] = (), **spec: Any):
        made = implementation() if isinstance(implementation, type) else implementation
        name = type(made).__name__.lower()
        return Bench(
            data,
            Contestant(
                name,
                AlgorithmSpec(
                    name=name,
                    load=type(made),
                    summary="A toy.",
                    form=form,  # type: ignore[arg-type]
                    feedback=("explicit", "implicit", "sequential"),
                    hyper=tuple(hyper),
                    **spec,
                ),
                made,
            ),
        )

    return make


@pytest.fixture(scope="session")
def sample_of() -> Callable[..., Sample]:
    return part_of


# --- the metrics anew -------------------------------------------------------------------------------------------------


def item_sets(part: Any, rows: Any = None) -> list[set[int]]:
    chosen = part if rows is None else part.take(rows)
    sets: list[set[int]] = [set() for _ in range(part.num_users)]
    for user, item in zip(chosen.user, chosen.item, strict=True):
        sets[user].add(int(item))
    return sets


def ranking_metrics(
    split: Split, scores: np.ndarray, *, phase: str = "test", kept: Any = None, cutoffs: Sequence[int] = (10, 100)
) -> dict[str, np.ndarray]:
    """Every ranking metric of each user with rows in the phase, from sorted lists: float64 [users].

    ``kept``: the train rows that leave the lists (None: all); positives are no negatives either way.
    """
    target = item_sets(getattr(split, phase))
    train, hidden = item_sets(split.train), item_sets(split.train, kept)
    validation = item_sets(split.validation)
    tie = rng.generator(**split.axes, what="tie-break").permutation(split.num_items)
    n = len(split.train)
    counts = np.bincount(split.train.item, minlength=split.num_items)
    weight = 1 + (np.log(n) - 1) * 2.5**0.55 * (counts + 1.5) ** -0.55
    columns: dict[str, list[float]] = {}
    for user in np.flatnonzero([bool(items) for items in target]):
        test = sorted(target[user])
        positive, masked = train[user] | validation[user] | target[user], set(hidden[user])
        if phase == "test":
            masked |= validation[user]
        negative = [item for item in range(split.num_items) if item not in positive]
        listed = [item for item in range(split.num_items) if item not in masked]
        ranking = sorted(listed, key=lambda item: (-scores[user, item], tie[item]))
        below = [
            0.0 if item in masked else (rankdata([scores[user, item], *scores[user, negative]])[0] - 1) / len(negative)
            for item in test
        ]
        columns.setdefault("auc", []).append(float(np.mean(below)))
        for k in cutoffs:
            hits = [item for item in ranking[:k] if item in target[user]]
            reachable = min(k, len(test))
            gain = sum(1 / np.log2(place + 2) for place, item in enumerate(ranking[:k]) if item in target[user])
            ideal = sum(1 / np.log2(place + 2) for place in range(reachable))
            best = sum(sorted((weight[item] for item in test), reverse=True)[:k])
            columns.setdefault(f"hr@{k}", []).append(len(hits) / reachable)
            columns.setdefault(f"ndcg@{k}", []).append(gain / ideal)
            columns.setdefault(f"psp@{k}", []).append(sum(weight[item] for item in hits) / best)
    return {name: np.array(values) for name, values in columns.items()}


@pytest.fixture(scope="session")
def reference() -> Callable[..., dict[str, np.ndarray]]:
    return ranking_metrics

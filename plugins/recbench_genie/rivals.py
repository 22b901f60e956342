"""Everything that answers a genie's questions: the networks, and what they must beat.

A rival is fitted on examples and then gives each example a score, the higher the better the sampler; where it predicts
tau itself, its error counts too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from recbench import RecbenchError
from recbench_genie.design import Averages, Examples, Floats, Vocabulary
from recbench_genie.predictor import PredictorSettings, lifted, predict, train_predictor

View = Literal["cheap", "hand", "graph", "both"]
"""What is looked at: the data set alone (no sample is drawn), or both, by features, by embedding, or by both."""
_FAR = 4.0  # standard deviations; what lies further out is moved there

Score = Callable[[Examples], Floats]
Fit = Callable[[Examples, Vocabulary, int], Score]
"""(examples to learn from, vocabulary, seed) -> scores of others."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Who answers."""

    fit: Fit
    predicts: bool  # whether its scores are taus
    summary: str


@dataclass(frozen=True, slots=True)
class Scale:
    """What columns are brought to mean 0 and standard deviation 1 with."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, columns: Floats) -> Scale:
        spread = columns.std(axis=0)
        return cls(columns.mean(axis=0), np.where(spread > 1e-6, spread, 1).astype(np.float32))

    def apply(self, columns: Floats) -> Floats:
        """Float32, of the same shape, within four standard deviations."""
        return np.clip((columns - self.mean) / self.spread, -_FAR, _FAR).astype(np.float32)


def columns_of(rows: Examples, view: View, average: Floats) -> Floats:
    """What a view has of each example, float32 [n, columns]; of a sample, how it differs from its data set."""
    found = [rows.traits, rows.asked, rows.share[:, None], lifted(average)[:, None]]
    if view != "graph":
        found.append(rows.hand)
    if view in ("graph", "both"):
        found.append(rows.graph)
    if view in ("hand", "both"):
        found.append(rows.hand_sample - rows.hand)
    if view in ("graph", "both"):
        found.append(rows.graph_sample - rows.graph)
    return np.concatenate(found, axis=1)


@dataclass(frozen=True)
class Genie:
    """A fitted network, with all that it needs to be asked."""

    view: View
    averages: Averages
    scale: Scale
    weights: Mapping[str, Floats]
    based: bool

    def score(self, rows: Examples) -> Floats:
        """Predicted tau of each example, or its score where the objective was ranking."""
        average = self.averages.at(rows.asked, rows.share, rows.sampler)
        x = self.scale.apply(columns_of(rows, self.view, average))
        return predict(self.weights, x, lifted(average) if self.based else np.zeros_like(average))


def fit_genie(
    rows: Examples,
    vocabulary: Vocabulary,
    *,
    view: View,
    settings: PredictorSettings,
    based: bool = True,
    seed: int = 0,
) -> Genie:
    """A network fitted on examples.

    Averages that an example is part of would tell its tau: those it starts from are of the other groups.
    """
    average = averages_of_others(rows, vocabulary)
    columns = columns_of(rows, view, average)
    scale = Scale.of(columns)
    base = lifted(average) if based else np.zeros_like(average)
    weights = train_predictor(scale.apply(columns), base, rows.tau, rows.starts, settings, seed=seed)
    return Genie(view, Averages.of(rows, vocabulary), scale, weights, based)


def averages_of_others(rows: Examples, vocabulary: Vocabulary) -> Floats:
    """The average of each example over the groups that it is not of, float32 [n]."""
    found = np.empty(len(rows), np.float32)
    groups = np.unique(rows.group)
    for group in groups:
        own = rows.group == group
        others = rows.take(~own) if len(groups) > 1 else rows
        found[own] = Averages.of(others, vocabulary).at(rows.asked[own], rows.share[own], rows.sampler[own])
    return found


# --- rivals -----------------------------------------------------------------------------------------------------------


def _network(view: View, settings: PredictorSettings, *, based: bool) -> Fit:
    def fit(rows: Examples, vocabulary: Vocabulary, seed: int) -> Score:
        return fit_genie(rows, vocabulary, view=view, settings=settings, based=based, seed=seed).score

    return fit


def _average(rows: Examples, vocabulary: Vocabulary, seed: int) -> Score:
    averages = Averages.of(rows, vocabulary)
    return lambda others: averages.at(others.asked, others.share, others.sampler)


def _always(rows: Examples, vocabulary: Vocabulary, seed: int) -> Score:
    """One sampler everywhere: the best on average over all questions."""
    totals = Averages.of(rows, vocabulary).table.mean(axis=(0, 1, 2))
    return lambda others: totals[others.sampler]


def _random(rows: Examples, vocabulary: Vocabulary, seed: int) -> Score:
    return lambda others: np.random.Generator(np.random.PCG64(seed)).random(len(others)).astype(np.float32)


def _ridge(rows: Examples, vocabulary: Vocabulary, seed: int) -> Score:
    """Linear in what a data set looks like, for each sampler apart, and in what its samples look like."""
    model = _sklearn("linear_model").RidgeCV(alphas=np.logspace(0, 6, 13))
    return _linear(model, rows, vocabulary)


def _linear(model: Any, rows: Examples, vocabulary: Vocabulary) -> Score:
    average, averages = averages_of_others(rows, vocabulary), Averages.of(rows, vocabulary)
    scale = Scale.of(columns_of(rows, "hand", average))

    def columns(some: Examples, average: Floats) -> Floats:
        plain = scale.apply(columns_of(some, "hand", average))
        hand = plain[:, -2 * some.hand.shape[1] : -some.hand.shape[1]]
        own = (some.traits[:, : len(vocabulary.samplers), None] * hand[:, None]).reshape(len(some), -1)
        return np.concatenate([plain, own], axis=1)

    model.fit(columns(rows, average), rows.tau - average)

    def score(others: Examples) -> Floats:
        average = averages.at(others.asked, others.share, others.sampler)
        return (average + model.predict(columns(others, average))).astype(np.float32)

    return score


def _logistic(rows: Examples, vocabulary: Vocabulary, seed: int) -> Score:
    """Which sampler is the best, as classes, from what is asked and what the data set looks like."""
    best = np.array([first + rows.tau[first:end].argmax() for first, end in pairwise(rows.starts.tolist())])
    scale = Scale.of(rows.hand[best])

    def columns(some: Examples) -> Floats:
        return np.concatenate([some.asked, some.share[:, None], scale.apply(some.hand)], axis=1)

    model = _sklearn("linear_model").LogisticRegression(C=0.1, max_iter=2000)
    model.fit(columns(rows.take(best)), rows.sampler[best])

    def score(others: Examples) -> Floats:
        chances = np.full((len(others), len(vocabulary.samplers)), -np.inf)
        chances[:, model.classes_] = model.predict_log_proba(columns(others))
        return chances[np.arange(len(others)), others.sampler].astype(np.float32)

    return score


def _boosting(view: View) -> Fit:
    def fit(rows: Examples, vocabulary: Vocabulary, seed: int) -> Score:
        model = _sklearn("ensemble").HistGradientBoostingRegressor(
            learning_rate=0.05, max_iter=150, max_leaf_nodes=15, min_samples_leaf=20, random_state=seed
        )
        average = averages_of_others(rows, vocabulary)
        model.fit(columns_of(rows, view, average), rows.tau - average)
        averages = Averages.of(rows, vocabulary)

        def score(others: Examples) -> Floats:
            start = averages.at(others.asked, others.share, others.sampler)
            return (start + model.predict(columns_of(others, view, start))).astype(np.float32)

        return score

    return fit


def _sklearn(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"sklearn.{module}")
    except ImportError as error:
        raise RecbenchError(
            "the rivals of the genie need scikit-learn, which is not installed: pip install 'recbench[genie]'"
        ) from error


_PUBLISHED = PredictorSettings()
OURS = PredictorSettings(objective="both", decay=0.1, members=3)


def _rivals() -> dict[str, Rival]:
    found = {
        "random": Rival(_random, False, "any sampler"),
        "always": Rival(_always, False, "the sampler that is best on average, everywhere"),
        "average": Rival(_average, True, "the sampler that is best on average for the feedback, metric and budget"),
        "ridge": Rival(_ridge, True, "linear regression, for each sampler apart"),
        "logistic": Rival(_logistic, False, "logistic regression of which sampler is best"),
        "boosting": Rival(_boosting("hand"), True, "gradient-boosted trees"),
        "boosting-cheap": Rival(_boosting("cheap"), True, "the same, without samples"),
    }
    views: tuple[View, ...] = ("hand", "graph", "both")
    for view in views:
        for objective in ("regression", "ranking"):
            settings = replace(_PUBLISHED, objective=objective)
            fit = _network(view, settings, based=False)
            found[f"{objective}-{view}"] = Rival(fit, objective == "regression", f"as published, {objective}")
    for view in ("cheap", *views):
        found[f"genie-{view}"] = Rival(_network(view, OURS, based=True), True, "from the averages, both objectives")
    return found


RIVALS: Mapping[str, Rival] = _rivals()

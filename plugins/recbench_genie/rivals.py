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
import polars as pl
from numpy.typing import NDArray

from recbench import RecbenchError
from recbench_genie.design import MARKS, PULL, Averages, Examples, Floats, Vocabulary
from recbench_genie.predictor import PredictorSettings, lifted, predict, train_predictor

View = Literal["cheap", "hand", "graph", "both"]
"""What is looked at: the data set alone (no sample is drawn), or both, by features, by embedding, or by both."""
_FAR = 4.0  # standard deviations; what lies further out is moved there
_RIDGES = np.logspace(1, 7, 7)
_RIDGE_PARTS = 3
_SHRINKAGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
_SHRINKAGE_PARTS = 5  # each is left out once: a network of four fifths of the groups needs about as much as one of all
_FEW = 3  # with fewer groups than these, none is left out

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


def columns_of(rows: Examples, view: View, average: Floats | None = None) -> Floats:
    """What a view has of each example, float32 [n, columns]; of a sample, how it differs from its data set.

    Without averages it is what was published: nothing is told of a sampler but which it is.
    """
    own = [rows.traits[:, : -len(MARKS)]] if average is None else [rows.traits, lifted(average)[:, None]]
    found = [*own, rows.asked, rows.share[:, None]]
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
    shrinkage: float = 1.0  # of what the network adds to the averages

    def score(self, rows: Examples) -> Floats:
        """Predicted tau of each example, or its score where the objective was ranking."""
        average = self.averages.at(rows.asked, rows.share, rows.sampler) if self.based else None
        x = self.scale.apply(columns_of(rows, self.view, average))
        return predict(self.weights, x, _start(rows, average), shrinkage=self.shrinkage)


def fit_genie(
    rows: Examples,
    vocabulary: Vocabulary,
    *,
    view: View,
    settings: PredictorSettings,
    based: bool = True,
    seed: int = 0,
) -> Genie:
    """A network fitted on examples; ``based``: it starts from averages over data sets, and is shrunk to them.

    Averages that an example is part of would tell its tau: those it starts from are of the other groups.
    """
    found = _fitted(rows, vocabulary, view=view, settings=settings, based=based, seed=seed)
    if not based or len(np.unique(rows.group)) < _FEW:
        return found
    return replace(found, shrinkage=_shrinkage(rows, vocabulary, view=view, settings=settings, seed=seed))


def _shrinkage(rows: Examples, vocabulary: Vocabulary, *, view: View, settings: PredictorSettings, seed: int) -> float:
    """What a network's part is best multiplied by, on groups of the examples that were left out of one.

    Few groups teach a network more about themselves than about others. What counts are the differences between the
    samplers of a question, since it is between them that one chooses.
    """
    one = replace(settings, members=1)
    groups = np.random.Generator(np.random.PCG64(seed)).permutation(np.unique(rows.group))
    parts = min(_SHRINKAGE_PARTS, len(groups))
    errors = np.zeros(len(_SHRINKAGES))
    for part in range(parts):
        own = np.isin(rows.group, groups[part::parts])
        found = _fitted(rows.take(~own), vocabulary, view=view, settings=one, based=True, seed=seed)
        others = rows.take(own)
        for place, shrinkage in enumerate(_SHRINKAGES):
            error = replace(found, shrinkage=shrinkage).score(others) - others.tau
            frame = pl.DataFrame({"group": others.group, "error": np.square(_centred(others, error))})
            errors[place] += frame.group_by("group").agg(pl.col("error").mean())["error"].sum()
    return _SHRINKAGES[int(errors.argmin())]


def _centred(rows: Examples, values: Floats) -> NDArray[np.float64]:
    """Values of examples, less the mean of their question's."""
    return values - (np.bincount(rows.question, values) / np.bincount(rows.question))[rows.question]


def _fitted(
    rows: Examples, vocabulary: Vocabulary, *, view: View, settings: PredictorSettings, based: bool, seed: int
) -> Genie:
    average = averages_of_others(rows, vocabulary) if based else None
    columns = columns_of(rows, view, average)
    scale = Scale.of(columns)
    weights = train_predictor(scale.apply(columns), _start(rows, average), rows.tau, rows.starts, settings, seed=seed)
    return Genie(view, Averages.of(rows, vocabulary), scale, weights, based)


def _start(rows: Examples, average: Floats | None) -> Floats:
    return np.zeros(len(rows), np.float32) if average is None else lifted(average)


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
    """One sampler everywhere: how far above the mean of a question's samplers each lies, on average over groups."""
    frame = pl.DataFrame({"sampler": rows.sampler, "group": rows.group, "above": _centred(rows, rows.tau)})
    groups = frame.group_by("sampler", "group").agg(pl.col("above").mean())
    totals = np.zeros(len(vocabulary.samplers), np.float32)
    for sampler, total, count in groups.group_by("sampler").agg(pl.col("above").sum(), pl.len()).iter_rows():
        totals[sampler] = total / (count + PULL)
    return lambda others: totals[others.sampler]


def _random(rows: Examples, vocabulary: Vocabulary, seed: int) -> Score:
    """No sampler is preferred: what is judged is what is to be expected."""
    return lambda others: np.zeros(len(others), np.float32)


def _ridge(rows: Examples, vocabulary: Vocabulary, seed: int) -> Score:
    """Linear in what a data set looks like, for each sampler apart, and in what its samples look like.

    The ridge is chosen on groups of data sets that are left out.
    """
    average, averages = averages_of_others(rows, vocabulary), Averages.of(rows, vocabulary)
    scale = Scale.of(columns_of(rows, "hand", average))

    def columns(some: Examples, average: Floats) -> Floats:
        plain = scale.apply(columns_of(some, "hand", average))
        hand = plain[:, -2 * some.hand.shape[1] : -some.hand.shape[1]]
        own = (some.traits[:, : len(vocabulary.samplers), None] * hand[:, None]).reshape(len(some), -1)
        return np.concatenate([plain, own], axis=1)

    parts = min(_RIDGE_PARTS, len(np.unique(rows.group)))
    apart = (
        list(_sklearn("model_selection").GroupKFold(parts).split(rows.tau, groups=rows.group)) if parts > 1 else None
    )
    model = _sklearn("linear_model").RidgeCV(alphas=_RIDGES, cv=apart)
    model.fit(columns(rows, average), rows.tau - average)

    def score(others: Examples) -> Floats:
        average = averages.at(others.asked, others.share, others.sampler)
        return np.clip(average + model.predict(columns(others, average)), -1, 1).astype(np.float32)

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
            return np.clip(start + model.predict(columns_of(others, view, start)), -1, 1).astype(np.float32)

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


_VIEWS: Mapping[View, str] = {
    "cheap": "without samples: of the data set, features alone",
    "hand": "by hand-made features",
    "graph": "by the graph encoder",
    "both": "by hand-made features and the graph encoder",
}
_PUBLISHED = PredictorSettings()
OURS = PredictorSettings(objective="both", decay=0.1, steps=600, members=3)


def _rivals() -> dict[str, Rival]:
    found = {
        "random": Rival(_random, False, "any sampler, expected"),
        "always": Rival(_always, False, "the sampler that is best on average, everywhere"),
        "average": Rival(_average, True, "the sampler that is best on average for the feedback, metric and budget"),
        "ridge": Rival(_ridge, True, "linear regression by hand-made features, for each sampler apart"),
        "logistic": Rival(_logistic, False, "logistic regression of which sampler is best"),
        "boosting": Rival(_boosting("hand"), True, "gradient-boosted trees by hand-made features, from the averages"),
        "boosting-cheap": Rival(_boosting("cheap"), True, f"the same, {_VIEWS['cheap']}"),
    }
    views: tuple[View, ...] = ("hand", "graph", "both")
    for view in views:
        for objective in ("regression", "ranking"):
            settings = replace(_PUBLISHED, objective=objective)
            fit = _network(view, settings, based=False)
            said = f"as published, {objective} {_VIEWS[view]}"
            found[f"{objective}-{view}"] = Rival(fit, objective == "regression", said)
    for view in ("cheap", *views):
        said = f"ours: from the averages, shrunk to them, both objectives, {_VIEWS[view]}"
        found[f"genie-{view}"] = Rival(_network(view, OURS, based=True), True, said)
    return found


RIVALS: Mapping[str, Rival] = _rivals()

"""Training the genie that is shipped, and saying how sure it may be."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recbench import RecbenchError
from recbench_genie.corpus import FULL, Corpus
from recbench_genie.design import Examples, Floats, Vocabulary, examples
from recbench_genie.encoder import Encoder
from recbench_genie.judge import left_out, summary
from recbench_genie.rivals import OURS, View, fit_genie
from recbench_genie.trained import Calibration, Seen, TrainedGenie

LEVEL = 0.8
"""Share of taus that an interval is to hold."""
FEWEST_GROUPS = 3
_WIDENINGS = 41
_COMPARED = ("always", "average", "random")

Report = Callable[[int, int, str], None]


def train_genie(
    corpus: Corpus, encoder: Encoder, *, view: View = "both", seed: int = 0, report: Report | None = None
) -> TrainedGenie:
    """A genie of all of a corpus; its intervals and the scores of its card are of data sets that were left out.

    Raises:
      RecbenchError: the corpus has too few groups of data sets to leave one out.
    """
    vocabulary = Vocabulary.of(corpus)
    rows = examples(corpus, vocabulary)
    groups = sorted(set(rows.group.tolist()))
    if len(groups) < FEWEST_GROUPS:
        raise RecbenchError(
            f"the corpus has {len(groups)} groups of data sets, and at least {FEWEST_GROUPS} are needed to leave one "
            "out: grow it with 'recbench genie corpus'"
        )
    rivals = {"full": f"genie-{view}", "cheap": "genie-cheap"}
    scores = left_out(rows, vocabulary, [*rivals.values(), *_COMPARED], seed=seed, report=report)
    full, cheap = (fit_genie(rows, vocabulary, view=each, settings=OURS, seed=seed) for each in (view, "cheap"))
    return TrainedGenie(
        full=full,
        cheap=cheap,
        encoder=encoder,
        vocabulary=vocabulary,
        calibration={name: calibrate(rows, scores[rival]) for name, rival in rivals.items()},
        seen=_seen(corpus),
        card=_card(corpus, rows, scores, view),
    )


def calibrate(rows: Examples, predicted: Floats) -> Calibration:
    """Bounds by budget: quantiles of the errors on groups that were left out, in which each group weighs the same.

    Groups are few, so that the quantiles of some of them hold less of another than they say. They are widened until,
    with each group left out of the quantiles too, :data:`LEVEL` of its taus lies within, on average over groups.

    Source: Vovk: Cross-Conformal Predictors, Annals of Mathematics and Artificial Intelligence, 2015.
    """
    # A budget that one group alone has would have no bounds where that group is left out.
    budgets = np.array([one for one in np.unique(rows.share) if len(np.unique(rows.group[rows.share == one])) > 1])
    error = rows.tau - predicted
    picked = np.zeros(len(rows), dtype=bool)  # who is picked has been overrated more often than others
    picked[[first + predicted[first:end].argmax() for first, end in pairwise(rows.starts.tolist())]] = True
    every, covered = _widened(rows, error, budgets, np.ones(len(rows), dtype=bool), aim=LEVEL)
    picks, kept = _widened(rows, error, budgets, picked, aim=(1 + LEVEL) / 2, low_alone=True)
    sides = (budgets, *every, picks[0])
    shares, low, high, low_of_picks = (tuple(float(value) for value in each) for each in sides)
    return Calibration(LEVEL, shares, low, high, covered, low_of_picks, kept)


def _widened(
    rows: Examples, error: Floats, budgets: Floats, used: NDArray[np.bool_], *, aim: float, low_alone: bool = False
) -> tuple[tuple[list[float], list[float]], float]:
    """Bounds, and the share that the same ones, but from the other groups, hold of a group: a mean over groups."""
    for level in np.linspace(LEVEL, 1, _WIDENINGS):
        held = []
        for group in np.unique(rows.group):
            own = used & (rows.group == group) & (rows.share >= budgets[0]) & (rows.share <= budgets[-1])
            sides = _bounds(rows, error, budgets, level, used & (rows.group != group))
            low, high = (np.interp(rows.share[own], budgets, side) for side in sides)
            held.append(((error[own] >= low) & ((error[own] <= high) | low_alone)).mean())
        if np.mean(held) >= aim:
            break
    return _bounds(rows, error, budgets, level, used), float(np.mean(held))


def _bounds(
    rows: Examples, error: Floats, budgets: Floats, level: float, used: NDArray[np.bool_]
) -> tuple[list[float], list[float]]:
    low, high = [], []
    for budget in budgets:
        here = used & (rows.share == budget)
        _, place, count = np.unique(rows.group[here], return_inverse=True, return_counts=True)
        order = np.argsort(error[here])
        weight = np.cumsum((1 / count[place])[order])
        sides = [(1 - level) / 2 * weight[-1], (1 + level) / 2 * weight[-1]]
        first, last = np.clip(np.searchsorted(weight, sides), 0, len(order) - 1)
        low.append(float(error[here][order[first]]))
        high.append(float(error[here][order[last]]))
    return low, high


def _seen(corpus: Corpus) -> Seen:
    full = corpus.looks.filter(pl.col("sampler") == FULL).unique("dataset", keep="first", maintain_order=True)
    group = pl.col("dataset").replace_strict(corpus.groups).alias("groups")
    asked = corpus.taus.group_by("feedback", "metric").agg(group.n_unique()).sort("feedback", "metric")
    questions: dict[str, dict[str, int]] = {}
    for feedback, metric, groups in asked.iter_rows():
        questions.setdefault(feedback, {})[metric] = groups
    return Seen(tuple(full["dataset"].to_list()), np.array(full["hand"].to_list(), np.float32), questions)


def _card(corpus: Corpus, rows: Examples, scores: dict[str, Floats], view: View) -> dict[str, object]:
    """What a reader must know to believe it."""
    return {
        "date": datetime.date.today().isoformat(),
        "recbench": version("recbench"),
        "jax": version("jax"),
        "corpus": {
            "data sets": len(corpus.datasets),
            "groups": len(set(rows.group.tolist())),
            "real": rows.real,
            "taus": len(rows),
        },
        "view": view,
        "network": asdict(OURS),
        "left out": summary(rows, scores).to_dicts(),
    }

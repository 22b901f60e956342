"""Training the genie that is shipped, and saying how sure it may be."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version

import numpy as np
import polars as pl

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
    """Split-conformal bounds by budget, from predictions of groups that were left out.

    Source: Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005; each group weighs the same.
    """
    # A budget that one group alone has would have no bounds where that group is left out.
    budgets = np.array([one for one in np.unique(rows.share) if len(np.unique(rows.group[rows.share == one])) > 1])
    error = rows.tau - predicted
    bounds = _bounds(rows, error, budgets, np.ones(len(rows), dtype=bool))
    covered = []
    for group in np.unique(rows.group):
        own = rows.group == group
        low, high = (np.interp(rows.share[own], budgets, side) for side in _bounds(rows, error, budgets, ~own))
        covered.append(((error[own] >= low) & (error[own] <= high)).mean())
    low, high = (tuple(float(value) for value in side) for side in bounds)
    return Calibration(LEVEL, tuple(float(value) for value in budgets), low, high, float(np.mean(covered)))


def _bounds(rows: Examples, error: Floats, budgets: Floats, used: np.ndarray) -> tuple[list[float], list[float]]:
    low, high = [], []
    for budget in budgets:
        here = used & (rows.share == budget)
        _, place, count = np.unique(rows.group[here], return_inverse=True, return_counts=True)
        order = np.argsort(error[here])
        weight = np.cumsum((1 / count[place])[order])
        sides = [(1 - LEVEL) / 2 * weight[-1], (1 + LEVEL) / 2 * weight[-1]]
        first, last = np.clip(np.searchsorted(weight, sides), 0, len(order) - 1)
        low.append(float(error[here][order[first]]))
        high.append(float(error[here][order[last]]))
    return low, high


def _seen(corpus: Corpus) -> Seen:
    full = corpus.looks.filter(pl.col("sampler") == FULL).unique("dataset", keep="first", maintain_order=True)
    return Seen(tuple(full["dataset"].to_list()), np.array(full["hand"].to_list(), np.float32))


def _card(corpus: Corpus, rows: Examples, scores: dict[str, Floats], view: View) -> dict[str, object]:
    """What a reader must know to believe it."""
    return {
        "date": datetime.date.today().isoformat(),
        "recbench": version("recbench"),
        "jax": version("jax"),
        "corpus": {
            "data sets": len(corpus.datasets),
            "groups": len(set(rows.group.tolist())),
            "real": sorted({group for group in rows.group.tolist() if not group.startswith("synthetic")}),
            "taus": len(rows),
        },
        "view": view,
        "network": asdict(OURS),
        "left out": summary(rows, scores).to_dicts(),
    }

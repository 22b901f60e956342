"""Corpora in which it is known which sampler is best, and why."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from recbench_genie import features
from recbench_genie.corpus import FULL, LOOKS, TAUS, Corpus

SAMPLERS = ("random", "head", "svp-cf", "svp-cf[unit=user]")
BUDGETS = (0.1, 0.4)
WIDTH = 3


def corpus_of(datasets=24, *, sees="data", noise=0.02, seed=0, width=WIDTH):
    """In each data set one feature, of the data or of the samples, says which of four samplers has the highest tau.

    The parts of a data set are called parent/0 and parent/1, and look alike.
    """
    rng = np.random.default_rng(seed)
    place = features.names().index("item gini")
    taus, looks = [], []
    for number in range(datasets):
        sign = 1 if number // 2 % 2 else -1
        hand = np.where(np.arange(len(features.names())) < 5, rng.normal(0, 0.05, len(features.names())), 0)
        hand[place] += sign if sees == "data" else 0
        key = f"planted-{number // 2}/{number % 2}", "implicit"
        looks.append((*key, FULL, 1.0, hand.tolist(), rng.normal(size=width).tolist()))
        for budget in BUDGETS:
            for which, sampler in enumerate(SAMPLERS):
                liked = sign * (1 if which < 2 else -1)
                sampled = hand + (0.5 * liked * (np.arange(len(hand)) == place) if sees == "sample" else 0)
                looks.append((*key, sampler, budget, sampled.tolist(), rng.normal(size=width).tolist()))
                tau = 0.4 + 0.2 * budget + 0.15 * liked + 0.01 * which + rng.normal(0, noise)
                taus.append((*key, sampler, budget, "ndcg@10", 9, tau, 2.0 / budget))
    return Corpus(
        pl.DataFrame(taus, schema=TAUS, orient="row"),
        pl.DataFrame(looks, schema=LOOKS, orient="row"),
    )


@pytest.fixture(name="corpus_of", scope="session")
def corpus_of_fixture():
    """See :func:`corpus_of`."""
    return corpus_of

"""From a corpus to the arrays a model reads: one example a (data set, feedback, metric, sampler, budget).

Questions are (data set, feedback, metric, budget): what is asked of a genie is which sampler to take there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recbench_genie.corpus import FULL, Corpus
from recbench_genie.family import is_synthetic

Floats = NDArray[np.float32]
PULL = 2.0
"""Groups of data sets that the next coarser mean counts as."""
MARKS = ("svp-cf", "proxy=mf", "unit=user", "unit=item", "prop")
"""Parts of labels that samplers have in common."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What may be asked of a genie: what its corpus has."""

    samplers: tuple[str, ...]
    feedback: tuple[str, ...]
    metrics: tuple[str, ...]

    @classmethod
    def of(cls, corpus: Corpus, *, least: int = 2) -> Vocabulary:
        """Of the samplers that at least so many data sets have."""
        counts = corpus.taus.group_by("sampler").agg(pl.col("dataset").n_unique()).filter(pl.col("dataset") >= least)
        columns = (corpus.taus[name].unique().to_list() for name in ("feedback", "metric"))
        return cls(tuple(sorted(counts["sampler"].to_list())), *(tuple(sorted(column)) for column in columns))

    def traits(self, samplers: Sequence[str]) -> Floats:
        """What samplers are, float32 [n, samplers + marks]: which one, and what it shares with others."""
        one = np.asarray(samplers)[:, None] == np.asarray(self.samplers)
        marks = [[mark in sampler for mark in MARKS] for sampler in self.samplers]
        return np.concatenate([one, one @ np.asarray(marks, np.float32)], axis=1).astype(np.float32)

    def asked(self, feedback: Sequence[str], metric: Sequence[str]) -> Floats:
        """Float32 [n, feedback types + metrics]."""
        pairs = ((feedback, self.feedback), (metric, self.metrics))
        return np.concatenate([np.asarray(given)[:, None] == np.asarray(known) for given, known in pairs], 1).astype(
            np.float32
        )


@dataclass(frozen=True)
class Examples:
    """Arrays of n examples."""

    hand: Floats  # [n, features] of the data set
    hand_sample: Floats  # [n, features] of the sample
    graph: Floats  # [n, width]
    graph_sample: Floats  # [n, width]
    traits: Floats  # [n, samplers + marks]
    asked: Floats  # [n, feedback types + metrics]
    share: Floats  # [n], log10 of the budget
    tau: Floats  # [n]; nan where it is to be predicted
    sampler: NDArray[np.int32]  # [n], number in the vocabulary
    question: NDArray[np.int32]  # [n], examples of one question stand together
    group: NDArray[np.str_]  # [n], data sets that are left out together
    place: pl.DataFrame  # [n] rows of data set, feedback, metric, sampler, budget, speedup

    def __len__(self) -> int:
        return len(self.tau)

    @property
    def real(self) -> list[str]:
        """The groups that are not synthetic, by name."""
        return [name for name in np.unique(self.group).tolist() if not is_synthetic(name)]

    def take(self, rows: NDArray[Any]) -> Examples:
        arrays = {name: getattr(self, name)[rows] for name in self.__dataclass_fields__ if name != "place"}
        _, arrays["question"] = np.unique(arrays["question"], return_inverse=True)
        number = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Examples(**arrays, place=self.place[number.tolist()])

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where each question begins, and the end."""
        return np.concatenate([[0], np.flatnonzero(np.diff(self.question)) + 1, [len(self)]])


def examples(corpus: Corpus, vocabulary: Vocabulary) -> Examples:
    """All examples of a corpus that the vocabulary has words for, by question."""
    rows = corpus.taus.filter(
        pl.col("sampler").is_in(vocabulary.samplers),
        pl.col("feedback").is_in(vocabulary.feedback),
        pl.col("metric").is_in(vocabulary.metrics),
    )
    full = corpus.looks.filter(pl.col("sampler") == FULL).select(
        "dataset", "feedback", hand_full="hand", graph_full="graph"
    )
    rows = rows.join(full, on=["dataset", "feedback"]).join(
        corpus.looks, on=["dataset", "feedback", "sampler", "budget"]
    )
    rows = rows.sort("dataset", "feedback", "metric", "budget", "sampler")
    groups = corpus.groups
    return Examples(
        hand=_matrix(rows["hand_full"]),
        hand_sample=_matrix(rows["hand"]),
        graph=_matrix(rows["graph_full"]),
        graph_sample=_matrix(rows["graph"]),
        traits=vocabulary.traits(rows["sampler"].to_list()),
        asked=vocabulary.asked(rows["feedback"].to_list(), rows["metric"].to_list()),
        share=np.log10(rows["budget"].to_numpy()).astype(np.float32),
        tau=rows["tau"].to_numpy().astype(np.float32),
        sampler=np.array([vocabulary.samplers.index(name) for name in rows["sampler"]], np.int32),
        question=(rows.select(pl.struct("dataset", "feedback", "metric", "budget").rle_id()).to_series().to_numpy())
        .astype(np.int32),
        group=np.array([groups[name] for name in rows["dataset"]], np.str_),
        place=rows.select("dataset", "feedback", "metric", "sampler", "budget", "speedup"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Averages:
    """Mean tau over data sets: what is known without looking at one, and where every model starts."""

    budgets: Floats  # [budgets], log10 of shares, increasing
    table: Floats  # [feedback types, metrics, budgets, samplers]

    @classmethod
    def of(cls, rows: Examples, vocabulary: Vocabulary) -> Averages:
        """By (feedback, metric, budget, sampler), each group of data sets counted as the root of their number.

        Means of few groups are pulled to that of the sampler and budget over all metrics, and this to the budget's.
        """
        budgets = sorted(rows.place["budget"].unique().to_list())
        axes = (vocabulary.feedback, vocabulary.metrics, budgets, vocabulary.samplers)
        cells = pl.DataFrame(list(product(*axes)), schema=["feedback", "metric", "budget", "sampler"], orient="row")
        found = np.full(len(cells), rows.tau.mean(dtype=np.float64))
        for keys in (["feedback", "budget"], ["feedback", "budget", "sampler"], cells.columns):
            level = cells.join(_means(rows, keys), on=keys, how="left", maintain_order="left")
            mean, count = (level[name].fill_null(0).to_numpy() for name in ("mean", "count"))
            found = (found * PULL + mean * count) / (count + PULL)
        shape = tuple(len(axis) for axis in axes)
        return cls(np.log10(budgets).astype(np.float32), found.reshape(shape).astype(np.float32))

    def at(self, asked: Floats, share: Floats, sampler: NDArray[np.int32]) -> Floats:
        """Float32 [n], between the budgets of the corpus in proportion to the logarithm; beyond them, as at the end."""
        types = self.table.shape[0]
        feedback, metric = asked[:, :types].argmax(1), asked[:, types:].argmax(1)
        if len(self.budgets) == 1:
            return self.table[feedback, metric, 0, sampler]
        within = np.clip(share, self.budgets[0], self.budgets[-1])
        above = np.clip(np.searchsorted(self.budgets, within), 1, len(self.budgets) - 1)
        low, high = self.budgets[above - 1], self.budgets[above]
        part = (within - low) / (high - low)
        ends = (self.table[feedback, metric, place, sampler] for place in (above - 1, above))
        return ((1 - part) * next(ends) + part * next(ends)).astype(np.float32)


def _means(rows: Examples, keys: list[str]) -> pl.DataFrame:
    frame = rows.place.with_columns(tau=pl.Series(rows.tau), group=pl.Series(rows.group))
    each = frame.group_by([*keys, "group"]).agg(pl.col("tau").mean(), weight=pl.col("dataset").n_unique().sqrt())
    weight = pl.col("weight")
    return each.group_by(keys).agg(mean=(pl.col("tau") * weight).sum() / weight.sum(), count=weight.sum())


def _matrix(column: pl.Series) -> Floats:
    return np.array(column.to_list(), np.float32).reshape(len(column), -1)

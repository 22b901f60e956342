"""Samples of a whole log, for training on elsewhere: nothing is held out, and short users stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recbench.bench.context import BoundSampler, bind_sampler
from recbench.bench.coverage import coverage
from recbench.bench.roster import sampler_code
from recbench.bench.sample import draw_sample
from recbench.contracts.errors import DataError, ParameterError
from recbench.contracts.records import Budget, Dataset, Feedback, ParameterValue, Sample, Split
from recbench.data.readers import Log
from recbench.registry import Registry, default

PROTOCOL = "whole"
"""What stands in the place of a split's protocol; with it, samples of a whole log differ from those of a train set."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How large a log is."""

    rows: int
    users: int
    items: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What a sample of a whole log was drawn with, and what it kept: enough to draw it again."""

    sampler: str  # canonical label
    taken: str  # the sampler whose sample it took as it was; empty: the rows are its own choice
    parameters: Mapping[str, ParameterValue]  # all of them, the defaults too
    unit: str
    sampler_code: str  # hash of the plugin's source; empty for built-ins
    budget: str
    feedback: Feedback
    seed: int
    dataset: str
    source: str
    checksum: str  # of the data set
    log: Counts
    kept: Counts
    popularity_shift: float  # how much more popular, counted in the log, a kept row's item is than a row's
    time_span: float | None  # from the first kept row to the last, as a share of the log's; None: no times
    sample_digest: str  # sha256 of the kept row numbers in canonical order


def whole_split(dataset: Dataset, *, feedback: Feedback = "implicit") -> Split:
    """A split whose train is the whole data set, repeated rows too; validation and test are empty.

    Raises:
      DataError: explicit feedback was asked of a log without ratings.
    """
    if feedback == "explicit" and not dataset.has_ratings:
        raise DataError(f"{dataset.name!r} has no ratings, and explicit feedback needs them: use implicit feedback")
    rows = dataset.interactions
    none = rows.take(np.zeros(0, np.int64))
    return Split(
        dataset=dataset.name,
        checksum=dataset.checksum,
        feedback=feedback,
        protocol=PROTOCOL,
        seed=0,
        train=rows,
        validation=none,
        test=none,
        train_position=np.arange(len(rows)),
        validation_position=np.zeros(0, np.int64),
        user_ids=dataset.user_ids,
        item_ids=dataset.item_ids,
        tied_times=dataset.tied_times,
    )


def sample_log(
    log: Log,
    sampler: str,
    budget: Budget | str,
    *,
    feedback: Feedback = "implicit",
    seed: int = 0,
    registry: Registry | None = None,
) -> tuple[NDArray[np.int64], Choice]:
    """Which rows of a log to keep: their numbers, int64 [k], increasing.

    Args:
      log: as :func:`recbench.data.readers.load_log` gives it.
      sampler: label, as in ``svp-cf[unit=user]``; it must choose rows, not make fake users.
      budget: share of the whole log, rows or users.
      feedback: what the sample is for; samplers with a proxy train it accordingly.

    Raises:
      RecbenchError: as :func:`recbench.draw_sample`.
    """
    known, dataset = registry or default(), log.dataset
    bound = check_sampler(sampler, known)
    split = whole_split(dataset, feedback=feedback)
    sample = draw_sample(sampler, split, budget, seed=seed, registry=known)
    assert isinstance(sample, Sample)
    left = coverage(split, sample)
    choice = Choice(
        sampler=sample.sampler,
        taken=sample.taken,
        parameters=dict(bound.parameters),
        unit=bound.unit,
        sampler_code=sampler_code(sampler, known),
        budget=str(sample.budget),
        feedback=feedback,
        seed=seed,
        dataset=dataset.name,
        source=dataset.provenance.source,
        checksum=dataset.checksum,
        log=Counts(len(split.train), split.num_users, split.num_items),
        kept=Counts(left.rows, left.users, left.items),
        popularity_shift=left.popularity_shift,
        time_span=left.time_span,
        sample_digest=sample.digest,
    )
    return np.sort(log.places[sample.rows]), choice


def check_sampler(sampler: str, registry: Registry) -> BoundSampler:
    """The sampler that a label means, before any data are read.

    Raises:
      UnknownNameError: no plugin registered it.
      ParameterError: it has no such parameter, or makes fake users.
    """
    bound = bind_sampler(sampler, registry)
    if bound.spec.form == "synthesise":
        raise ParameterError(f"{bound.spec.name!r} makes fake users, and rows of a log are kept: take another sampler")
    return bound

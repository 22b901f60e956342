"""The tables of an entry that follow from its runs: how samplers keep rankings, how algorithms do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from recbench.boards.fields import (
    Amount,
    BudgetText,
    Correlation,
    Count,
    DatasetName,
    Hyper,
    LabelText,
    MetricName,
    Model,
    Place,
    Reason,
    Share,
)
from recbench.contracts.records import Feedback


class AgreementEntry(Model):
    """How far the sampler keeps a ranking; see :class:`recbench.Agreement`."""

    dataset: DatasetName
    feedback: Feedback
    metric: MetricName
    sampler: LabelText
    budget: BudgetText
    num_algorithms: Count
    rank: Place | None  # by tau, among the samplers of this entry
    tau: Correlation | None
    tau_low: Correlation | None
    tau_high: Correlation | None
    ceiling: Correlation | None
    num_deterministic: Count
    share_of_ceiling: float | None
    regret: float | None
    pair_accuracy: Share | None
    significant_pairs: Count
    samples_share: Amount | None
    speedup: Amount | None
    reason: Reason


class MeanEntry(Model):
    """The mean of a sampler's agreements at one budget, over data sets, feedback types and metrics."""

    sampler: LabelText
    budget: BudgetText
    taus: Count
    lines: Count
    tau: Correlation | None
    tau_low: Correlation | None
    tau_high: Correlation | None
    ceiling: Correlation | None
    share_of_ceiling: float | None
    pair_accuracy: Share | None
    samples_share: Amount | None
    speedup: Amount | None


class MeasureEntry(Model):
    """One metric: its mean over seeds, its interval over test users, its spread over seeds."""

    value: float | None
    low: float | None
    high: float | None
    spread: Amount | None


class StandingEntry(Model):
    """One algorithm on the full data; see :class:`recbench.Standing`."""

    dataset: DatasetName
    feedback: Feedback
    algorithm: LabelText
    rank: Place | None
    metric: MetricName
    metrics: Annotated[Mapping[MetricName, MeasureEntry], Field(max_length=50)]
    lead: Amount | None
    p_value: Share | None
    hyper: Hyper  # what validation chose; empty: nothing finished
    validation: float | None
    points: Count
    finished: Count
    seconds: Amount | None
    seeds: Count
    reason: Reason


class QualityEntry(MeasureEntry):
    """One algorithm trained on fake or fewer users, beside the same on the full data."""

    dataset: DatasetName
    feedback: Feedback
    metric: MetricName
    sampler: LabelText
    budget: BudgetText
    algorithm: LabelText
    full: float | None  # of the same algorithm on all rows
    full_low: float | None
    full_high: float | None
    share: float | None  # how good it is as a share of that; above 1 is better, whatever the metric's direction
    share_low: float | None
    share_high: float | None
    seeds: Count
    seconds: Amount | None  # of a run, mean over the seeds
    sampler_seconds: Amount | None  # drawing, likewise
    full_seconds: Amount | None  # of the fastest run on all rows
    reason: Reason


class CostEntry(Model):
    """What the runs took together."""

    runs: Count
    seconds: Amount  # training and scoring, compilation apart
    compile_seconds: Amount
    samples_processed: Count

"""An entry of a leaderboard: what one store says about a suite, from the runs themselves to what follows from them.

The tables of runs (``conditions`` to ``cells``, with the replicates beside them) are what was measured; ``agreements``
to ``cost`` follow from them alone. ``entry_schema`` is the published form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, model_validator

from recbench.bench.sample import FULL
from recbench.boards.fields import (
    MOST_CELLS,
    Amount,
    BudgetText,
    Code,
    Count,
    DatasetName,
    Digest,
    Hyper,
    LabelText,
    Link,
    MetricName,
    Model,
    Name,
    Reason,
    Remark,
    Seeds,
    Share,
    SubsetName,
    SuiteName,
    UnitText,
)
from recbench.boards.outcomes import AgreementEntry, CostEntry, MeanEntry, QualityEntry, StandingEntry
from recbench.contracts.records import Feedback, Status

Board = Literal["samplers", "algorithms", "synthesisers"]
FORMAT: Literal[2] = 2

Table = Literal[
    "conditions", "left_out", "samplers", "algorithms", "samples", "cells",
    "agreements", "means", "standings", "qualities",
]  # fmt: skip
Part = Literal[Table, "entry"]  # the latter: all fields that are no table, as one row

RUNS: tuple[Table, ...] = ("conditions", "left_out", "samplers", "algorithms", "samples", "cells")
"""Tables of what was measured."""
DERIVED: tuple[Table, ...] = ("agreements", "means", "standings", "qualities")
"""Tables of what follows from that."""


class EnvironmentEntry(Model):
    """The machine that made the entry of the store; see :class:`recbench.bench.environment.Environment`."""

    python: Name
    platform: Name
    cpus: Count
    devices: Annotated[tuple[Name, ...], Field(max_length=1000)]
    packages: Annotated[Mapping[Name, Name], Field(max_length=200)]


class Conditions(Model):
    """What all runs on one data set and feedback type share."""

    dataset: DatasetName
    feedback: Feedback
    checksum: Digest  # of the data set
    split: Name
    split_seed: Count
    noise: Share
    noise_seed: Count
    mask: Name
    history: Name
    tuning: Name
    select: MetricName
    metric_code: Code
    max_epochs: Count
    validate_every: Count
    patience: Count
    protocol: Count  # version of recbench's own code, as far as it changes values
    full_seeds: Seeds  # training seeds on full data
    sample_seeds: Seeds


class LeftOut(Model):
    """A feedback type that a data set does not allow."""

    dataset: DatasetName
    feedback: Feedback
    reason: Reason


class SamplerEntry(Model):
    """A sampler, and where its code comes from."""

    label: LabelText
    parameters: Hyper  # all, the defaults too
    unit: UnitText
    form: Literal["order", "select", "synthesise"]
    distribution: Name
    distribution_version: Name
    code: Code


class AlgorithmEntry(Model):
    """An algorithm, and where its code comes from."""

    label: LabelText
    parameters: Hyper  # those that no grid varies keep these values
    deterministic: bool  # the training seed changes nothing
    distribution: Name
    distribution_version: Name
    code: Code


class SampleEntry(Model):
    """One sample that was drawn; of all rows, the sampler is called ``full``."""

    dataset: DatasetName
    feedback: Feedback
    sampler: LabelText
    budget: BudgetText
    seed: Count
    digest: Digest
    rows: Count
    users: Count
    items: Count
    cold_test_users: Share
    cold_test_items: Share
    popularity_shift: Annotated[float, Field(ge=-1)] | None
    time_span: Share | None
    sketch: Annotated[tuple[Count, ...], Field(max_length=256)]  # some kept rows; empty: it can be drawn again exactly


class CellEntry(Model):
    """One run: the axes that the conditions do not give, and what came out."""

    dataset: DatasetName
    feedback: Feedback
    sampler: LabelText
    budget: BudgetText
    sample_seed: Count
    algorithm: LabelText
    hyper: Hyper
    training_seed: Count
    status: Status
    reason: Reason
    validation: float | None
    metrics: Annotated[Mapping[MetricName, float], Field(max_length=50)]  # each has replicates, in this order
    seconds: Amount | None
    compile_seconds: Amount | None
    sampler_seconds: Amount | None
    samples_processed: Count | None
    epochs: Count | None


class ReplicatesEntry(Model):
    """The file of the bootstrap replicates, ``SHA256.parquet``: a row for each cell and metric, in their order."""

    sha256: Digest
    rows: Count


class Digests(Model):
    """Of one table: each row, and each column by its name. What was changed lies where the two cross."""

    rows: Annotated[tuple[Digest, ...], Field(max_length=4 * MOST_CELLS)]
    columns: Annotated[Mapping[Annotated[str, Field(max_length=320)], Digest], Field(max_length=2000)]


def _table(least: int = 0, most: int = MOST_CELLS) -> Any:
    return Field(min_length=least, max_length=most)


class Entry(Model):
    """A submission to a board of one version of one suite."""

    format: Literal[2] = FORMAT
    board: Board
    suite: SuiteName
    suite_version: Annotated[int, Field(ge=1, lt=1_000_000)]
    subset: SubsetName  # a part of the suite that has a name; empty: all of it
    created: AwareDatetime  # of the latest result, so that one store makes one entry
    recbench: Name
    submitter: Remark
    link: Link
    environment: EnvironmentEntry
    conditions: Annotated[tuple[Conditions, ...], _table(1, 500)]
    left_out: Annotated[tuple[LeftOut, ...], _table(0, 500)]
    samplers: Annotated[tuple[SamplerEntry, ...], _table(0, 500)]
    algorithms: Annotated[tuple[AlgorithmEntry, ...], _table(1, 1000)]
    samples: Annotated[tuple[SampleEntry, ...], _table()]
    cells: Annotated[tuple[CellEntry, ...], _table(1)]
    replicates: ReplicatesEntry
    agreements: Annotated[tuple[AgreementEntry, ...], _table()]
    means: Annotated[tuple[MeanEntry, ...], _table()]
    standings: Annotated[tuple[StandingEntry, ...], _table()]
    qualities: Annotated[tuple[QualityEntry, ...], _table(0, 4 * MOST_CELLS)]
    cost: CostEntry
    digests: Mapping[Part, Digests]

    @model_validator(mode="after")
    def _fits_together(self) -> Entry:
        places = [(each.dataset, each.feedback) for each in self.conditions]
        _each_once("conditions", places + [(each.dataset, each.feedback) for each in self.left_out])
        samplers, algorithms = ([each.label for each in table] for table in (self.samplers, self.algorithms))
        _each_once("samplers", samplers)
        _each_once("algorithms", algorithms)
        _each_once("samples", [(s.dataset, s.feedback, s.sampler, s.budget, s.seed) for s in self.samples])
        known: dict[str, set[Any]] = {
            "dataset and feedback": set(places),
            "sampler": {*samplers, FULL},
            "algorithm": set(algorithms),
        }
        for name in ("samples", "cells", *DERIVED):
            for number, row in enumerate(getattr(self, name)):
                _check_known(f"{name}.{number}", row, known)
        if sum(len(cell.metrics) for cell in self.cells) != self.replicates.rows:
            raise ValueError(f"replicates.rows is {self.replicates.rows}, which is not as many as cells have metrics")
        return self


def entry_schema() -> dict[str, Any]:
    """The form of an entry as JSON Schema."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Entry.model_json_schema()}


def _each_once(what: str, values: list[Any]) -> None:
    if len(set(values)) < len(values):
        raise ValueError(f"the {what} are not all different")


def _check_known(place: str, row: Any, known: Mapping[str, set[Any]]) -> None:
    ground = (getattr(row, "dataset", None), getattr(row, "feedback", None))
    found = {
        "dataset and feedback": None if ground[0] is None else ground,
        "sampler": getattr(row, "sampler", None),
        "algorithm": getattr(row, "algorithm", None),
    }
    for field, value in found.items():
        if value is not None and value not in known[field]:
            shown = ", ".join(value) if isinstance(value, tuple) else value
            raise ValueError(f"{place} has the {field} {shown!r}, which the entry does not list")

"""An entry of a leaderboard: what one store says about a suite, as JSON that is read with suspicion.

``Entry.model_json_schema()`` is the published form.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from recbench.bench.parts import publish
from recbench.contracts.errors import ParameterError, VerificationError
from recbench.contracts.labels import Label
from recbench.contracts.records import Budget, Feedback, ParameterValue, Unit

LARGEST = 32 << 20
"""Bytes of an entry at most."""


def _printable(text: str) -> str:
    if not text.isprintable():  # control characters, and marks that turn the direction of text
        raise ValueError("it has characters that cannot be printed")
    return text


def _canonical(kind: type[Label] | type[Budget]) -> AfterValidator:
    def check(text: str) -> str:
        try:
            canonical = str(kind.parse(text))
        except ParameterError as error:
            raise ValueError(str(error)) from error
        if canonical != text:
            raise ValueError(f"it is written {canonical!r}")
        return text

    return AfterValidator(check)


Printable = AfterValidator(_printable)
Name = Annotated[str, Field(min_length=1, max_length=200), Printable]
Reason = Annotated[str, Field(max_length=1000), Printable]
DatasetName = Annotated[str, Field(pattern=r"^\w[\w.:+ -]*$", max_length=200), Printable]  # stands in command lines
MetricName = Annotated[str, Field(pattern=r"^[\w.:-]+(@[0-9]+)?$", max_length=100), Printable]
SuiteName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]  # names a folder too
LabelText = Annotated[str, Field(max_length=300), Printable, _canonical(Label)]
BudgetText = Annotated[str, Field(max_length=40), _canonical(Budget)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Code = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]  # hash of a plugin's source; empty for built-ins
Count = Annotated[int, Field(ge=0, lt=1 << 62)]
Amount = Annotated[float, Field(ge=0)]
Correlation = Annotated[float, Field(ge=-1, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Seeds = Annotated[tuple[Count, ...], Field(max_length=1000)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class EnvironmentEntry(_Model):
    """The machine that made the entry of the store; see :class:`recbench.bench.environment.Environment`."""

    python: Name
    platform: Name
    cpus: Count
    devices: Annotated[tuple[Name, ...], Field(max_length=1000)]
    packages: Annotated[Mapping[Name, Name], Field(max_length=200)]


class AlgorithmEntry(_Model):
    """An algorithm that a ranking is over."""

    label: LabelText
    code: Code


class Conditions(_Model):
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
    select: Name
    max_epochs: Count
    validate_every: Count
    patience: Count
    protocol: Count  # version of recbench's own code, as far as it changes values
    full_seeds: Seeds  # training seeds on full data
    sample_seeds: Seeds
    algorithms: Annotated[tuple[AlgorithmEntry, ...], Field(max_length=1000)]


class SampleEntry(_Model):
    """One sample that was drawn."""

    dataset: DatasetName
    feedback: Feedback
    budget: BudgetText
    seed: Count
    digest: Digest
    rows: Count
    users: Count
    items: Count
    cold_test_users: Share
    cold_test_items: Share
    popularity_shift: Annotated[float, Field(ge=-1)] | None = None  # null in entries of version 0.1
    time_span: Share | None = None


class AgreementEntry(_Model):
    """How far the sampler keeps a ranking; see :class:`recbench.Agreement`."""

    dataset: DatasetName
    feedback: Feedback
    metric: MetricName
    budget: BudgetText
    num_algorithms: Count
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


class SamplerEntry(_Model):
    """A sampler, what it drew, and how it did."""

    label: LabelText
    parameters: Annotated[Mapping[Name, ParameterValue], Field(max_length=100)]  # all, the defaults too
    unit: Unit
    distribution: Name
    distribution_version: Name
    code: Code
    samples: Annotated[tuple[SampleEntry, ...], Field(max_length=50_000)]
    agreements: Annotated[tuple[AgreementEntry, ...], Field(max_length=50_000)]


class CostEntry(_Model):
    """What the runs took together."""

    runs: Count
    seconds: Amount  # training and scoring, compilation apart
    compile_seconds: Amount
    samples_processed: Count


class Entry(_Model):
    """A submission to the board of samplers of one version of one suite."""

    format: Literal[1] = 1
    board: Literal["samplers"] = "samplers"
    suite: SuiteName
    suite_version: Annotated[int, Field(ge=1, lt=1_000_000)]
    created: AwareDatetime  # of the latest result, so that one store makes one entry
    recbench: Name
    environment: EnvironmentEntry
    conditions: Annotated[tuple[Conditions, ...], Field(min_length=1, max_length=500)]
    samplers: Annotated[tuple[SamplerEntry, ...], Field(min_length=1, max_length=500)]
    cost: CostEntry

    @model_validator(mode="after")
    def _fits_together(self) -> Entry:
        places = [(each.dataset, each.feedback) for each in self.conditions]
        _each_once("conditions", places)
        _each_once("samplers", [each.label for each in self.samplers])
        for sampler in self.samplers:
            rows = [(row.dataset, row.feedback, row.metric, row.budget) for row in sampler.agreements]
            drawn = [(row.dataset, row.feedback, row.budget, row.seed) for row in sampler.samples]
            _each_once(f"agreements of {sampler.label}", rows)
            _each_once(f"samples of {sampler.label}", drawn)
            for row in (*rows, *drawn):
                if row[:2] not in places:
                    raise ValueError(f"{sampler.label} has rows on {', '.join(row[:2])}, which has no conditions")
        return self


def board_folder(root: Path, suite: str, version: int) -> Path:
    """Where the board of a suite's version lives."""
    return root / f"{suite}-v{version}"


def entry_text(entry: Entry) -> str:
    """An entry as JSON, always the same for the same entry."""
    return json.dumps(entry.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_entry(entry: Entry, folder: Path) -> Path:
    """Writes an entry into a board's folder, whole or not at all; its name is its date and the hash of its content."""
    content = entry_text(entry).encode()
    name = f"{entry.created:%Y%m%d}-{hashlib.sha256(content).hexdigest()[:16]}.json"
    target = folder / "entries" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    publish(content, target)
    return target


def read_entries(folder: Path) -> dict[str, Entry]:
    """The entries of a board by the names of their files, oldest first.

    Raises:
      VerificationError: one of them is not an entry of this board.
    """
    entries = {path.name: read_entry(path) for path in sorted((folder / "entries").glob("*.json"))}
    for name, entry in entries.items():
        if board_folder(folder.parent, entry.suite, entry.suite_version) != folder:
            found = f"{entry.suite} v{entry.suite_version}"
            raise VerificationError(f"the entry {name} in {folder} is one of {found}: move it to that board")
    return dict(sorted(entries.items(), key=lambda item: (item[1].created, item[0])))


def read_entry(path: Path) -> Entry:
    """Reads one entry.

    Raises:
      VerificationError: it is too large, not JSON, or not of the form of an entry; the field is named.
    """
    size = path.stat().st_size
    if size > LARGEST:
        raise VerificationError(f"the entry {path} has {size:,} bytes: at most {LARGEST:,} are read")
    content = path.read_bytes()
    try:
        json.loads(content, object_pairs_hook=_keys_once, parse_constant=_no_number)
        return Entry.model_validate_json(content)
    except ValidationError as error:
        raise VerificationError(f"the entry {path} is refused: {sentence(error)}") from error
    except RecursionError as error:
        raise VerificationError(f"the entry {path} is refused: it is nested too deeply") from error
    except ValueError as error:
        raise VerificationError(f"the entry {path} is refused: it is not JSON ({str(error)[:200]!r})") from error


def sentence(error: ValidationError) -> str:
    """The first thing that is wrong with an entry."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    found = repr(first["input"])
    return f"{place[:200]!r} is {found if len(found) <= 80 else found[:77] + '...'}: {message}" if place else message


def _each_once(what: str, values: list[Any]) -> None:
    if len(set(values)) < len(values):
        raise ValueError(f"the {what} are not all different")


def _keys_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")

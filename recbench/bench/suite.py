"""Suites: the standardised benchmarks, as TOML that people can read, copy and change."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from recbench.contracts.errors import ParameterError, SuiteError, UnknownNameError
from recbench.contracts.labels import Label
from recbench.contracts.records import Budget, Feedback, ParameterValue

T = TypeVar("T")
Grid = Mapping[str, tuple[ParameterValue, ...]]
"""Values to try of each hyper-parameter, by name; empty: the algorithm's defaults alone."""


def _canonical_label(text: str) -> str:
    try:
        return str(Label.parse(text))
    except ParameterError as error:
        raise ValueError(str(error)) from error


def _canonical_budget(text: str) -> str:
    try:
        return str(Budget.parse(text))
    except ParameterError as error:
        raise ValueError(str(error)) from error


def _each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    twice = next((value for number, value in enumerate(values) if value in values[:number]), None)
    if twice is not None:
        raise ValueError(f"{twice!r} stands there twice")
    return values


LabelText = Annotated[str, AfterValidator(_canonical_label)]
BudgetText = Annotated[str, AfterValidator(_canonical_budget)]
Names = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_each_once)]
Feedbacks = Annotated[tuple[Feedback, ...], Field(min_length=1), AfterValidator(_each_once)]
Labels = Annotated[tuple[LabelText, ...], Field(min_length=1), AfterValidator(_each_once)]
Seeds = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1), AfterValidator(_each_once)]
Shares = Annotated[
    tuple[Annotated[float, Field(ge=0, le=1)], ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, int | float) else value),
    Field(min_length=1),
    AfterValidator(_each_once),
]
Splits = Annotated[
    tuple[LabelText, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    Field(min_length=1),
    AfterValidator(_each_once),
]
Values = Annotated[tuple[ParameterValue, ...], Field(min_length=1), AfterValidator(_each_once)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SuiteProtocol(_Model):
    """How runs are made; each of these stands in every row of the results."""

    split: Mapping[Feedback, Splits] = {}  # by preference: "given" only where the data have it; {}: the usual
    split_seed: Annotated[int, Field(ge=0)] = 0
    noise: Shares = (0.0,)  # shares of train rows whose item is replaced at random, a ranking each; one may stand alone
    noise_seed: Annotated[int, Field(ge=0)] = 0
    mask: Literal["full", "sample"] = "full"
    history: Literal["sample", "full"] = "sample"
    tuning: Literal["full", "sample"] = "full"
    select: Mapping[Feedback, str]  # the validation metric that stops training and chooses hyper-parameters
    epochs: Annotated[int, Field(ge=1)] = 100  # at most, a stage
    validate_every: Annotated[int, Field(ge=1)] = 5  # epochs
    patience: Annotated[int, Field(ge=1)] = 5  # validations in a row without a gain, after which a run stops

    def split_of(self, feedback: Feedback, *, given: bool) -> str | None:
        """The split of data with or without a split of their own; None: the usual one of the feedback type."""
        wanted = self.split.get(feedback, ())
        there = (each for each in wanted if given or Label.parse(each).name != "given")
        return next(there, wanted[-1] if wanted else None)


class SuiteSeeds(_Model):
    """Training seeds of runs on full data; for samples, seeds of both the draw and the training."""

    full: Seeds = (0, 1, 2)
    sample: Seeds = (0,)


class Subset(_Model):
    """A part of a suite: what stands here takes the place of the suite's own."""

    datasets: Names | None = None
    feedback: Feedbacks | None = None
    samplers: Labels | None = None
    budgets: Annotated[tuple[BudgetText, ...], Field(min_length=1), AfterValidator(_each_once)] | None = None
    noise: Shares | None = None
    algorithms: Labels | None = None
    full_seeds: Annotated[int, Field(ge=1)] | None = None  # how many
    sample_seeds: Annotated[int, Field(ge=1)] | None = None


class Suite(_Model):
    """A benchmark. Results compare only inside one version of one suite."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    version: Annotated[int, Field(ge=1)]
    summary: str
    datasets: Names
    feedback: Feedbacks
    samplers: Annotated[tuple[LabelText, ...], AfterValidator(_each_once)]  # none: runs on full data alone
    budgets: Annotated[tuple[BudgetText, ...], AfterValidator(_each_once)] = ()
    protocol: SuiteProtocol
    seeds: SuiteSeeds = SuiteSeeds()
    metrics: Mapping[Feedback, Names]
    algorithms: Mapping[Feedback, Mapping[LabelText, Mapping[str, Values]]]
    subsets: Mapping[str, Subset] = {}  # by name

    @model_validator(mode="after")
    def _complete(self) -> Suite:
        if self.samplers and not self.budgets:
            raise ValueError("it has samplers but no budgets: say how much they are to keep")
        for feedback in self.feedback:
            for field, table in (
                ("metrics", self.metrics),
                ("protocol.select", self.protocol.select),
                ("algorithms", self.algorithms),
            ):
                if not table.get(feedback):
                    raise ValueError(f"it has no {field} for {feedback} feedback")
        return self

    @model_validator(mode="after")
    def _grids_keep_to_labels(self) -> Suite:
        for feedback, roster in self.algorithms.items():
            for text, grid in roster.items():
                if twice := sorted(set(grid) & set(dict(Label.parse(text).overrides))):
                    raise ValueError(
                        f"{text!r} has a grid over {twice[0]!r} for {feedback} feedback, which its label sets: "
                        "take it out of one of them"
                    )
        return self

    def subset(self, name: str | None) -> Suite:
        """A part of the suite that has a name; without a name, all of it.

        Raises:
          UnknownNameError: it has none of this name.
        """
        if not name:
            return self
        if name not in self.subsets:
            near = difflib.get_close_matches(name, self.subsets, n=1)
            there = f"it has {', '.join(self.subsets)}" if self.subsets else "it has none"
            hint = f"did you mean {near[0]!r}?" if near else there
            raise UnknownNameError(f"the suite {self.name!r} has no subset {name!r}: {hint}")
        return self.override(**self.subsets[name].model_dump())

    def override(
        self,
        *,
        datasets: Sequence[str] | None = None,
        feedback: Sequence[str] | None = None,
        samplers: Sequence[str] | None = None,
        budgets: Sequence[str] | None = None,
        noise: Sequence[float] | None = None,
        algorithms: Sequence[str] | None = None,
        full_seeds: int | Sequence[int] | None = None,
        sample_seeds: int | Sequence[int] | None = None,
        seed: int | None = None,
    ) -> Suite:
        """The suite with other contents in place of its own; what is None stays.

        Args:
          noise: shares of train rows, in place of the protocol's.
          algorithms: labels. One of the suite keeps its grid, ``mf[latent=8]`` keeps what is left of ``mf``'s, and one
            that the suite does not know runs with its defaults. Feedback types left without any are left out.
          full_seeds, sample_seeds: the seeds, or how many (0, 1, ...).
          seed: the first of both, in place of theirs: as many seeds, counted from here. The split keeps its own.

        Raises:
          SuiteError: the result cannot be run.
        """
        given = {"datasets": datasets, "feedback": feedback, "samplers": samplers, "budgets": budgets}
        content = self.model_dump() | {name: value for name, value in given.items() if value is not None}
        seeds = {"full": _seeds(full_seeds), "sample": _seeds(sample_seeds)}
        content["seeds"] |= {name: value for name, value in seeds.items() if value is not None}
        if noise is not None:
            content["protocol"]["noise"] = noise
        if seed is not None:
            content["seeds"] = {name: range(seed, seed + len(value)) for name, value in content["seeds"].items()}
        if algorithms is not None:
            content["algorithms"] = self._picked(algorithms)
            if feedback is None:
                content["feedback"] = [
                    each for each in self.feedback if content["algorithms"].get(each)
                ] or self.feedback
        return _validated(content, f"{self.name!r} with the given options")

    def _picked(self, wanted: Sequence[str]) -> dict[str, dict[str, Any]]:
        labels = [Label.parse(text) for text in wanted]
        listed = {Label.parse(text).name for roster in self.algorithms.values() for text in roster}
        return {
            feedback: {
                str(label): _grid(label, self.algorithms.get(feedback, {}))
                for label in labels
                if label.name not in listed or _base(label, self.algorithms.get(feedback, {})) is not None
            }
            for feedback in self.algorithms
        }


def suites() -> dict[str, Traversable]:
    """The suites that come with recbench: name and file, sorted."""
    files = (resources.files("recbench") / "suites").iterdir()
    return {name: file for name, file in sorted((f.name.removesuffix(".toml"), f) for f in files if _is_toml(f.name))}


def load_suite(name_or_path: str | Path) -> Suite:
    """Reads a suite that comes with recbench, or any file.

    Raises:
      UnknownNameError: no suite has the name.
      SuiteError: the file cannot be read, or says something that cannot be run.
    """
    text = str(name_or_path)
    known = suites()
    if text in known:
        return read_suite(known[text].read_text(encoding="utf-8"), f"{text}.toml")
    path = Path(text).expanduser()
    if not (_is_toml(path.name) or path.is_file() or len(path.parts) > 1):
        near = difflib.get_close_matches(text, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}, and a path to a file works too"
        raise UnknownNameError(f"no suite is called {text!r}: {hint}")
    try:
        return read_suite(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SuiteError(f"the suite file {path} cannot be read: {reason}; give the path of a TOML file") from error


def read_suite(text: str, file: str) -> Suite:
    """Reads a suite from TOML; ``file`` is named in errors.

    Raises:
      SuiteError: one sentence with file, field, what was found and what is expected.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"the suite file {file} is not TOML: {error}") from error
    return _validated(_inherited(content, file), file)


def _inherited(content: dict[str, Any], file: str) -> dict[str, Any]:
    """A suite that names a base has all that stands in the base and not in itself, its version too."""
    if "base" not in content:
        return content
    base, known = content["base"], suites()
    if not isinstance(base, str) or base not in known:
        raise SuiteError(f"the suite {file} has the base {base!r}, but one of {', '.join(known)} is expected")
    text = known[base].read_text(encoding="utf-8")
    return _merged(_inherited(tomllib.loads(text), f"{base}.toml"), {k: v for k, v in content.items() if k != "base"})


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged line by line; every other value is replaced."""
    both = {k: _merged(old[k], v) for k, v in new.items() if isinstance(v, dict) and isinstance(old.get(k), dict)}
    return {**old, **new, **both}


def _validated(content: Mapping[str, Any], file: str) -> Suite:
    try:
        return Suite.model_validate(content)
    except ValidationError as error:
        raise SuiteError(f"the suite {file} cannot be run: {_sentence(error)}") from error


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong, in words."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"] if part != "[key]")
    message = first["msg"].removeprefix("Value error, ")
    message = (message[0].lower() + message[1:]).replace("tuple", "list")  # TOML knows lists
    match first["type"]:
        case "missing":
            return f"the field {place!r} is missing"
        case "extra_forbidden":
            return f"the field {place!r} is not known{_nearest(place)}"
        case _ if not place:
            return message
        case _:
            return f"the field {place!r} is {_shown(first['input'])}, but {message}"


def _nearest(place: str) -> str:
    parent, _, name = place.rpartition(".")
    models: dict[str, type[BaseModel]] = {"": Suite, "protocol": SuiteProtocol, "seeds": SuiteSeeds}
    near = difflib.get_close_matches(name, models[parent].model_fields if parent in models else (), n=1)
    return f": did you mean {near[0]!r}?" if near else ""


def _shown(value: object) -> str:
    text = repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _seeds(value: int | Sequence[int] | None) -> Sequence[int] | None:
    return range(value) if isinstance(value, int) else value


def _base(label: Label, roster: Mapping[str, Grid]) -> Grid | None:
    exact = roster.get(str(label))
    return exact if exact is not None else roster.get(label.name)


def _grid(label: Label, roster: Mapping[str, Grid]) -> Grid:
    given = dict(label.overrides)
    return {name: values for name, values in (_base(label, roster) or {}).items() if name not in given}


def _is_toml(name: str) -> bool:
    return name.endswith(".toml")

"""A suite's names resolved against the registry: who takes part, with which hyper-parameters, judged by what."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from recbench.bench.context import bind_sampler
from recbench.bench.suite import Grid, Suite
from recbench.contracts.errors import ParameterError, SuiteError, UnknownNameError
from recbench.contracts.labels import Label, bind, simplest
from recbench.contracts.records import Feedback, ParameterValue
from recbench.contracts.specs import AlgorithmSpec, MetricSpec
from recbench.registry import Registered, Registry
from recbench.registry.entries import BUILT_IN
from recbench.rng import digest


@dataclass(frozen=True, slots=True)
class Entrant:
    """An algorithm that takes part."""

    label: str  # canonical, without the hyper-parameters of the grid
    spec: AlgorithmSpec
    code: str  # hash of its source; empty for built-ins
    grid: tuple[Mapping[str, ParameterValue], ...]  # complete hyper-parameters of each point


def entrants(suite: Suite, feedback: Feedback, registry: Registry) -> list[Entrant]:
    """The algorithms of a suite for one feedback type, in the suite's order.

    Raises:
      UnknownNameError: no plugin registered one of them.
      ParameterError: a label or a grid names a hyper-parameter or a value that the algorithm does not take.
      SuiteError: two labels mean the same contestant.
    """
    found = [entrant(text, grid, registry) for text, grid in suite.algorithms[feedback].items()]
    labels = [each.label for each in found]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise SuiteError(f"the suite {suite.name!r} has {twice!r} twice for {feedback} feedback: name it once")
    return found


def entrant(text: str, grid: Grid, registry: Registry) -> Entrant:
    """One algorithm with its grid; see :func:`entrants`."""
    label = Label.parse(text)
    registered = registry.get("algorithms", label.name)
    spec: AlgorithmSpec = registered.spec
    points = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    complete = [bind(Label(label.name, (*label.overrides, *point.items())), spec.hyper) for point in points]
    canonical = simplest(label.name, bind(label, spec.hyper), spec.hyper)
    return Entrant(str(canonical), spec, code_of(registered), tuple(complete))


def rosters(suite: Suite, registry: Registry) -> dict[Feedback, list[str]]:
    """The labels of the algorithms that a suite ranks, by feedback type."""
    return {feedback: [each.label for each in entrants(suite, feedback, registry)] for feedback in suite.feedback}


def code_of(registered: Registered) -> str:
    """Hash of a plugin's source; empty for built-ins, whose code the protocol's version stands for."""
    return "" if registered.distribution == BUILT_IN else registered.code_hash()


def sampler_code(text: str, registry: Registry) -> str:
    """Hash of the sources behind a sampler's label; empty where all are built in."""
    sources = [code for code in map(code_of, behind_sampler(text, registry)) if code]
    return hashlib.sha256("".join(sources).encode()).hexdigest() if len(sources) > 1 else "".join(sources)


def behind_sampler(text: str, registry: Registry) -> list[Registered]:
    """The sampler that a label means, then the algorithms and samplers that its parameters name, theirs too; each once.

    Values that are defaults count as those of the label do. What a sampler names in its code alone stands in its code.

    Raises:
      UnknownNameError, ParameterError: the label itself is wrong.
    """
    found: dict[tuple[str, str], Registered] = {}
    waiting = [(registry.get("samplers", Label.parse(text).name), bind_sampler(text, registry).parameters)]
    while waiting:
        entry, values = waiting.pop()
        if (entry.kind, entry.name) in found:
            continue
        found[entry.kind, entry.name] = entry
        words = [value for value in values.values() if isinstance(value, str)]
        waiting += [named for word in words for named in _named(word, registry)]
    return list(found.values())


def _named(word: str, registry: Registry) -> Iterator[tuple[Registered, Mapping[str, ParameterValue]]]:
    """What is registered under the value of a parameter; most words are no name of anything."""
    with suppress(ParameterError, UnknownNameError):
        yield registry.get("algorithms", Label.parse(word).name), {}
    with suppress(ParameterError, UnknownNameError):
        yield registry.get("samplers", Label.parse(word).name), bind_sampler(word, registry).parameters


def metric_spec(column: str, registry: Registry) -> MetricSpec:
    """The metric behind a column such as ``hr@10``, cut down to that column.

    Raises:
      UnknownNameError: no plugin registered the metric, or it makes no such column.
    """
    name, at, cutoff = column.partition("@")
    spec: MetricSpec = registry.get("metrics", name).spec
    if (spec.cutoffs == (None,)) == bool(at) or (at and not (cutoff.isdigit() and int(cutoff) > 0)):
        raise UnknownNameError(f"no metric makes a column {column!r}: {name!r} makes {', '.join(spec.columns)}")
    return replace(spec, cutoffs=(int(cutoff) if at else None,))


def metric_code(columns: Iterable[str], registry: Registry) -> str:
    """Hash of the sources of the metrics behind these columns; empty where all are built in."""
    names = sorted({column.partition("@")[0] for column in columns})
    codes = {name: code for name in names if (code := code_of(registry.get("metrics", name)))}
    return digest(codes) if codes else ""


def is_built_in(column: str, registry: Registry) -> bool:
    """Whether the metric behind a column comes with recbench."""
    return registry.get("metrics", column.partition("@")[0]).distribution == BUILT_IN


def metric_functions(columns: Iterable[str], registry: Registry) -> list[tuple[MetricSpec, Callable[..., Any]]]:
    """Specs and functions that make these columns, one of each metric."""
    specs: dict[str, MetricSpec] = {}
    for column in columns:
        spec = metric_spec(column, registry)
        known = specs.get(spec.name, replace(spec, cutoffs=()))
        specs[spec.name] = replace(known, cutoffs=tuple(dict.fromkeys((*known.cutoffs, *spec.cutoffs))))
    return [(spec, registry.get("metrics", name).load()) for name, spec in specs.items()]


def check(suite: Suite, registry: Registry) -> None:
    """Checks every name and parameter of a suite before any data are read.

    Raises:
      UnknownNameError, ParameterError, SuiteError: the first that cannot be run.
    """
    for text in suite.samplers:
        bind_sampler(text, registry)
    for feedback in suite.feedback:
        entrants(suite, feedback, registry)
        _check_metrics(suite, feedback, (*suite.metrics[feedback], suite.protocol.select[feedback]), registry)


def _check_metrics(suite: Suite, feedback: Feedback, columns: Sequence[str], registry: Registry) -> None:
    wanted = "rating" if feedback == "explicit" else "ranking"
    for column in columns:
        found = metric_spec(column, registry).of
        if found != wanted:
            raise SuiteError(
                f"the suite {suite.name!r} judges {feedback} feedback by {column!r}, which is a {found} metric: "
                f"a {wanted} metric is needed"
            )

"""What a spec must say before it is let in. Each rule is one sentence that the plugin's author can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from recbench.contracts.labels import allowed, fits
from recbench.contracts.records import FEEDBACK_TYPES, UNITS, ParameterValue
from recbench.contracts.specs import (
    INTERFACE_VERSION,
    AlgorithmSpec,
    CommandSpec,
    DatasetSpec,
    ExecutorSpec,
    MetricSpec,
    Parameter,
    SamplerSpec,
    Spec,
)
from recbench.registry.entries import Kind

SPEC_CLASSES: dict[Kind, type[Spec]] = {
    "datasets": DatasetSpec,
    "samplers": SamplerSpec,
    "algorithms": AlgorithmSpec,
    "metrics": MetricSpec,
    "executors": ExecutorSpec,
    "commands": CommandSpec,
}

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
LONGEST_NAME = 64


def is_name(text: str) -> bool:
    """Whether a plugin may be called so: at most 64 lower-case letters and digits, in words joined by single hyphens.

    >>> [is_name(text) for text in ("rare-first", "Rare", "rare--first", "../rare")]
    [True, False, False, False]
    """
    return len(text) <= LONGEST_NAME and _NAME.fullmatch(text) is not None


def problem_of(kind: Kind, spec: Any) -> str:
    """The first rule that a spec breaks, as one sentence; empty when it may be registered."""
    wanted = SPEC_CLASSES[kind]
    if not isinstance(spec, wanted):
        return f"recbench_{kind} returned a {type(spec).__name__} in its list, where a {wanted.__name__} is expected"
    return next(_problems(spec), "")


def _problems(spec: Spec) -> Iterator[str]:
    if type(spec.interface) is not int or spec.interface != INTERFACE_VERSION:
        yield (
            f"{spec.name!r} was written for version {spec.interface!r} of the plugin interface, and this recbench "
            f"offers version {INTERFACE_VERSION}"
        )
    if not (isinstance(spec.name, str) and is_name(spec.name)):
        yield f"the name {spec.name!r} is not made of lower-case letters and digits joined by single hyphens"
    if not (callable(spec.load) or (isinstance(spec.load, str) and _PATH.fullmatch(spec.load))):
        yield f"load of {spec.name!r} is {spec.load!r}, where a callable or 'package.module:name' is expected"
    if not (isinstance(spec.summary, str) and spec.summary.strip() and spec.summary.isprintable()):
        yield f"the summary of {spec.name!r} is not one line of text"
    match spec:
        case DatasetSpec():
            yield from _parameters(spec.name, spec.parameters)
        case SamplerSpec():
            yield from _one_of(spec, "form", ("order", "select", "synthesise"))
            yield from _some_of(spec, "units", UNITS)
            yield from _some_of(spec, "feedback", FEEDBACK_TYPES)
            yield from _parameters(spec.name, spec.parameters)
        case AlgorithmSpec():
            yield from _one_of(spec, "form", ("trained", "solved", "host"))
            yield from _some_of(spec, "feedback", FEEDBACK_TYPES)
            yield from _parameters(spec.name, spec.hyper)
            if not _is_history(spec):
                yield (
                    f"history of {spec.name!r} is {spec.history!r}, where None, 'all', a count or the name of a "
                    "hyper-parameter that is a count is expected"
                )
        case MetricSpec():
            yield from _one_of(spec, "of", ("ranking", "rating"))
            if not spec.cutoffs or not all(k is None or (type(k) is int and k > 0) for k in spec.cutoffs):
                yield f"the cut-offs of {spec.name!r} are {spec.cutoffs!r}, where counts or None are expected"
        case _:
            return


def _is_history(spec: AlgorithmSpec) -> bool:
    counts = [each.name for each in spec.hyper if type(each.default) is int and not each.traced]
    return spec.history in (None, "all", *counts) or (type(spec.history) is int and spec.history > 0)


def _one_of(spec: Spec, field: str, allowed: tuple[str, ...]) -> Iterator[str]:
    value = getattr(spec, field)
    if value not in allowed:
        yield f"{field} of {spec.name!r} is {value!r}, where one of {', '.join(allowed)} is expected"


def _some_of(spec: Spec, field: str, allowed: tuple[str, ...]) -> Iterator[str]:
    values = getattr(spec, field)
    if not isinstance(values, tuple) or not values or not all(value in allowed for value in values):
        yield f"{field} of {spec.name!r} is {values!r}, where a tuple of {', '.join(allowed)} is expected"


def _parameters(owner: str, parameters: Any) -> Iterator[str]:
    if not isinstance(parameters, tuple) or not all(isinstance(parameter, Parameter) for parameter in parameters):
        yield f"the parameters of {owner!r} are not a tuple of Parameter"
        return
    names = [parameter.name for parameter in parameters]
    if len(set(names)) < len(names):
        yield f"{owner!r} declares a parameter twice"
    for parameter in parameters:
        name, bounds = f"{owner}[{parameter.name}]", (parameter.minimum, parameter.maximum)
        number = type(parameter.default) in (int, float)
        if not isinstance(parameter.default, get_args(ParameterValue)):
            yield f"the default of {name} is not a truth value, a number or a word"
        elif not all(bound is None or (number and type(bound) in (int, float)) for bound in bounds):
            yield f"{name} has the bounds {bounds}, where numbers are expected, or None (both where it is no number)"
        elif not fits(parameter, parameter.default):
            yield f"the default of {name}, {parameter.default!r}, is not what it takes: {allowed(parameter)}"

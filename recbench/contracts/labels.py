"""Labels such as ``svp-cf[proxy=mf,unit=user]``: a registered name and the parameters that differ from its defaults."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recbench.contracts.errors import ParameterError
from recbench.contracts.records import ParameterValue
from recbench.contracts.specs import Parameter

_LABEL = re.compile(r"\s*([A-Za-z0-9][\w.:+-]*)\s*(?:\[(.*)\])?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Label:
    """A name and its overrides, sorted by parameter: equal labels mean the same contestant."""

    name: str
    overrides: tuple[tuple[str, ParameterValue], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Label:
        """Reads ``name`` or ``name[parameter=value,...]``; values are true, false, numbers or words.

        >>> str(Label.parse("svp-cf[unit=user, proxy=mf]"))
        'svp-cf[proxy=mf,unit=user]'
        """
        found = _LABEL.fullmatch(text)
        if found is None:
            raise ParameterError(f"the label {text!r} was not understood: write name or name[parameter=value,...]")
        overrides: dict[str, ParameterValue] = {}
        for part in filter(None, (piece.strip() for piece in (found[2] or "").split(","))):
            name, equals, value = (side.strip() for side in part.partition("="))
            if not (name and equals and value):
                raise ParameterError(f"in the label {text!r}, {part!r} is not parameter=value")
            if name in overrides:
                raise ParameterError(f"the label {text!r} gives {name!r} twice: give it once")
            overrides[name] = _value(value)
        return cls(found[1], tuple(sorted(overrides.items())))

    def __str__(self) -> str:
        inner = ",".join(f"{name}={str(value).lower() if isinstance(value, bool) else value}"
                         for name, value in self.overrides)  # fmt: skip
        return f"{self.name}[{inner}]" if inner else self.name


def bind(label: Label, parameters: Sequence[Parameter]) -> dict[str, ParameterValue]:
    """Defaults with the label's overrides, checked for name, type, choice and bounds; numbers must be finite.

    Raises:
      ParameterError: names the parameter, what was found and what is allowed.
    """
    known = {parameter.name: parameter for parameter in parameters}
    values = {name: parameter.default for name, parameter in known.items()}
    for name, value in label.overrides:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(known)) or 'no parameters'}"
            raise ParameterError(f"{label.name!r} has no parameter {name!r}: {hint}")
        values[name] = _checked(label.name, known[name], value)
    return values


def simplest(name: str, values: Mapping[str, ParameterValue], parameters: Sequence[Parameter]) -> Label:
    """The label that gives these values: only what differs from the defaults stands in it."""
    defaults = {parameter.name: parameter.default for parameter in parameters}
    return Label(name, tuple(sorted((key, value) for key, value in values.items() if value != defaults.get(key))))


def fits(parameter: Parameter, value: ParameterValue) -> bool:
    """Whether a value of the right type is one that the parameter takes: among its choices, finite, within its bounds.

    >>> fits(Parameter("epochs", 50, "passes over the rows", minimum=1), 0)
    False
    """
    if parameter.choices and value not in parameter.choices:
        return False
    if isinstance(value, bool | str):
        return True
    low, high = parameter.minimum, parameter.maximum
    return math.isfinite(value) and (low is None or value >= low) and (high is None or value <= high)


def allowed(parameter: Parameter) -> str:
    """What a parameter takes, in words.

    >>> allowed(Parameter("epochs", 50, "passes over the rows", minimum=1))
    '1 or more'
    """
    if parameter.choices:
        return f"one of: {', '.join(map(str, parameter.choices))}"
    low, high = (None if bound is None else f"{bound:g}" for bound in (parameter.minimum, parameter.maximum))
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"{low} or more"
    if high is not None:
        return f"{high} or less"
    return "a finite number" if type(parameter.default) in (int, float) else "any value of its type"


def _value(text: str) -> ParameterValue:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _checked(owner: str, parameter: Parameter, value: ParameterValue) -> ParameterValue:
    wanted = type(parameter.default)
    if wanted is float and type(value) is int:
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
    if type(value) is not wanted:
        raise ParameterError(
            f"{owner!r} was given {parameter.name}={value}, but it takes a value of type {wanted.__name__} "
            f"(default {parameter.default})"
        )
    if not fits(parameter, value):
        raise ParameterError(
            f"{owner!r} was given {parameter.name}={value}, but it takes {allowed(parameter)} "
            f"(default {parameter.default})"
        )
    return value

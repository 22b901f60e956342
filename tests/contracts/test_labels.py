"""Parameters of labels: what is taken, and what is refused in one sentence."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbench.contracts.errors import ParameterError
from recbench.contracts.labels import Label, bind, simplest
from recbench.contracts.specs import Parameter

PARAMETERS = (
    Parameter("epochs", 50, "At least one.", minimum=1),
    Parameter("dropout", 0.3, "A share.", minimum=0, maximum=1),
    Parameter("cut", 0.0, "At most two.", maximum=2),
    Parameter("rate", 0.1, "Any number."),
    Parameter("layers", 2, "One of three.", (1, 2, 3)),
    Parameter("kind", "plain", "A word."),
    Parameter("biased", True, "A truth value."),
)


def bound(text: str):
    return bind(Label.parse(text), PARAMETERS)


@pytest.mark.parametrize("inner", ["epochs=1", "dropout=0", "dropout=1", "cut=2", "cut=-1e300", "rate=-7", "layers=3"])
def test_values_at_the_bounds_are_taken(inner):
    name, value = inner.split("=")
    assert bound(f"toy[{inner}]")[name] == float(value)


@pytest.mark.parametrize(
    ("inner", "takes"),
    [
        ("epochs=0", "1 or more (default 50)"),
        ("dropout=-0.1", "0 to 1 (default 0.3)"),
        ("dropout=1.5", "0 to 1 (default 0.3)"),
        ("dropout=nan", "0 to 1 (default 0.3)"),
        ("cut=2.5", "2 or less (default 0.0)"),
        ("cut=-inf", "2 or less (default 0.0)"),
        ("rate=nan", "a finite number (default 0.1)"),
        ("rate=-Infinity", "a finite number (default 0.1)"),
        ("rate=1e999", "a finite number (default 0.1)"),
        ("layers=4", "one of: 1, 2, 3 (default 2)"),
    ],
)
def test_values_beyond_are_refused_with_what_is_taken(inner, takes):
    with pytest.raises(ParameterError) as refused:
        bound(f"toy[{inner}]")
    said = str(refused.value)
    assert said.startswith(f"'toy' was given {inner.split('=')[0]}=") and said.endswith(f", but it takes {takes}")


def test_a_number_too_large_for_a_float_is_not_finite():
    with pytest.raises(ParameterError, match=r"rate=inf, but it takes a finite number \(default 0\.1\)$"):
        bound(f"toy[rate={'9' * 400}]")


@pytest.mark.parametrize("inner", ["epochs=nan", "kind=nan", "biased=inf", "layers=1.0"])
def test_the_type_is_said_first(inner):
    with pytest.raises(ParameterError, match="takes a value of type"):
        bound(f"toy[{inner}]")


@given(value=st.floats(), name=st.sampled_from(["dropout", "cut", "rate"]))
def test_what_is_taken_is_within_its_bounds_and_can_be_written(value, name):
    low, high = {"dropout": (0, 1), "cut": (-math.inf, 2), "rate": (-math.inf, math.inf)}[name]
    label = Label("toy", ((name, value),))
    if not (math.isfinite(value) and low <= value <= high):
        with pytest.raises(ParameterError):
            bind(label, PARAMETERS)
        return
    values = bind(label, PARAMETERS)
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert bind(Label.parse(str(simplest("toy", values, PARAMETERS))), PARAMETERS) == values

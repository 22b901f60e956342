"""Inverse propensities against the formula, by hand."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from recbench import inverse_propensity


def test_formula():
    n, a, b, f = 5000, 0.55, 1.5, 7
    c = (log(n) - 1) * (b + 1) ** a
    assert inverse_propensity([f], num_interactions=n)[0] == pytest.approx(1 + c * (f + b) ** -a, rel=1e-12)


def test_decreasing_in_the_count_and_at_least_one():
    inverse = inverse_propensity(np.arange(1000), num_interactions=10_000)
    assert inverse.dtype == np.float64
    assert (np.diff(inverse) < 0).all()
    assert inverse.min() >= 1


@pytest.mark.parametrize("n", [0, 1, 2])
def test_tiny_logs_have_no_propensity_to_speak_of(n):
    assert inverse_propensity(np.arange(3, dtype=np.int32), num_interactions=n).tolist() == [1, 1, 1]


def test_parameters_are_those_of_the_model():
    assert inverse_propensity([4], num_interactions=100, a=0, b=1.5)[0] == pytest.approx(log(100))

"""The kit for authors of plugins: checks of what a plugin promises, on data in which the answer is known.

As a test, which pytest runs with one case a rule::

    from recbench.testing import conformance

    test_mine = conformance("sampler", "mine")

By hand::

    from recbench.testing import algorithm_checks

    for check in algorithm_checks("my-algorithm[latent=4]"):
        print(check.run())
"""

from __future__ import annotations

from recbench.testing.algorithms import algorithm_checks
from recbench.testing.checks import Check, Outcome, run_checks
from recbench.testing.conformance import checks_of, conformance
from recbench.testing.datasets import dataset_checks
from recbench.testing.rules import ALGORITHM_RULES, DATASET_RULES, PLUGIN_RULES, SAMPLER_RULES
from recbench.testing.samplers import sampler_checks

__all__ = [
    "ALGORITHM_RULES",
    "DATASET_RULES",
    "PLUGIN_RULES",
    "SAMPLER_RULES",
    "Check",
    "Outcome",
    "algorithm_checks",
    "checks_of",
    "conformance",
    "dataset_checks",
    "run_checks",
    "sampler_checks",
]

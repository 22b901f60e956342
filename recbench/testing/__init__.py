"""The kit for authors of plugins: checks of what a plugin promises, on logs in which the answer is known.

::

    from recbench.testing import algorithm_checks

    for check in algorithm_checks("my-algorithm[latent=4]"):
        print(check.run())
"""

from __future__ import annotations

from recbench.testing.algorithms import Check, Outcome, algorithm_checks, run_checks
from recbench.testing.rules import ALGORITHM_RULES

__all__ = ["ALGORITHM_RULES", "Check", "Outcome", "algorithm_checks", "run_checks"]

"""A check: one rule of a contract, tried on one plugin; and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import jax

from recbench.contracts.errors import ContractError
from recbench.registry import Kind
from recbench.registry.entries import SINGULAR, short_reason

_SWITCH = "jax_disable_most_optimizations"


class Untried(Exception):
    """A rule could not be tried, because another one is broken; the message names that one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a check."""

    kind: Kind
    name: str  # label
    on: str  # the feedback type of an algorithm, the unit of a sampler; empty for what is of the plugin as a whole
    rule: str
    meaning: str  # the rule in words
    status: Literal["passed", "failed", "untried"]
    reason: str  # one sentence; empty if it passed

    @property
    def passed(self) -> bool:
        """Whether the rule was tried and is kept."""
        return self.status == "passed"


@dataclass(frozen=True, slots=True)
class Check:
    """One rule for one plugin, on one feedback type or unit."""

    kind: Kind
    name: str
    on: str
    rule: str
    meaning: str
    function: Callable[[], None]  # raises a ContractError that names the rule, or Untried

    def __str__(self) -> str:
        return "-".join(filter(None, (self.on, self.rule)))

    def run(self) -> Outcome:
        """Tries the rule. Whatever the plugin raises is a failure of the rule that was tried."""
        try:
            with compiled_quickly():
                self.function()
        except ContractError as error:
            return self._outcome("failed", str(error))
        except Untried as error:
            return self._outcome("untried", str(error))
        except Exception as error:
            feedback = f" on {self.on} feedback" if self.kind == "algorithms" and self.on else ""
            what = f"the {SINGULAR[self.kind]} {self.name!r}{feedback}"
            return self._outcome("failed", f"{what} raised {short_reason(error)}")
        return self._outcome("passed", "")

    def _outcome(self, status: Literal["passed", "failed", "untried"], reason: str) -> Outcome:
        return Outcome(self.kind, self.name, self.on, self.rule, self.meaning, status, reason)


def run_checks(checks: Iterable[Check]) -> list[Outcome]:
    """Tries one check after the other."""
    return [check.run() for check in checks]


@contextmanager
def compiled_quickly() -> Iterator[None]:
    """Programs compiled in here are optimised little: each takes longer to compile than to run."""
    config: Any = jax.config
    before = config.read(_SWITCH)
    config.update(_SWITCH, True)
    try:
        yield
    finally:
        config.update(_SWITCH, before)

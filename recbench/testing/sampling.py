"""A sampler on the awkward logs: its draws are made once, so that all checks share them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from recbench.bench.context import BoundSampler, bind_sampler
from recbench.bench.order import unit_members
from recbench.bench.proxy import Proxies
from recbench.bench.rules import checked_rows
from recbench.bench.sample import SampleDrawer
from recbench.contracts.errors import ContractError
from recbench.contracts.labels import Label
from recbench.contracts.records import Budget, Feedback, ParameterValue, Sample, Split, Synthesis
from recbench.registry import Registry, default
from recbench.registry.entries import short_reason
from recbench.testing.checks import Untried
from recbench.testing.logs import AWKWARD, ORDINARY, split_of
from recbench.testing.rules import SAMPLER_RULES, broken_by

SHARES = tuple(Budget(share) for share in (0.01, 0.1, 0.2, 0.4, 0.6, 0.8, 1))
FAKE_USERS = (Budget(3, "users"),)


class StandIns(Proxies):
    """Proxies that nobody trains: rare items are hard, and every seed, proxy and parameter says so a little otherwise.

    A sampler is to be checked, not the proxy, which takes its time to train.
    """

    def _train(
        self,
        algorithm: str,
        hyper: Mapping[str, ParameterValue],
        *,
        key_data: NDArray[np.uint32],
        epochs: int,
        negatives: int,
    ) -> tuple[NDArray[np.float32], float]:
        train = self._split.train
        noise = np.random.default_rng(key_data).random(len(train))
        return (1 / np.bincount(train.item)[train.item] + 0.1 * noise).astype(np.float32), 1.0


def checking_drawer(split: Split, registry: Registry | None = None) -> SampleDrawer:
    """A drawer that calls everything twice and looks at its input before and after; its proxies are stand-ins."""
    known = registry or default()
    return SampleDrawer(split, known, check=True, proxies=StandIns(split, known))


def draw_checked(drawer: SampleDrawer, bound: BoundSampler, budget: Budget, seed: int = 0) -> Sample | Synthesis:
    """A sample of which everything is checked that can be seen of it alone.

    Raises:
      ContractError: it breaks a rule of :data:`recbench.bench.rules.RULES`, or units-whole.
    """
    made = drawer.draw(bound.label, budget, seed)
    if isinstance(made, Synthesis):
        return made  # the drawer has checked it whole
    train = drawer.split.train
    rows = checked_rows(made.rows, train, bound.kept, budget, sampler=bound.label)
    if bound.kept != "interaction":
        units, _ = unit_members(train, bound.kept)
        part = np.flatnonzero(np.isin(units, units[rows]))
        if len(part) > len(rows):
            found = f"{len(part) - len(rows)} rows of {bound.kept}s that are kept are dropped"
            raise broken(bound, "units-whole", found)
    return made


def broken(bound: BoundSampler, rule: str, found: str) -> ContractError:
    """The error for a sampler that broke a rule of the kit."""
    return broken_by("samplers", bound.label, rule, SAMPLER_RULES[rule], found)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The samples of one log at all budgets that it allows."""

    log: str
    feedback: Feedback
    split: Split
    samples: tuple[Sample | Synthesis, ...]  # from the smallest budget to the largest


@dataclass(eq=False)
class SamplerTrial:
    """A sampler, with its unit and parameters, and what it draws."""

    bound: BoundSampler
    registry: Registry

    @property
    def feedback(self) -> Feedback:
        """The first that it works on: for what has nothing to do with feedback."""
        return self.bound.spec.feedback[0]

    @property
    def budgets(self) -> tuple[Budget, ...]:
        return FAKE_USERS if self.bound.spec.form == "synthesise" else SHARES

    def drawer(self, split: Split) -> SampleDrawer:
        return checking_drawer(split, self.registry)

    def draw(self, split: Split, *, label: str | None = None, seed: int = 0) -> Sample | Synthesis:
        """A sample of a log that is not awkward, drawn by itself."""
        budget = FAKE_USERS[0] if self.bound.spec.form == "synthesise" else Budget(self._fitting(split))
        return self.drawer(split).draw(label or self.bound.label, budget, seed)

    def ordinary(self) -> Split:
        """The log that is not awkward."""
        return split_of(ORDINARY, feedback=self.feedback)

    @cached_property
    def trouble(self) -> tuple[str, str]:
        """The first rule that a draw from the awkward logs broke, and the sentence about it; empty if none did."""
        where = ""
        try:
            for log, feedback, split in self._logs():
                where = f"on the log {log!r}, {feedback} feedback"
                self.drawn.append(Drawn(log, feedback, split, tuple(self._samples(split))))
        except ContractError as error:
            sentence = f"{error}, {where}"
            return (error.rule, sentence) if error.rule else ("runs", str(broken(self.bound, "runs", sentence)))
        except Exception as error:
            return "runs", str(broken(self.bound, "runs", f"it raised {short_reason(error)}, {where}"))
        return "", ""

    @cached_property
    def drawn(self) -> list[Drawn]:
        """What was drawn; filled by :attr:`trouble`."""
        return []

    def need_draws(self) -> list[Drawn]:
        """All draws from the awkward logs.

        Raises:
          Untried: one of them broke a rule.
        """
        if rule := self.trouble[0]:
            raise Untried(f"not tried, because {rule!r} is broken")
        return self.drawn

    def _samples(self, split: Split) -> Iterator[Sample | Synthesis]:
        drawer = self.drawer(split)
        for budget in self.budgets:
            if not drawer.refusal(self.bound.label, budget):
                yield draw_checked(drawer, self.bound, budget)

    def _logs(self) -> Iterator[tuple[str, Feedback, Split]]:
        """What learns takes its time: it gets fewer."""
        names = [*AWKWARD] if self.bound.spec.form != "synthesise" else ["a heavy head"]
        for feedback in self.bound.spec.feedback:
            yield "ordinary", feedback, split_of(ORDINARY, feedback=feedback)
            for name in names:
                yield name, feedback, split_of(AWKWARD[name], feedback=feedback)
            if self.bound.spec.form != "synthesise":
                yield "equal times", feedback, split_of(ORDINARY, feedback=feedback, same_time=True)

    def _fitting(self, split: Split) -> float:
        """A share that the stages of a unit allow."""
        drawer = self.drawer(split)
        shares = (0.3, 0.2, 0.1, 0.05, 0.01)
        return next((share for share in shares if not drawer.refusal(self.bound.label, Budget(share))), shares[0])


def sampler_trial(label: str, registry: Registry | None = None) -> SamplerTrial:
    """The trial of a label, the same one for the checks that follow each other.

    Raises:
      UnknownNameError: no plugin registered the sampler.
      ParameterError: it has no such parameter, or does not keep such units.
    """
    known = registry or default()
    return _trial(label, known, known.get("samplers", Label.parse(label).name))


@lru_cache(maxsize=2)
def _trial(label: str, registry: Registry, entry: object) -> SamplerTrial:
    return SamplerTrial(bind_sampler(label, registry), registry)

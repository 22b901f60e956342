"""The checks of an algorithm: which there are, which apply, what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import jax

from recbench.contracts.errors import ContractError
from recbench.contracts.labels import Label
from recbench.contracts.records import Feedback
from recbench.registry import Registry, default
from recbench.registry.entries import short_reason
from recbench.testing import fidelity, learning, renaming, scoring, sizes
from recbench.testing.trial import Trial, trial_of

_SWITCH = "jax_disable_most_optimizations"


class CheckFunction(Protocol):
    """Checks one rule; raises a ContractError that names it."""

    def __call__(self, algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a check."""

    algorithm: str
    feedback: Feedback
    rule: str
    passed: bool
    reason: str  # why it failed, one sentence; empty if it passed


@dataclass(frozen=True, slots=True)
class Check:
    """One rule for one algorithm on one feedback type."""

    algorithm: str  # label
    feedback: Feedback
    rule: str
    function: CheckFunction
    registry: Registry | None = None

    def run(self) -> Outcome:
        """Tries the rule. Whatever the algorithm raises is a failure of the rule that was tried."""
        try:
            with compiled_quickly():
                self.function(self.algorithm, self.feedback, self.registry)
        except ContractError as error:
            return Outcome(self.algorithm, self.feedback, self.rule, False, str(error))
        except Exception as error:
            reason = f"the algorithm {self.algorithm!r} on {self.feedback} feedback raised {short_reason(error)}"
            return Outcome(self.algorithm, self.feedback, self.rule, False, reason)
        return Outcome(self.algorithm, self.feedback, self.rule, True, "")


def algorithm_checks(
    algorithm: str, *, feedback: Feedback | None = None, registry: Registry | None = None
) -> list[Check]:
    """The checks that apply to an algorithm, those of one feedback type after those of another.

    A label gives the hyper-parameters: the logs are tiny, so that small sizes and batches and large learning rates
    suit them, as in ``mf[batch_size=64,latent=4,learning_rate=0.02]``. Checks that follow each other share their fits.

    Args:
      algorithm: label of a registered algorithm.
      feedback: one of its feedback types; None: all of them.
      registry: where it is registered; None: the registry of the process.

    Raises:
      UnknownNameError: no plugin registered it.
      ParameterError: it does not take a hyper-parameter of the label, or not this feedback.
    """
    spec = (registry or default()).get("algorithms", Label.parse(algorithm).name).spec
    return [
        Check(algorithm, each, rule, function, registry)
        for each in ((feedback,) if feedback else spec.feedback)
        for rule, (function, applies) in _CHECKS.items()
        if applies(trial_of(algorithm, each, registry))
    ]


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


def _always(trial: Trial) -> bool:
    return True


def _follows_order(trial: Trial) -> bool:
    return trial.feedback == "sequential" and trial.uses_order


def _learns_tastes(trial: Trial) -> bool:
    return trial.spec.personalised and not _follows_order(trial)


def _is_compiled(trial: Trial) -> bool:
    return trial.spec.form != "host"


def _is_renamed(trial: Trial) -> bool:
    """What is not trained must be deterministic: its draws could not be renamed."""
    return trial.spec.form == "trained" or trial.spec.deterministic


def _can_remember(trial: Trial) -> bool:
    return trial.spec.form == "trained" or not trial.spec.deterministic


def _has_sizes(trial: Trial) -> bool:
    """On one feedback type: sizes have nothing to do with it."""
    return trial.feedback == trial.spec.feedback[0] and any(sizes.static_variants(trial))


_CHECKS: dict[str, tuple[CheckFunction, Callable[[Trial], bool]]] = {
    "scores-are-finite": (scoring.check_scores_are_finite, _always),
    "learns-the-checkerboard": (learning.check_learns_the_checkerboard, _learns_tastes),
    "follows-the-cycle": (learning.check_follows_the_cycle, _follows_order),
    "one-order-for-all": (learning.check_one_order_for_all, lambda trial: not trial.spec.personalised),
    "beats-chance": (learning.check_beats_chance, _always),
    "batch-changes-nothing": (fidelity.check_batch_changes_nothing, _is_compiled),
    "compiles-once": (fidelity.check_compiles_once, _is_compiled),
    "repeats-itself": (fidelity.check_repeats_itself, _always),
    "seed-changes-nothing": (fidelity.check_seed_changes_nothing, lambda trial: trial.spec.deterministic),
    "seed-matters": (fidelity.check_seed_matters, lambda trial: not trial.spec.deterministic),
    "padding-changes-nothing": (renaming.check_padding_changes_nothing, _is_compiled),
    "ids-mean-nothing": (renaming.check_ids_mean_nothing, _is_renamed),
    "cold-is-forgotten": (renaming.check_cold_is_forgotten, _can_remember),
    "unseen-is-nobody": (scoring.check_unseen_is_nobody, _always),
    "predictions-agree": (scoring.check_predictions_agree, lambda trial: trial.feedback == "explicit"),
    "learns-from-fake-users": (
        scoring.check_learns_from_fake_users,
        lambda trial: trial.spec.fake_users and trial.feedback != "explicit",
    ),
    "sizes-fit": (sizes.check_sizes_fit, _has_sizes),
}

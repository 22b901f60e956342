"""The checks of an algorithm: which there are, and which apply."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from recbench.contracts.labels import Label
from recbench.contracts.records import Feedback
from recbench.registry import Registry, default
from recbench.testing import fidelity, learning, renaming, scoring, sizes
from recbench.testing.checks import Check
from recbench.testing.rules import ALGORITHM_RULES
from recbench.testing.trial import Trial, trial_of


class CheckFunction(Protocol):
    """Checks one rule; raises a ContractError that names it."""

    def __call__(self, algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None: ...


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
        _check(algorithm, each, rule, registry)
        for each in ((feedback,) if feedback else spec.feedback)
        for rule, (_, applies) in _CHECKS.items()
        if _can_be_tried(applies, trial_of(algorithm, each, registry))
    ]


def _check(algorithm: str, feedback: Feedback, rule: str, registry: Registry | None) -> Check:
    function = partial(_CHECKS[rule][0], algorithm, feedback, registry)
    return Check("algorithms", algorithm, feedback, rule, ALGORITHM_RULES[rule], function)


def _can_be_tried(applies: Callable[[Trial], bool], trial: Trial) -> bool:
    try:
        return applies(trial)
    except Exception:  # the algorithm's own: to be seen when the rule is tried
        return True


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

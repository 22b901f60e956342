"""Checks that a run is its own: what it gives depends on its sample, hyper-parameters and seed, and on nothing else."""

from __future__ import annotations

from recbench.contracts.records import Feedback
from recbench.engine.devices import compilations
from recbench.registry import Registry
from recbench.testing.scores import SAME, TOLERANCE, difference
from recbench.testing.trial import Trial, side_by_side, trial_of

_MIXED: tuple[tuple[str, int, bool], ...] = (
    ("checkerboard", 0, False),
    ("thinned", 0, True),
    ("checkerboard", 1, False),
    ("half", 2, False),
)
"""Sample, seed and whether the traced hyper-parameters are others."""


def check_batch_changes_nothing(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Runs of different samples, seeds and traced hyper-parameters, vectorised side by side, and each by itself.

    Raises:
      ContractError: a run gives something else in company.
    """
    trial = trial_of(algorithm, feedback, registry)
    with side_by_side():
        together = trial.fit_together([trial.run(name, seed=seed, other=other) for name, seed, other in _MIXED])
    for (name, seed, other), mixed in zip(_MIXED, trial.scores_of(together), strict=True):
        found = difference(mixed, trial.scores(trial.fit(name, seed=seed, other=other)))
        if not found <= TOLERANCE:
            trial.fail(
                "batch-changes-nothing",
                f"a run on {name!r} with seed {seed} gives scores that are {found:.2%} apart among three others and "
                "alone",
            )


def check_compiles_once(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """A second run on another number of rows, with another seed and other traced hyper-parameters.

    Raises:
      ContractError: it had programs compiled.
    """
    trial = trial_of(algorithm, feedback, registry)
    trial.scores(trial.fit("checkerboard"))
    before = compilations()
    for again, (name, seed, other) in enumerate((("half", 3, True), ("thinned", 4, False)), start=1):
        trial.scores(trial.fit(name, seed=seed, other=other, again=again))
    if found := compilations() - before:
        programs = "1 device program was" if found == 1 else f"{found} device programs were"
        trial.fail("compiles-once", f"{programs} compiled for two more runs")


def check_repeats_itself(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Fits the same run twice.

    Raises:
      ContractError: the scores differ.
    """
    trial = trial_of(algorithm, feedback, registry)
    found = _between(trial, 0, again=1)
    if not found <= SAME:
        trial.fail("repeats-itself", f"the scores of two fits are {found:.2%} of the largest apart")


def check_seed_changes_nothing(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Two seeds of what is declared deterministic.

    Raises:
      ContractError: the scores differ.
    """
    trial = trial_of(algorithm, feedback, registry)
    found = _between(trial, 1)
    if not found <= SAME:
        trial.fail("seed-changes-nothing", f"the scores of two seeds are {found:.2%} of the largest apart")


def check_seed_matters(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Two seeds of what is not declared deterministic.

    Raises:
      ContractError: the scores are the same.
    """
    trial = trial_of(algorithm, feedback, registry)
    if _between(trial, 1) <= SAME:
        trial.fail("seed-matters", "two seeds give the same scores: say deterministic=True")


def _between(trial: Trial, seed: int, again: int = 0) -> float:
    models = trial.fit("checkerboard"), trial.fit("checkerboard", seed=seed, again=again)
    return difference(*map(trial.scores, models))

"""Checks of the scores themselves: for whom there are any, and whose they are."""

from __future__ import annotations

import numpy as np

from recbench.contracts.records import Feedback
from recbench.registry import Registry
from recbench.testing.data import ITEMS, USERS, synthesis_of
from recbench.testing.learning import outranked
from recbench.testing.scores import FIRST, LAST, SAME, STRANGER, TOLERANCE, Scores, apart
from recbench.testing.trial import LONG, trial_of

_CHANCE = 0.6


def check_scores_are_finite(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Known and cold users, cold items, unseen users, empty histories.

    Raises:
      ContractError: a score or a predicted rating is not finite, or there is not one an item.
    """
    trial = trial_of(algorithm, feedback, registry)
    for model in (trial.fit("factors", epochs=LONG), trial.fit("thinned")):
        if model.trouble:
            trial.fail("scores-are-finite", f"on {model.sample!r}, {model.trouble}")
        scores = trial.scores(model)
        if scores.score.shape != (USERS + 4, ITEMS):
            trial.fail("scores-are-finite", f"the shape is {scores.score.shape} for {USERS + 4} users, {ITEMS} items")
        bad = ~np.isfinite(np.concatenate(scores, axis=1)).all(axis=1, keepdims=True).ravel()
        if bad.any():
            who = "an unseen user"
            if bad[FIRST]:
                who = "a user with an empty history"
            if bad[:USERS].any():
                who = f"{bad[:USERS].sum()} of {USERS} users"
            trial.fail("scores-are-finite", f"those of {who} are not, on {model.sample!r}")


def check_unseen_is_nobody(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Where scores depend on the user's number, -1 must not give those of the first or of the last user.

    Raises:
      ContractError: it does.
    """
    trial = trial_of(algorithm, feedback, registry)
    ratings = trial.scores(trial.fit("factors", epochs=LONG)).rating
    if apart(ratings[FIRST], ratings[LAST]) <= SAME:
        return
    for place, whom in ((FIRST, "first"), (LAST, "last")):
        if apart(ratings[STRANGER], ratings[place]) <= SAME:
            trial.fail("unseen-is-nobody", f"it gets the scores of the {whom} user: look_up gives it zeros instead")


def check_predictions_agree(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Of any two of a user's items that differ in predicted rating, the better one has the higher score.

    Raises:
      ContractError: it has not.
    """
    trial = trial_of(algorithm, feedback, registry)
    scores = trial.scores(trial.fit("factors", epochs=LONG))
    found = _disagreement(scores)
    if found > 0:
        trial.fail("predictions-agree", f"{found:.1%} of the pairs of a user's items are ordered otherwise")


def check_learns_from_fake_users(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Fake users with the rows of real ones: what is deterministic gives the same, others find the planted factors.

    Raises:
      ContractError: it does not.
    """
    trial = trial_of(algorithm, feedback, registry)
    model = trial.fit_synthesis(synthesis_of(trial.planted.samples["factors"], trial.planted.split))
    scores = trial.scores(model)
    if trial.spec.deterministic:
        found = apart(scores.score[:USERS], trial.scores(trial.fit("factors")).score[:USERS])
        if not found <= TOLERANCE:
            trial.fail("learns-from-fake-users", f"with the rows of real ones the scores differ by {found:.2%}")
        return
    found = outranked(scores.score[:USERS], trial.planted, "factors", ~trial.planted.liked)
    if not found >= _CHANCE:
        trial.fail("learns-from-fake-users", f"AUC is {found:.3f}{trial.effort}, where {_CHANCE} is expected")


def _disagreement(scores: Scores) -> float:
    """Share of the pairs of a user's items that differ in rating and are not ordered so by the scores."""
    rating, score = (part.astype(np.float64) for part in scores)
    gap = rating[:, :, None] - rating[:, None, :]
    better = gap > 1e-4 * np.abs(rating).max()
    wrong = better & ~(score[:, :, None] > score[:, None, :])
    return float(wrong.sum() / max(1, better.sum()))

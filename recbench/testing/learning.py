"""Checks that an algorithm learns: what is planted is found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from recbench.contracts.records import Feedback
from recbench.registry import Registry
from recbench.testing.data import ITEMS, USERS, Planted
from recbench.testing.trial import LONG, Trial, trial_of

_CHECKERBOARD, _CYCLE, _CHANCE, _ERROR, _SPREAD = 0.9, 0.8, 0.6, 0.9, 1e-3


def check_learns_the_checkerboard(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Held-out items of a user's parity stand above 90 % of the items of the other parity.

    Raises:
      ContractError: they do not.
    """
    trial = trial_of(algorithm, feedback, registry)
    ratings = trial.scores(trial.fit("checkerboard", epochs=LONG)).rating[:USERS]
    other = (np.arange(USERS)[:, None] - np.arange(ITEMS)[None, :]) % 2 == 1
    found = outranked(ratings, trial.planted, "checkerboard", other & ~_had(trial.planted, "checkerboard"))
    if not found >= _CHECKERBOARD:
        trial.fail(
            "learns-the-checkerboard",
            f"held-out items of the user's parity stand above {found:.0%} of the others{trial.effort}, "
            f"where {_CHECKERBOARD:.0%} are expected",
        )


def check_follows_the_cycle(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Of what a user has not had, the next item of the cycle comes first for 80 % of the users.

    The item before a walk's beginning is as near to it as the next, so nothing that ignores order reaches this.

    Raises:
      ContractError: it does not.
    """
    trial = trial_of(algorithm, feedback, registry)
    scores = trial.scores(trial.fit("cycle", epochs=LONG)).score[:USERS]
    listed = np.where(_had(trial.planted, "cycle"), -np.inf, scores)
    held = trial.planted.held["cycle"]
    found = float(np.mean(listed.argmax(axis=1)[held.user] == held.item))
    if not found >= _CYCLE:
        trial.fail(
            "follows-the-cycle",
            f"the next item comes first for {found:.0%} of the users{trial.effort}, where {_CYCLE:.0%} are expected",
        )


def check_one_order_for_all(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Two users' scores differ by the same number for every item.

    Raises:
      ContractError: they do not.
    """
    trial = trial_of(algorithm, feedback, registry)
    ratings = trial.scores(trial.fit("factors", epochs=LONG)).rating[:USERS].astype(np.float64)
    centred = ratings - ratings.mean(axis=1, keepdims=True)
    found = np.abs(centred - centred[:1]).max() / max(np.abs(ratings).max(), 1e-30)
    if not found <= _SPREAD:
        trial.fail("one-order-for-all", f"users differ by {found:.2%} of the largest score: say personalised=True")


def check_beats_chance(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Planted factors: AUC of held-out items above 0.6; explicit: an error below 0.9 of the ratings' spread.

    What is not personalised need not do better on ratings than their mean. The better of a long and a short fit counts.

    Raises:
      ContractError: chance does as well.
    """
    trial = trial_of(algorithm, feedback, registry)
    logs = trial.planted
    if feedback != "explicit":
        found = max(outranked(ratings, logs, "factors", ~logs.liked) for ratings in _early_and_late(trial))
        if not found >= _CHANCE:
            trial.fail("beats-chance", f"AUC is {found:.3f}{trial.effort}, where {_CHANCE} is expected")
        return
    held, mean = logs.held["factors"], logs.rows("factors").rating.mean()
    spread = float(np.sqrt(np.mean((mean - held.rating) ** 2)))
    error = min(
        float(np.sqrt(np.mean((ratings[held.user, held.item] - held.rating) ** 2)))
        for ratings in _early_and_late(trial)
    )
    most = spread * (_ERROR if trial.spec.personalised else 1 + _SPREAD)
    if not error <= most:
        trial.fail(
            "beats-chance",
            f"RMSE is {error:.3f}{trial.effort}, where at most {most:.3f} is expected (the mean of all ratings has "
            f"{spread:.3f})",
        )


def outranked(scores: NDArray[np.float32], logs: Planted, sample: str, others: NDArray[np.bool_]) -> float:
    """Mean share of each user's ``others``, bool [users, items], that a held-out item stands above; ties one half."""
    held = logs.held[sample]
    mine = scores[held.user, held.item][:, None]
    theirs, counted = scores[held.user], others[held.user]
    above = (mine > theirs) + 0.5 * (mine == theirs)
    return float(np.mean((above * counted).sum(axis=1) / counted.sum(axis=1)))


def _early_and_late(trial: Trial) -> Iterator[NDArray[np.float32]]:
    """Ratings of ``factors`` after two numbers of epochs: training that is not stopped by validation may overfit."""
    return (trial.scores(trial.fit("factors", epochs=epochs)).rating[:USERS] for epochs in (LONG // 4, LONG))


def _had(logs: Planted, sample: str) -> NDArray[np.bool_]:
    """What a user had to train on, bool [users, items]."""
    had = np.zeros((USERS, ITEMS), bool)
    rows = logs.rows(sample)
    had[rows.user, rows.item] = True
    return had

"""Checks that nothing is read which means nothing: what is padded, the numbers of users and items, initial values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recbench.contracts.records import Feedback
from recbench.engine.batch import place_split
from recbench.registry import Registry
from recbench.testing import probe
from recbench.testing.batches import littered_query, renamed_query
from recbench.testing.data import COLD_ITEMS, COLD_USERS, ITEMS, USERS, only
from recbench.testing.scores import SAME, STRANGER, TOLERANCE, VISITOR, Scores, apart, difference
from recbench.testing.trial import Model, Trial, trial_of


def check_padding_changes_nothing(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Other values in every padded place; and a split of the sample's rows alone, in which nothing is padded.

    What is solved is fitted on that split (without the users who have no row, if it is deterministic), what is trained
    gives its losses and scores there.

    Raises:
      ContractError: something changes.
    """
    trial = trial_of(algorithm, feedback, registry)
    if trial.spec.form == "trained":
        _check_padding_of_trained(trial)
    else:
        _check_padding_of_solved(trial)


def check_ids_mean_nothing(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """The same log under other names.

    What is deterministic is fitted on both. Of what is trained the initial parameters are renamed, on every axis that
    is as long as there are users or items; losses of one batch and scores are compared.

    Raises:
      ContractError: scores or losses differ.
    """
    trial = trial_of(algorithm, feedback, registry)
    new_user, new_item = trial.planted.new_user, trial.planted.new_item
    if trial.spec.form == "trained":
        where = probe.setting(trial, "factors")
        plain, other = probe.read(trial, where), probe.read(trial, probe.renamed(trial, where))
        _compare_losses(trial, "ids-mean-nothing", plain, other, "under other names")
        first, second = plain.scores, other.scores
    else:
        first = trial.scores(trial.fit("factors"))
        second = trial.scores(trial.fit("renamed"), renamed_query(trial.query("factors"), new_user, new_item))
    found = difference(_of_known(first), _of_known(Scores(second.score[:, new_item], second.rating[:, new_item])))
    if not found <= TOLERANCE:
        trial.fail("ids-mean-nothing", f"the scores differ by {found:.2%} of the largest under other names")


def check_cold_is_forgotten(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """Other initial values for users and items without a kept row. What is solved is fitted with two seeds instead.

    Raises:
      ContractError: their scores differ.
    """
    trial = trial_of(algorithm, feedback, registry)
    model = trial.fit("thinned")
    if trial.spec.form != "trained":
        _check_cold_of_two_seeds(trial, model)
        return
    axes = {USERS: COLD_USERS, ITEMS: COLD_ITEMS}
    params = probe.disturbed(model.state.params, np.random.default_rng(9), axes)
    other = Model(model.sample, model.programs, model.replica, model.state._replace(params=params), "")
    found = difference(*trial.scores_of([model, other]))
    if not found <= SAME:
        trial.fail(
            "cold-is-forgotten",
            f"other initial values for them change scores by {found:.2%} of the largest: make UserTable and ItemTable "
            "variables of what has a row for each user or item",
        )


def _check_padding_of_trained(trial: Trial) -> None:
    where = probe.setting(trial, "factors")
    plain = probe.read(trial, where)
    alone = only(trial.planted.split, trial.planted.samples["factors"], drop_users=False)
    for other, how in (
        (probe.littered(where), "with other values in padded places"),
        (probe.by_itself(trial, where, alone), "without padded coordinates in the train matrix"),
    ):
        reading = probe.read(trial, other)
        _compare_losses(trial, "padding-changes-nothing", plain, reading, how)
        _compare(trial, plain.scores, reading.scores, how)


def _check_padding_of_solved(trial: Trial) -> None:
    model = trial.fit("thinned")
    query = trial.query("thinned")
    plain = trial.scores(model)
    _compare(trial, plain, trial.scores(model, littered_query(query)), "with other values in padded places")
    alone = only(trial.planted.split, trial.planted.samples["thinned"], drop_users=trial.spec.deterministic)
    data = place_split(alone)
    (other,) = trial.fit_together([trial.run_on(alone)], data=data)
    warm = np.setdiff1d(np.arange(USERS), COLD_USERS if trial.spec.deterministic else [])
    here = trial.scores(other, trial.query_on(data))
    _compare(
        trial,
        Scores(plain.score[warm], plain.rating[warm]),
        Scores(here.score[: len(warm)], here.rating[: len(warm)]),
        "without padded coordinates in the train matrix",
    )


def _check_cold_of_two_seeds(trial: Trial, model: Model) -> None:
    one, other = trial.scores_of([model, trial.fit("thinned", seed=1)])
    scale = np.abs(one.rating[:USERS]).max()

    def gap(where: tuple[NDArray[np.int64] | slice, ...]) -> float:
        return float(np.abs(one.rating[:USERS][where] - other.rating[:USERS][where]).max() / scale)

    found = max(gap((COLD_USERS,)), gap((slice(None), COLD_ITEMS)))
    if not found <= TOLERANCE:
        trial.fail("cold-is-forgotten", f"two seeds score them {found:.2%} of the largest score apart")


def _of_known(scores: Scores) -> Scores:
    """Without the two unseen users, whom another rule looks after."""
    return Scores(*(np.delete(part, [STRANGER, VISITOR], axis=0) for part in scores))


def _compare(trial: Trial, one: Scores, other: Scores, how: str) -> None:
    found = difference(one, other)
    if not found <= TOLERANCE:
        trial.fail("padding-changes-nothing", f"the scores differ by {found:.2%} of the largest {how}")


def _compare_losses(trial: Trial, rule: str, one: probe.Reading, other: probe.Reading, how: str) -> None:
    for stage, (first, second) in enumerate(zip(one.losses, other.losses, strict=True), start=1):
        found = apart(first, second)
        if not found <= TOLERANCE:
            trial.fail(rule, f"the losses of stage {stage} differ by {found:.2%} of the largest {how}")

"""Splits: train, validation and test rows of a data set, the same for every sampler."""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING

import numpy as np

from recbench.contracts.errors import DataError, ParameterError, UnknownNameError
from recbench.contracts.labels import Label
from recbench.contracts.records import FEEDBACK_TYPES, Dataset, Feedback, Interactions, Split
from recbench.data.arrays import tied_times
from recbench.data.parts import MIN_ROWS, PROTOCOLS, TEST, TRAIN, VALIDATION, given_parts, user_starts
from recbench.rng import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_PROTOCOL: dict[Feedback, str] = {
    "explicit": "per-user",
    "implicit": "per-user",
    "sequential": "leave-two-out",
}


def make_split(
    dataset: Dataset,
    *,
    feedback: Feedback,
    protocol: str | None = None,
    seed: int = 0,
    threshold: float | None = None,
) -> Split:
    """Divides a data set into train, validation and test.

    Repeated (user, item) rows keep the last one for explicit and implicit feedback, then users under three rows leave
    with the items that lose their last row; ``given`` keeps what the file says. The draws depend on the data, the
    protocol and the seed, not on the feedback type: explicit and implicit feedback share their parts.

    Args:
      dataset: rows in canonical order, as every reader of recbench returns them.
      protocol: ``per-user``, ``leave-two-out``, ``given``, ``global-time``, or the label a split carries, such as
        ``per-user[threshold=4]``; by default ``leave-two-out`` for sequential feedback and ``per-user`` otherwise.
      seed: of the draws of ``per-user``, and of ``given`` where validation rows must be carved off.
      threshold: implicit feedback only: rows rated below it are dropped first. It stands in the split's protocol.

    Raises:
      DataError: the rows do not allow this split; ParameterError, UnknownNameError: an argument is not understood.
    """
    name, threshold = _understood(feedback, protocol, threshold)
    _check(dataset, feedback, name, threshold)
    label = str(Label(name, () if threshold is None else (("threshold", threshold),)))
    log, given = _kept_rows(dataset, feedback, name, threshold)
    user, user_ids = _renumbered(log.user, dataset.user_ids)
    item, item_ids = _renumbered(log.item, dataset.item_ids)
    log = Interactions(user, item, log.rating, log.timestamp, len(user_ids), len(item_ids))
    rng = generator(draw="split", data=dataset.checksum, split=label, split_seed=seed)
    part = given_parts(dataset.name, given, rng) if given is not None else PROTOCOLS[name](dataset.name, log, rng)
    train, validation = part == TRAIN, part == VALIDATION
    return Split(
        dataset=dataset.name,
        checksum=dataset.checksum,
        feedback=feedback,
        protocol=label,
        seed=seed,
        train=log.take(train),
        validation=log.take(validation),
        test=log.take(part == TEST),
        train_position=np.flatnonzero(train),
        validation_position=np.flatnonzero(validation),
        user_ids=user_ids,
        item_ids=item_ids,
        tied_times=tied_times(log),
    )


# --- what may be split, and which rows stay ---------------------------------------------------------------------------


def _understood(feedback: str, protocol: str | None, threshold: float | None) -> tuple[str, float | None]:
    """The protocol's name and the threshold, whether it came apart or in the protocol's label."""
    if feedback not in FEEDBACK_TYPES:
        raise ParameterError(f"the feedback type {feedback!r} is unknown: it is one of {', '.join(FEEDBACK_TYPES)}")
    label = Label.parse(protocol if protocol is not None else DEFAULT_PROTOCOL[feedback])
    if label.name not in PROTOCOLS and label.name != "given":
        names = [*PROTOCOLS, "given"]
        near = difflib.get_close_matches(label.name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
        raise UnknownNameError(f"no split protocol is called {label.name!r}: {hint}")
    for name, value in label.overrides:
        if name != "threshold" or isinstance(value, bool | str):
            raise ParameterError(f"the split {protocol!r} takes threshold=NUMBER and nothing else")
        if threshold is not None and threshold != value:
            raise ParameterError(f"the split {protocol!r} and threshold={threshold:g} disagree: give one of them")
        threshold = value
    if threshold is None:
        return label.name, None
    if not math.isfinite(threshold):
        raise ParameterError(f"the threshold {threshold} was given, but a finite rating is needed")
    return label.name, int(threshold) if threshold == int(threshold) else threshold  # 4.0 and 4 make the same label


def _check(dataset: Dataset, feedback: Feedback, protocol: str, threshold: float | None) -> None:
    """Refuses what this data set cannot be split for."""
    if feedback == "explicit" and not dataset.has_ratings:
        raise DataError(f"{dataset.name!r} has no ratings, and explicit feedback predicts them: use implicit feedback")
    if threshold is not None and feedback != "implicit":
        raise ParameterError(f"a threshold of {threshold:g} was given for {feedback} feedback: it is for implicit only")
    if threshold is not None and not dataset.has_ratings:
        raise DataError(f"{dataset.name!r} has no ratings that a threshold of {threshold:g} could be held against")
    if protocol == "given" and dataset.given_split is None:
        raise DataError(f"{dataset.name!r} has no split column, and the given split is read from it: use per-user")
    if protocol == "global-time" and dataset.interactions.timestamp is None:
        raise DataError(f"{dataset.name!r} has no timestamps, and global-time cuts at a time: use per-user")


def _kept_rows(
    dataset: Dataset, feedback: Feedback, protocol: str, threshold: float | None
) -> tuple[Interactions, NDArray[np.int8] | None]:
    """The rows that are split, and for ``given`` what the file says of each."""
    log = dataset.interactions
    keep = np.ones(len(log), dtype=np.bool_) if threshold is None else log.rating >= threshold
    if protocol == "given":
        assert dataset.given_split is not None
        keep &= dataset.given_split >= 0
        return log.take(keep), dataset.given_split[keep]
    if feedback != "sequential":
        keep[_superseded(log, keep)] = False
    per_user = np.add.reduceat(keep, user_starts(log.user), dtype=np.int64) if len(log) else np.zeros(0, np.int64)
    length = np.diff(user_starts(log.user), append=len(log))
    keep &= np.repeat(per_user >= MIN_ROWS, length)
    if not keep.any():
        rated = "" if threshold is None else f" rated {threshold:g} or more"
        repeats = "" if feedback == "sequential" else ", repeats of an item counted once"
        raise DataError(
            f"every user of {dataset.name!r} has fewer than three rows{rated}{repeats}, and a split needs one each "
            "for train, validation and test: give a log with longer histories"
        )
    return (log if keep.all() else log.take(keep)), None


def _superseded(log: Interactions, keep: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Row numbers of kept rows whose (user, item) comes again in a later kept row."""
    pair = log.user * np.int64(log.num_items) + log.item
    if not keep.all():
        pair[~keep] = -1
    ordered = np.sort(pair)
    repeated = np.unique(ordered[1:][(ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0)])
    del ordered
    if len(repeated) == 0:
        return np.zeros(0, dtype=np.int64)
    place = np.searchsorted(repeated, pair)
    rows = np.flatnonzero(repeated[np.minimum(place, len(repeated) - 1)] == pair)
    last = np.zeros(len(repeated), dtype=np.int64)
    np.maximum.at(last, place[rows], rows)
    superseded: NDArray[np.int64] = rows[last[place[rows]] != rows]
    return superseded


def _renumbered(number: NDArray[np.int32], ids: NDArray[np.generic]) -> tuple[NDArray[np.int32], NDArray[np.generic]]:
    """Numbers without the gaps of ids that lost their last row, and the ids that are left."""
    present = np.zeros(len(ids), dtype=np.bool_)
    present[number] = True
    if present.all():
        return number, ids
    new = np.cumsum(present, dtype=np.int32) - np.int32(1)
    return new[number], ids[present]

"""From fitted runs to numbers: device programs give one value a user, the host averages them in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from jax import Array
from numpy.typing import NDArray

from recbench import rng
from recbench.contracts.records import Sample, Split, Synthesis
from recbench.contracts.specs import MetricSpec
from recbench.engine.batch import DeviceSplit, history_arrays
from recbench.engine.blocks import (
    Lists,
    Phase,
    RankingBlocks,
    RatingBlocks,
    full_mask,
    ranking_blocks,
    rating_blocks,
    sample_mask,
)
from recbench.engine.devices import block_elements
from recbench.engine.parallel import over_runs, place_runs, place_shared
from recbench.engine.score import Column, evaluate_rankings, evaluate_ratings
from recbench.engine.solve import SolvedScorer

REPLICATES = 200
"""Bootstrap replicates stored with every mean."""

_ENOUGH = 256
"""Users with whom a product is as fast as with more: on two cores, 1.6 and 2.8 times as fast as with 29 of them."""
_LARGEST = 2**23  # elements of all their scores

MakeScorer = Callable[..., Any]
Metrics = Sequence[tuple[MetricSpec, Callable[..., Any]]]


@dataclass(frozen=True, slots=True)
class View:
    """What an algorithm sees when it scores (METHODS, section 2)."""

    mask: Literal["full", "sample"] = "full"
    history: Literal["full", "sample"] = "sample"


@dataclass(frozen=True, slots=True)
class UserValues:
    """Metrics of some runs, user by user."""

    users: NDArray[np.int64]  # [users], those with a row to score, ascending
    values: NDArray[np.float32]  # [runs, users, columns]; for ratings the sum over the user's rows
    counts: NDArray[np.float64]  # [users], what a user's value is divided by: 1, or the number of rows
    finite: NDArray[np.bool_]  # [runs], whether all scores were


def columns_of(metrics: Metrics, data: DeviceSplit) -> tuple[Column, ...]:
    """The columns that the split's feedback can have."""
    wanted = "rating" if data.feedback == "explicit" else "ranking"
    return tuple(
        Column(name, function, cutoff)
        for spec, function in metrics
        if spec.of == wanted
        for name, cutoff in spec.columns.items()
    )


def score_users(
    data: DeviceSplit,
    phase: Phase,
    *,
    make_scorer: MakeScorer,
    replicas: Any,
    states: Any,
    samples: Sequence[Sample | Synthesis],
    view: View,
    columns: tuple[Column, ...],
    history: int | Literal["all"] | None,
) -> UserValues:
    """Every column for every user with rows in the phase, for a batch of runs.

    Args:
      data: the split.
      phase: which rows are scored.
      make_scorer: (split arrays, replica, state) -> scorer, for one run.
      replicas: batch of runs.
      states: their fitted states, leading axis runs.
      samples: what each run was trained on.
      view: what the algorithm sees.
      columns: what is computed.
      history: what the algorithm needs of a user.
    """
    histories, history_axis = run_histories(data, phase, samples, view=view, need=history)
    if data.feedback == "explicit":
        size = block_size(data, len(samples), histories.width)
        rating = shared_rating_blocks(data, phase, size=size)
        program = _rating_program(make_scorer, columns, history_axis)
        values, finite = program(data.arrays, replicas, states, rating, histories)
        return in_user_order(rating, values, finite, counts=rows_of(data.split, phase))
    masks, mask_axis = run_masks(data, phase, samples, view=view)
    size = block_size(data, len(samples), histories.width)
    ranking = shared_ranking_blocks(data, phase, size=size)
    at_once = scored_at_once(data, len(samples), histories.width)
    ranked = _ranking_program(make_scorer, columns, history_axis, mask_axis, at_once)
    values, finite = ranked(data.arrays, replicas, states, ranking, histories, masks)
    return in_user_order(ranking, values, finite, counts=None)


def summarise(scored: UserValues, *, metrics: Metrics, columns: Sequence[Column], run: int) -> dict[str, float]:
    """The mean of each column for one run, in float64."""
    finish = _finishers(metrics)
    sums = scored.values[run].astype(np.float64).sum(axis=0)
    means = sums / scored.counts.sum()
    return {column.name: float(finish[column.name](mean)) for column, mean in zip(columns, means, strict=True)}


def bootstrap(
    scored: UserValues, weights: NDArray[np.float32], *, metrics: Metrics, columns: Sequence[Column], run: int
) -> dict[str, NDArray[np.float32]]:
    """The mean of each column under each draw of user weights, float32 [200]."""
    finish = _finishers(metrics)
    drawn = weights.astype(np.float64)
    means = (drawn @ scored.values[run].astype(np.float64)) / (drawn @ scored.counts)[:, None]
    return {
        column.name: np.asarray(finish[column.name](means[:, index]), np.float32)
        for index, column in enumerate(columns)
    }


def bootstrap_weights(data: DeviceSplit) -> NDArray[np.float32]:
    """Multinomial weights of the test users, float32 [200, test users]: once per split, the same for every run."""

    def draw() -> NDArray[np.float32]:
        users = len(np.unique(data.split.test.user))
        generator = rng.generator(**data.split.axes, what="bootstrap")
        drawn = np.empty((REPLICATES, users), np.float32)
        for replicate in range(REPLICATES):
            drawn[replicate] = np.bincount(generator.integers(users, size=users), minlength=users)
        return drawn

    weights: NDArray[np.float32] = data.once(("bootstrap",), draw)
    return weights


def shared_ranking_blocks(data: DeviceSplit, phase: Phase, *, size: int) -> RankingBlocks:
    """Ranking blocks of a split, built once."""
    blocks: RankingBlocks = data.once(("rankings", phase, size), lambda: ranking_blocks(data, phase, size=size))
    return blocks


def shared_rating_blocks(data: DeviceSplit, phase: Phase, *, size: int) -> RatingBlocks:
    """Rating blocks of a split, built once."""
    blocks: RatingBlocks = data.once(("ratings", phase, size), lambda: rating_blocks(data, phase, size=size))
    return blocks


def _finishers(metrics: Metrics) -> Mapping[str, Callable[[Any], Any]]:
    return {name: spec.finish or (lambda mean: mean) for spec, _ in metrics for name in spec.columns}


def run_histories(
    data: DeviceSplit,
    phase: Phase,
    samples: Sequence[Sample | Synthesis],
    *,
    view: View,
    need: int | Literal["all"] | None,
) -> tuple[Lists, int | None]:
    """Event lists of every user, shared (axis None) or one for each run (axis 0)."""
    if need is None:
        none = data.once(
            ("no history",),
            lambda: place_shared(Lists(np.zeros(1, np.int32), np.zeros(data.split.num_users + 1, np.int32), 0)),
        )
        return none, None
    with_validation = phase == "test"

    def whole() -> Lists:
        values, starts = history_arrays(data, None, with_validation=with_validation)
        longest = int(np.diff(starts).max(initial=1))
        return place_shared(Lists(values, starts, longest if need == "all" else min(need, longest)))

    full: Lists = data.once(("history", with_validation, need), whole)
    if view.history == "full" or any(isinstance(sample, Synthesis) for sample in samples):
        return full, None

    def own() -> Lists:
        parts = [
            history_arrays(data, sample.rows, with_validation=with_validation)
            for sample in samples
            if isinstance(sample, Sample)
        ]
        values, starts = (np.stack(column) for column in zip(*parts, strict=True))
        return place_runs(Lists(values, starts, full.width))

    return data.latest(("own history", with_validation, need), samples, own), 0


def run_masks(
    data: DeviceSplit, phase: Phase, samples: Sequence[Sample | Synthesis], *, view: View
) -> tuple[Lists, int | None]:
    """What leaves the lists of each run, shared (axis None) or one for each run (axis 0)."""
    kept = [sample for sample in samples if isinstance(sample, Sample)]
    if view.mask == "full" or len(kept) < len(samples):
        return data.once(("mask", phase), lambda: place_shared(full_mask(data, phase))), None

    def own() -> Lists:
        lists = [sample_mask(data, sample, phase) for sample in kept]
        values, starts = np.stack([one.values for one in lists]), np.stack([one.starts for one in lists])
        return place_runs(Lists(values, starts, lists[0].width))

    return data.latest(("own mask", phase), samples, own), 0


def block_size(data: DeviceSplit, runs: int, history: int) -> int:
    """Users a block, so that its largest array suits the device."""
    return int(np.clip(_users_of(block_elements(), data, runs, history), 8, max(8, data.split.num_users)))


def scored_at_once(data: DeviceSplit, runs: int, history: int) -> int:
    """Users whom a closed form scores in one go: a block of them, or more where blocks are small.

    Its state is a large matrix, and a product of few rows with it takes as long as reading it does.
    """
    return max(block_size(data, runs, history), min(_ENOUGH, _users_of(_LARGEST, data, runs, history)))


def _users_of(elements: int, data: DeviceSplit, runs: int, history: int) -> int:
    """How many users' scores or histories, whichever are longer, are so many elements."""
    return elements // (runs * max(data.split.num_items, history))


@lru_cache(maxsize=256)
def _ranking_program(
    make_scorer: MakeScorer,
    columns: tuple[Column, ...],
    history_axis: int | None,
    mask_axis: int | None,
    at_once: int,
) -> Any:
    def evaluate(
        data: Any, replica: Any, state: Any, blocks: RankingBlocks, history: Lists, mask: Lists
    ) -> tuple[Array, Array]:
        scorer = make_scorer(data, replica, state)
        return evaluate_rankings(
            scorer,
            blocks,
            data=data,
            history=history,
            mask=mask,
            columns=columns,
            at_once=at_once if isinstance(scorer, SolvedScorer) else 1,  # models hold little that all users read
        )

    return over_runs(evaluate, (None, 0, 0, None, history_axis, mask_axis))


@lru_cache(maxsize=256)
def _rating_program(make_scorer: MakeScorer, columns: tuple[Column, ...], history_axis: int | None) -> Any:
    def evaluate(data: Any, replica: Any, state: Any, blocks: RatingBlocks, history: Lists) -> tuple[Array, Array]:
        scorer = make_scorer(data, replica, state)
        return evaluate_ratings(scorer, blocks, data=data, history=history, columns=columns)

    return over_runs(evaluate, (None, 0, 0, None, history_axis))


def rows_of(split: Split, phase: Phase) -> NDArray[np.float64]:
    """Rows of each user in a phase, float64 [num_users]."""
    return np.bincount(getattr(split, phase).user, minlength=split.num_users).astype(np.float64)


def in_user_order(
    blocks: RankingBlocks | RatingBlocks, values: Any, finite: Any, *, counts: NDArray[np.float64] | None
) -> UserValues:
    """Values of blocks, [runs, blocks, size, columns], as values of users."""
    users = np.asarray(blocks.users).ravel()
    values = np.asarray(values)
    flat = values.reshape(len(values), -1, values.shape[-1])
    slots = np.flatnonzero(users >= 0)
    slots = slots[np.argsort(users[slots])]
    ordered = users[slots].astype(np.int64)
    return UserValues(
        users=ordered,
        values=flat[:, slots],
        counts=np.ones(len(ordered)) if counts is None else counts[ordered],
        finite=np.asarray(finite),
    )

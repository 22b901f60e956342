"""Host algorithms: plain Python fits and scores one run at a time; the core ranks what it scored."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from recbench.contracts.batches import Query
from recbench.contracts.protocols import HostAlgorithm
from recbench.contracts.records import Sample, Synthesis
from recbench.engine.batch import DeviceSplit
from recbench.engine.blocks import Lists, Phase
from recbench.engine.contest import Contestant
from recbench.engine.evaluate import (
    UserValues,
    View,
    block_size,
    in_user_order,
    rows_of,
    run_histories,
    run_masks,
    shared_ranking_blocks,
    shared_rating_blocks,
)
from recbench.engine.score import Column, make_query, rank_lists, rating_sums


def fit_host(
    contestant: Contestant,
    data: DeviceSplit,
    sample: Sample | Synthesis,
    *,
    hyper: Mapping[str, Any],
    rng: np.random.Generator,
) -> Any:
    """The algorithm's own state for one run.

    Raises:
      ValueError: fake users were given to an algorithm that does not declare them.
    """
    if isinstance(sample, Synthesis) and not contestant.spec.fake_users:
        raise ValueError(f"{contestant.name!r} does not train on fake users: its spec must say fake_users")
    train = sample if isinstance(sample, Synthesis) else data.split.train.take(sample.rows)
    return contestant.implementation.fit(train, hyper=hyper, rng=rng)


def score_users_host(
    data: DeviceSplit,
    phase: Phase,
    *,
    algorithm: HostAlgorithm,
    state: Any,
    sample: Sample | Synthesis,
    view: View,
    columns: tuple[Column, ...],
    history: int | Literal["all"] | None,
) -> UserValues:
    """As :func:`recbench.engine.evaluate.score_users`, for one run whose scores come from the host."""
    histories, axis = run_histories(data, phase, [sample], view=view, need=history)
    lists = first_run(histories) if axis == 0 else histories
    size = block_size(data, 1, lists.width)
    if data.feedback == "explicit":
        return _ratings(data, phase, size, algorithm, state, lists, columns)
    return _rankings(data, phase, size, algorithm, state, sample, view, lists, columns)


def _rankings(
    data: DeviceSplit,
    phase: Phase,
    size: int,
    algorithm: HostAlgorithm,
    state: Any,
    sample: Sample | Synthesis,
    view: View,
    history: Lists,
    columns: tuple[Column, ...],
) -> UserValues:
    blocks = shared_ranking_blocks(data, phase, size=size)
    masks, axis = run_masks(data, phase, [sample], view=view)
    mask = first_run(masks) if axis == 0 else masks
    values, finite = [], True
    for users, longest in zip(np.asarray(blocks.users), np.asarray(blocks.longest), strict=True):
        scores = np.asarray(algorithm.score(state, host_query(data, users, history)), np.float32)
        finite = finite and bool(np.isfinite(scores[users >= 0]).all())
        values.append(np.asarray(_rank_program(columns)(scores, users, longest, blocks, mask, data.arrays.tie_break)))
    return in_user_order(blocks, np.stack(values)[None], np.array([finite]), counts=None)


def _ratings(
    data: DeviceSplit,
    phase: Phase,
    size: int,
    algorithm: HostAlgorithm,
    state: Any,
    history: Lists,
    columns: tuple[Column, ...],
) -> UserValues:
    blocks = shared_rating_blocks(data, phase, size=size)
    values, finite = [], True
    for number in range(blocks.users.shape[0]):
        block = jax.tree.map(lambda leaf, number=number: np.asarray(leaf[number]), blocks)
        query = host_query(data, block.users, history)
        prediction = np.asarray(algorithm.predict(state, query, block.rows, block.items), np.float32)
        sums, good = rating_sums(jnp.asarray(prediction), block, columns=columns)
        values.append(np.asarray(sums))
        finite = finite and bool(good)
    return in_user_order(blocks, np.stack(values)[None], np.array([finite]), counts=rows_of(data.split, phase))


def host_query(data: DeviceSplit, users: Any, history: Lists) -> Query:
    """Users with their padded histories, as arrays of NumPy."""
    query: Query = jax.tree.map(np.asarray, _query_program()(users, history, data.arrays))
    return query


def first_run(lists: Lists) -> Lists:
    """The lists of the first of a batch of runs."""
    return Lists(lists.values[0], lists.starts[0], lists.width)


@lru_cache(maxsize=1)
def _query_program() -> Any:
    return jax.jit(lambda users, history, data: make_query(users, history, data=data))


@lru_cache(maxsize=64)
def _rank_program(columns: tuple[Column, ...]) -> Any:
    @jax.jit
    def rank(scores: Any, users: Any, longest: Any, blocks: Any, mask: Lists, tie_break: Any) -> Any:
        ranked = rank_lists(scores, users, longest, blocks=blocks, mask=mask, tie_break=tie_break)
        return jnp.stack([column.function(ranked, column.cutoff) for column in columns], axis=1)

    return rank

"""Fitted runs in, lists of recommendations out: the first items of the ranking that the metrics look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from recbench.contracts.batches import Query
from recbench.contracts.records import Sample, Synthesis
from recbench.engine.batch import DeviceSplit
from recbench.engine.blocks import Lists
from recbench.engine.contest import history_need
from recbench.engine.evaluate import MakeScorer, View, block_size, run_histories, run_masks
from recbench.engine.host import first_run, host_query
from recbench.engine.parallel import over_runs, power_of_two
from recbench.engine.run import Fitted
from recbench.engine.score import make_query, membership
from recbench.engine.solve import SolvedScorer


@dataclass(frozen=True, slots=True)
class TopItems:
    """The best items of some users, best first."""

    items: NDArray[np.int32]  # [runs, users, k]
    scores: NDArray[np.float32]  # [runs, users, k]; predicted ratings for explicit feedback; -inf beyond a list's end
    finite: NDArray[np.bool_]  # [runs], whether the scores of all items were


def top_items(fitted: Fitted, users: NDArray[Any], *, k: int, view: View, exclude_seen: bool = True) -> TopItems:
    """The first k items of some users' rankings at test time, equal scores in the order of the split's permutation.

    Args:
      fitted: a batch of runs.
      users: their numbers, int [users].
      k: length of the lists; they are shorter where fewer items can be listed.
      view: what the algorithm sees.
      exclude_seen: leave out what the view's mask hides at test time.
    """
    k = min(k, fitted.data.split.num_items)
    if fitted.replicas is None:
        numbers = range(len(fitted.runs))
        found = [_host(fitted, number, users, k=k, view=view, exclude_seen=exclude_seen) for number in numbers]
        parts: Any = [np.stack(part) for part in zip(*found, strict=True)]
    else:
        parts = [np.asarray(part) for part in _device(fitted, users, k=k, view=view, exclude_seen=exclude_seen)]
    items, scores, finite = parts
    kept = np.s_[: len(fitted.runs), : len(users)]
    shape = (len(items), -1, k)
    return TopItems(items.reshape(shape)[kept], scores.reshape(shape)[kept], finite[: len(fitted.runs)])


def best_items(scores: Array, users: Array, *, mask: Lists, tie_break: Array, k: int) -> tuple[Array, Array, Array]:
    """The first k items of a block's users, int32 [users, k], their scores, and whether all scores were finite.

    Args:
      scores: float32 [users, items].
      users: int32 [users], -1 padded.
      mask: what is not listed.
      tie_break: int32 [items], a permutation; of equal scores the lower stands first.
      k: at most the number of items.
    """
    finite = jnp.all(jnp.isfinite(scores) | (users < 0)[:, None])
    scores = jnp.where(scores == 0, 0, scores)  # top_k puts 0 before -0; the metrics call them equal
    listed = jnp.where(membership(mask, users, scores.shape[1]), -jnp.inf, scores)
    order = jnp.argsort(tie_break).astype(jnp.int32)
    best, place = jax.lax.top_k(listed[:, order], k)  # of equal ones the first
    return order[place], best, finite


def _device(fitted: Fitted, users: NDArray[Any], *, k: int, view: View, exclude_seen: bool) -> Any:
    data, replicas = fitted.data, fitted.replicas
    assert replicas is not None
    samples = [run.sample for run in fitted.runs]
    samples += [samples[-1]] * (int(replicas.key.shape[0]) - len(samples))
    history, history_axis = run_histories(
        data, "test", samples, view=view, need=history_need(fitted.contestant, fitted.runs[0])
    )
    mask, mask_axis = _masks(data, samples, view=view, exclude_seen=exclude_seen)
    program = _top_program(fitted.programs.scorer, data.feedback == "explicit", k, history_axis, mask_axis)
    blocks = _user_blocks(data, users, runs=len(samples), history=history.width)
    return program(data.arrays, replicas, fitted.states, blocks, history, mask)


@lru_cache(maxsize=64)
def _top_program(make_scorer: MakeScorer, rates: bool, k: int, history_axis: int | None, mask_axis: int | None) -> Any:
    def lists(data: Any, replica: Any, state: Any, blocks: Array, history: Lists, mask: Lists) -> Any:
        scorer = make_scorer(data, replica, state)

        def block(users: Array) -> tuple[Array, Array, Array]:
            scores = _all_scores(scorer, make_query(users, history, data=data), rates=rates, xp=jnp)
            return best_items(scores, users, mask=mask, tie_break=data.tie_break, k=k)

        items, best, finite = jax.lax.map(block, blocks)
        return items, best, finite.all()

    return over_runs(lists, (None, 0, 0, None, history_axis, mask_axis))


def _host(fitted: Fitted, number: int, users: NDArray[Any], *, k: int, view: View, exclude_seen: bool) -> Any:
    """The same for one run whose scores come from the host."""
    data, samples = fitted.data, [fitted.runs[number].sample]
    histories, axis = run_histories(
        data, "test", samples, view=view, need=history_need(fitted.contestant, fitted.runs[0])
    )
    history = first_run(histories) if axis == 0 else histories
    masks, axis = _masks(data, samples, view=view, exclude_seen=exclude_seen)
    mask = first_run(masks) if axis == 0 else masks
    scorer = SolvedScorer(fitted.contestant.implementation, fitted.states[number])
    found = []
    for block in _user_blocks(data, users, runs=1, history=history.width):
        scores = _all_scores(scorer, host_query(data, block, history), rates=data.feedback == "explicit", xp=np)
        found.append(_best_program()(np.asarray(scores, np.float32), block, mask, data.arrays.tie_break, k))
    items, best, finite = (np.stack(part) for part in zip(*found, strict=True))
    return items, best, finite.all()


@lru_cache(maxsize=1)
def _best_program() -> Any:
    def best(scores: Array, users: Array, mask: Lists, tie_break: Array, k: int) -> Any:
        return best_items(scores, users, mask=mask, tie_break=tie_break, k=k)

    return jax.jit(best, static_argnums=4)


def _all_scores(scorer: Any, query: Query, *, rates: bool, xp: Any) -> Any:
    """Scores of all items, [users, items]; for explicit feedback the predicted ratings. ``xp``: jax.numpy or NumPy."""
    if not rates:
        return scorer.score(query)
    users = query.users.shape[0]
    rows = xp.repeat(xp.arange(users, dtype=np.int32), query.num_items)
    items = xp.tile(xp.arange(query.num_items, dtype=np.int32), users)
    return scorer.predict(query, rows, items).reshape(users, query.num_items)


def _masks(
    data: DeviceSplit, samples: list[Sample | Synthesis], *, view: View, exclude_seen: bool
) -> tuple[Lists, int | None]:
    if exclude_seen:
        return run_masks(data, "test", samples, view=view)
    return Lists(np.zeros(1, np.int32), np.zeros(data.split.num_users + 1, np.int32), 0), None


def _user_blocks(data: DeviceSplit, users: NDArray[Any], *, runs: int, history: int) -> NDArray[np.int32]:
    """Users in blocks, int32 [blocks, size], -1 padded."""
    size = block_size(data, runs, history)
    if data.feedback == "explicit":  # every item is a pair to predict: no more at once than the metrics predict
        size = size * len(data.split.test) // (data.split.num_users * data.split.num_items)
    size = max(1, min(size, power_of_two(max(1, len(users)))))
    blocks = np.full((max(1, -(-len(users) // size)), size), -1, np.int32)
    blocks.flat[: len(users)] = users
    return blocks

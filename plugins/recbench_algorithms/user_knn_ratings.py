"""User-based nearest neighbours, for ratings.

prediction(u, i) = b_ui + sum of s(u, v) (r_vi - b_vi) / sum of s(u, v) over the k train users v most similar to u with
s > 0 who rated i, u itself left out. b: the user's mean, or a baseline (see ``baseline``). s(u, v) = n_uv / (n_uv +
shrink) times the cosine of what u's and v's ratings deviate from b, n_uv the items that both rated.
Source: Herlocker et al., SIGIR 1999 (means; few common ratings weigh less); Koren, TKDD 2010, section 2.2 (baselines,
the form of the shrinkage).
Grid: neighbours 20 to 80, shrink 0 to 100. Baselines are worth 0.014 RMSE on ml-100k.

A block of users is compared with all train users at once. The raters of an item stand together, so that a pair looks at
those alone, a window at a time; pairs go by the popularity of their items, so that few windows are empty.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix
from recbench_algorithms.baseline import Baseline, fit_baseline
from recbench_algorithms.similarity import bisect_kth

_WINDOW = 256
_PART_ELEMENTS = 2**20


class Raters(NamedTuple):
    """State: who rated what, and how far from the baseline."""

    train: TrainMatrix  # of deviations from the baseline
    baseline: Baseline
    norms: Array  # of each train user's deviations, float32 [num_users]
    rater: Array  # int32 [coordinates], users by item
    above: Array  # float32 [coordinates], their deviations in that order
    starts: Array  # int32 [num_items + 1], where the raters of an item begin
    shrink: Array
    neighbours: Array  # k, scalar


class UserKNNRatings:
    """State: :class:`Raters`."""

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array) -> Raters:
        baseline = fit_baseline(train, centre=hyper["centre"], damping=hyper["damping"])
        user = jnp.minimum(train.user, train.num_users - 1)
        above = jnp.where(train.mask, baseline.deviations(train.value, baseline.users[user], train.item), 0)
        item = jnp.where(train.mask, train.item, train.num_items)
        order = jnp.argsort(item)
        return Raters(
            train=train.with_values(above),
            baseline=baseline,
            norms=jnp.sqrt(train.user_sums(above**2)),
            rater=user[order],
            above=above[order],
            starts=jnp.searchsorted(item[order], jnp.arange(train.num_items + 1)).astype(jnp.int32),
            shrink=jnp.asarray(hyper["shrink"]),
            neighbours=jnp.asarray(hyper["neighbours"]),
        )

    def predict(self, state: Raters, query: Query, rows: Array, items: Array) -> Array:
        bias = state.baseline.user_bias(query)
        rows, items = jnp.asarray(rows), jnp.asarray(items)
        shift = _shifts(state, _similarities(state, query, bias), rows, items)
        return state.baseline.mean + bias[rows] + state.baseline.items[items] + shift

    def score(self, state: Raters, query: Query) -> Array:
        users, items = query.users.shape[0], query.num_items
        rows, listed = jnp.repeat(jnp.arange(users), items), jnp.tile(jnp.arange(items), users)
        return self.predict(state, query, rows, listed).reshape(users, items)


def _similarities(state: Raters, query: Query, bias: Array) -> Array:
    """Similarity of every train user to every user of the query, float32 [num_users, users]: 0 to oneself, or below."""
    baseline, count = state.baseline, query.users.shape[0]
    observed = query.observed()
    above = observed * (query.dense() - baseline.mean - bias[:, None] - baseline.items[None, :])
    common = state.train.with_values(state.train.mask.astype(jnp.float32)).matmul(observed.T)
    norms = state.norms[:, None] * jnp.linalg.norm(above, axis=1)[None, :]
    cosine = state.train.matmul(above.T) / jnp.maximum(norms, 1e-6)
    similarity = jnp.maximum(cosine, 0) * common / jnp.maximum(common + state.shrink, 1)
    place = jnp.where(query.users >= 0, query.users, state.train.num_users)
    return similarity.at[place, jnp.arange(count)].set(0, mode="drop")


def _shifts(state: Raters, similarity: Array, rows: Array, items: Array) -> Array:
    """How far above the baseline the neighbours rated, for pairs of a column of ``similarity`` and an item, [pairs]."""
    pairs, raters = rows.shape[0], state.starts[1:] - state.starts[:-1]
    size = max(1, min(pairs, _PART_ELEMENTS // state.train.num_users))
    order = jnp.argsort(raters[items])
    parts = jnp.pad(order, (0, -pairs % size), mode="edge").reshape(-1, size)
    shifts = jax.lax.map(lambda part: _part(state, similarity, rows[part], items[part]), parts)
    return jnp.zeros(pairs).at[order].set(shifts.ravel()[:pairs])


def _part(state: Raters, similarity: Array, rows: Array, items: Array) -> Array:
    """:func:`_shifts` for some pairs."""
    begin, end = state.starts[items], state.starts[items + 1]
    most = -(-state.train.num_users // _WINDOW)
    windows = jnp.minimum(-(-(end - begin).max() // _WINDOW), most)

    def places(window: Array) -> tuple[Array, Array]:
        place = begin[:, None] + window * _WINDOW + jnp.arange(_WINDOW)[None, :]
        return jnp.minimum(place, len(state.rater) - 1), place < end[:, None]

    def look(window: Array, near: Array) -> Array:
        place, real = places(window)
        return near.at[window].set(jnp.where(real, similarity[state.rater[place], rows[:, None]], 0))

    near = jax.lax.fori_loop(0, windows, look, jnp.zeros((most, len(rows), _WINDOW)))

    def at_least(threshold: Array) -> Array:
        def count(window: Array, total: Array) -> Array:
            return total + jnp.sum(near[window] >= threshold[:, None], axis=1, dtype=jnp.int32)

        return jax.lax.fori_loop(0, windows, count, jnp.zeros(rows.shape, jnp.int32))

    threshold = bisect_kth(at_least, state.neighbours, rows.shape)

    def add(window: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
        weight = jnp.where(near[window] >= threshold[:, None], near[window], 0)
        above = state.above[places(window)[0]]
        return sums[0] + (weight * above).sum(axis=1), sums[1] + weight.sum(axis=1)

    above, weight = jax.lax.fori_loop(0, windows, add, (jnp.zeros(rows.shape), jnp.zeros(rows.shape)))
    return jnp.where(weight > 1e-9, above / jnp.maximum(weight, 1e-9), 0)

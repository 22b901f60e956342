"""RP3beta: random walks of three steps from a user over the bipartite graph, with popular ends penalised.

score(u, i) = sum over the items j of u's history of w(j, i), w(j, i) = n_i^-beta times the sum over users v of
p_jv^alpha p_vi^alpha, with transition probabilities p_jv = x_vj / n_j and p_vi = x_vi / n_v. The first step, equally
likely to every j, orders nothing. Of each item only the ``neighbours`` largest w(j, i) are kept.
Source: Paudel et al., TiiS 2017, sections 3.2 and 3.3 (alpha: Cooper et al., WWW 2014). The cut: Ferrari Dacrema et
al., RecSys 2019, whose code cuts each j's row; to cut by the item that is scored is better (ml-1m: nDCG@10 0.30, not
0.27).
Grid: neighbours 50, 100, 200; alpha 0.6 to 1; beta 0.3 to 0.7.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix
from recbench_algorithms.similarity import nearest


class RP3beta:
    """State: the weights w, cut, float32 [num_items (history), num_items (scored)].

    ``alpha`` is static, so that a grid over the others shares one product.
    """

    def prepare(self, train: TrainMatrix, *, hyper: Hyper) -> Array:
        """Sum over users v of (x_vj x_vi / n_v)^alpha, float32 [num_items, num_items], diagonal 0."""
        alpha = hyper["alpha"]
        degree = train.user_sums(train.value)[jnp.minimum(train.user, train.num_users - 1)]
        halves = jnp.maximum(train.value, 1e-12) ** alpha / jnp.maximum(degree, 1e-6) ** (alpha / 2)
        walks = train.with_values(halves).gram()
        return jnp.where(jnp.eye(train.num_items, dtype=bool), 0, walks)

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array, prepared: Array) -> Array:
        counts = jnp.maximum(train.item_sums(train.value), 1e-6)
        walks = prepared * (counts ** -hyper["beta"])[:, None] * (counts ** -hyper["alpha"])[None, :]
        return nearest(walks, hyper["neighbours"])

    def score(self, state: Array, query: Query) -> Array:
        return jnp.matmul(query.observed(), state, precision="highest")

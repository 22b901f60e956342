"""What fake users are worth: nDCG@10 of validation rows under each ridge, a user's train rows masked."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy import sparse

from recbench_infinite.kernel import Network, diagonals, tangents

RIDGES = (1e-5, 1e-3, 0.1, 1.0, 5.0, 50.0)
"""Tried on validation, relative to the mean of the kernel's diagonal."""
DEFAULT_RIDGE = 1.0
"""Where there are no validation rows."""
_BLOCK = 1024  # users scored at a time
_CUTOFF = 10


class Judge:
    """Chooses the ridge of fake users.

    Args:
      real: train rows, [num_users, num_items].
      held_out: validation rows, likewise.
      most: users who are asked, at most; drawn from those with a validation row.
      rng: what draws them.
    """

    def __init__(
        self,
        real: sparse.csr_array,
        held_out: sparse.csr_array,
        network: Network,
        *,
        most: int,
        rng: np.random.Generator,
    ) -> None:
        users = np.flatnonzero(np.diff(held_out.indptr))
        self._users = users if len(users) <= most else np.sort(rng.choice(users, most, replace=False))
        self._real, self._held_out, self._network = real, held_out, network

    def best(self, fake: Array) -> tuple[float, float]:
        """The ridge and its nDCG@10; the default one and nan without validation rows.

        Args:
          fake: float32 [users, num_items].
        """
        if not len(self._users):
            return DEFAULT_RIDGE, np.nan
        weights = jax.lax.map(lambda ridge: fitted(fake, ridge, self._network), jnp.array(RIDGES, jnp.float32))
        sums = np.zeros(len(RIDGES))
        for start in range(0, len(self._users), _BLOCK):
            users = self._users[start : start + _BLOCK]
            histories, wanted = (each[users].toarray() for each in (self._real, self._held_out))
            sums += np.asarray(_gains(fake, weights, histories, wanted, self._network))
        means = np.nan_to_num(sums / len(self._users), nan=-1.0)
        return RIDGES[int(means.argmax())], float(means.max())


def fitted(fake: Array, ridge: Array, network: Network) -> Array:
    """Weights of the infinite autoencoder that is trained on fake users, float32 [users, num_items].

    Args:
      fake: float32 [users, num_items].
      ridge: relative to the mean of the kernel's diagonal.
    """
    squares = jnp.square(fake).sum(axis=1)
    diagonal = diagonals(squares, num_items=fake.shape[1], network=network).tangent
    one = jnp.eye(len(fake), dtype=bool)
    kernel = jnp.where(one, (diagonal + ridge * diagonal.mean())[:, None], tangents(fake, fake, network))
    return jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(kernel), True), fake)


@partial(jax.jit, static_argnames="network")
def _gains(fake: Array, weights: Array, real: Array, wanted: Array, network: Network) -> Array:
    """Sum of nDCG@10 over some users, for each ridge, float32 [ridges]."""
    kernel = tangents(real, fake, network)
    discounts = 1 / jnp.log2(jnp.arange(_CUTOFF) + 2.0)
    count = jnp.minimum(wanted.sum(axis=1), _CUTOFF).astype(jnp.int32)
    ideal = jnp.concatenate([jnp.zeros(1), jnp.cumsum(discounts)])[count]

    def of(weights: Array) -> Array:
        predicted = jnp.matmul(kernel, weights, precision="highest")
        _, top = jax.lax.top_k(jnp.where(real > 0, -jnp.inf, predicted), _CUTOFF)
        hits = jnp.take_along_axis(wanted, top, axis=1)
        return (hits @ discounts / ideal).sum()

    return jax.lax.map(of, weights)

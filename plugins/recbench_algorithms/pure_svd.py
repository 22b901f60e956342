"""PureSVD: the best approximation of the train matrix, zeros included, of a given rank.

With X = U S V' cut to the largest ``latent`` singular values, scores are X V V'.
Source: Cremonesi, Koren, Turrin, RecSys 2010, section 3.3. V by block Krylov iterations: Musco and Musco, NeurIPS 2015,
algorithm 2, orthogonalised twice against all earlier blocks.
Grid: latent 16, 32, 50, 100, 200.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from recbench import Hyper, Query, TrainMatrix

_MORE, _STEPS = 10, 6
_matmul = partial(jnp.matmul, precision="highest")


class PureSVD:
    """State: the right singular vectors V, float32 [num_items, latent]."""

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: Array) -> Array:
        return right_vectors(train, min(hyper["latent"], train.num_items))

    def score(self, state: Array, query: Query) -> Array:
        return _matmul(_matmul(query.dense(), state), state.T)


def right_vectors(train: TrainMatrix, rank: int) -> Array:
    """The right singular vectors of the largest singular values, largest last, float32 [num_items, rank].

    The train matrix is only multiplied with blocks of somewhat more than ``rank`` vectors. The Krylov space has seven
    blocks, or is the whole space where there are few items. What is found does not depend on where it starts.
    """
    items, width = train.num_items, rank + _MORE
    width = width if items >= 2 * width else items
    blocks = min(_STEPS + 1, items // width)
    first = jnp.linalg.qr(jax.random.normal(jax.random.key(0), (items, width)))[0]
    basis = jnp.zeros((items, blocks * width)).at[:, :width].set(first)
    image = jnp.zeros_like(basis)

    def step(number: Array, spaces: tuple[Array, Array]) -> tuple[Array, Array]:
        basis, image = spaces
        block = jax.lax.dynamic_slice_in_dim(basis, number * width, width, axis=1)
        reached = train.rmatmul(train.matmul(block))
        image = jax.lax.dynamic_update_slice_in_dim(image, reached, number * width, axis=1)
        # Nothing is written beyond the last block: JAX would move it back into the space.
        added = jnp.where(number + 1 < blocks, _orthogonal(reached, basis), block)
        following = jnp.minimum(number + 1, blocks - 1) * width
        return jax.lax.dynamic_update_slice_in_dim(basis, added, following, axis=1), image

    basis, image = jax.lax.fori_loop(0, blocks, step, (basis, image))
    within = _matmul(basis.T, image)
    _, vectors = jnp.linalg.eigh((within + within.T) / 2)
    return _matmul(basis, vectors[:, -rank:])


def _orthogonal(block: Array, basis: Array) -> Array:
    """An orthonormal basis of what a block adds to a space; twice, for the first time leaves rounding."""
    for _ in range(2):
        block = jnp.linalg.qr(block - _matmul(basis, _matmul(basis.T, block)))[0]
    return block

"""Functions of many rows, computed a block of rows at a time: what a block needs on the way stays in a core's cache.

The gradient is formed the same way: the backward pass computes each block anew, differentiates it and adds up what it
gives the parameters. Nothing of a block outlives it but its results, and blocks beyond the real rows are not computed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

_CPU_ELEMENTS, _ACCELERATOR_ELEMENTS = 2**19, 2**26

Function = Callable[[Any, Any, Any, Array], Array]
"""(params, rows, given, first) -> float32 [size, ...]; ``first`` is the number of the block's first row."""


class Piece(NamedTuple):
    """How a range of the rows is computed."""

    function: Function
    size: int  # rows a block


def block_size(elements: int, rows: int) -> int:
    """Rows a block, of ``rows``, when one row takes so many elements on the way."""
    budget = _CPU_ELEMENTS if jax.default_backend() == "cpu" else _ACCELERATOR_ELEMENTS
    return max(1, min(budget // elements, rows))


def may_skip() -> bool:
    """Whether bounds may depend on the run: on a CPU, where runs train in turn.

    Where they go side by side, a bound of its own would make each run carry its results from block to block.
    """
    return jax.default_backend() == "cpu"


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def by_blocks(pieces: tuple[Piece, ...], bounds: Array, params: Any, rows: Any, given: Any) -> Array:
    """The pieces' results for every row, float32 [rows, ...]; 0 for rows outside the bounds, which cost nothing.

    Args:
      pieces: functions with results of one shape; each row's result depends on that row alone.
      bounds: int32 [pieces + 1], piece k computes rows [bounds[k], bounds[k + 1]).
      params: float32 pytree, the same for all rows; differentiated.
      rows: float32 pytree, leading axis rows; differentiated.
      given: (pytree with leading axis rows, pytree that all rows share), not differentiated. A function is handed it
        with the rows of its block.
    """
    return _forward(pieces, bounds, params, rows, given)[0]


def _forward(pieces: tuple[Piece, ...], bounds: Array, params: Any, rows: Any, given: Any) -> tuple[Array, Any]:
    total = jax.tree.leaves(rows)[0].shape[0]

    def compute(function: Function, block: _Block, results: Array) -> Array:
        return block.put(results, function(params, *block.of(rows, given), block.first))

    def first() -> Array:
        block = _Block.at(jnp.int32(0), jnp.int32(total), size=pieces[0].size, total=total)
        return pieces[0].function(params, *block.of(rows, given), block.first)

    shape = jax.eval_shape(first)
    results = jnp.zeros((total, *shape.shape[1:]), shape.dtype)
    return _each_block(pieces, bounds, total, compute, results), (bounds, params, rows, given)


def _backward(pieces: tuple[Piece, ...], residuals: Any, cotangent: Array) -> tuple[None, Any, Any, None]:
    bounds, params, rows, given = residuals

    def compute(function: Function, block: _Block, gradients: tuple[Any, Any]) -> tuple[Any, Any]:
        own, known = block.of(rows, given)
        _, pull = jax.vjp(lambda params, own: function(params, own, known, block.first), params, own)
        of_params, of_rows = pull(block.masked(block.take(cotangent)))
        return jax.tree.map(jnp.add, gradients[0], of_params), jax.tree.map(block.put, gradients[1], of_rows)

    start = jax.tree.map(jnp.zeros_like, (params, rows))
    return None, *_each_block(pieces, bounds, cotangent.shape[0], compute, start), None


by_blocks.defvjp(_forward, _backward)


class _Block(NamedTuple):
    """Rows in a line."""

    first: Array  # int32 scalar, number of the first
    real: Array  # bool [size], which of them are this block's own

    @classmethod
    def at(cls, begin: Array, end: Array, *, size: int, total: int) -> _Block:
        """The rows from ``begin``, up to ``end``; at the very end of all rows a block starts earlier, to be whole."""
        first = jnp.minimum(begin, total - size)
        row = first + jnp.arange(size, dtype=jnp.int32)
        return cls(first, (row >= begin) & (row < end))

    def take(self, leaf: Array) -> Array:
        return jax.lax.dynamic_slice_in_dim(leaf, self.first, self.real.shape[0])

    def of(self, rows: Any, given: Any) -> tuple[Any, Any]:
        """The block's rows, and what it is given."""
        own, shared = given
        return jax.tree.map(self.take, rows), (jax.tree.map(self.take, own), shared)

    def masked(self, values: Array) -> Array:
        """The values of the block's own rows, 0 for the others."""
        return jnp.where(self._column(values), values, 0)

    def put(self, buffer: Array, values: Array) -> Array:
        """The buffer with the block's own rows replaced."""
        kept = jnp.where(self._column(values), values, self.take(buffer))
        return jax.lax.dynamic_update_slice_in_dim(buffer, kept, self.first, axis=0)

    def _column(self, values: Array) -> Array:
        return self.real.reshape((-1,) + (1,) * (values.ndim - 1))


def _each_block(
    pieces: tuple[Piece, ...], bounds: Array, total: int, compute: Callable[[Function, _Block, Any], Any], carried: Any
) -> Any:
    for number, piece in enumerate(pieces):

        def step(count: Array, carried: Any, piece: Piece = piece, number: int = number) -> Any:
            begin = bounds[number] + count * piece.size
            block = _Block.at(begin, bounds[number + 1], size=piece.size, total=total)
            return compute(piece.function, block, carried)

        blocks = (bounds[number + 1] - bounds[number] + piece.size - 1) // piece.size
        carried = jax.lax.fori_loop(0, blocks, step, carried)
    return carried

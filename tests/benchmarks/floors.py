"""What an epoch of training cannot do without, measured by itself: the floor that its time is held against.

The operations are counted from the method: matrix products (each once forward and twice backward), exponentials, rows
that are gathered and added to, parameters that Adam updates. Each kind is then timed alone, at the same shapes, on one
core's share of the machine, so that a floor is a time and not a rate that no narrow layer reaches.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

_REPEATS = 20
_CACHED = 2**18


@dataclass
class Work:
    """Operations of one step."""

    products: list[tuple[int, int, int, int]] = field(default_factory=list)  # [b, m, k] x [b, k, n], forward
    exponentials: int = 0  # forward; the gradient needs none of its own
    rows: list[tuple[int, int, int]] = field(default_factory=list)  # (rows of a table, width, rows of the batch)
    parameters: int = 0

    @property
    def operations(self) -> int:
        """Floating-point operations of the products, both passes."""
        return sum(6 * b * m * k * n for b, m, k, n in self.products)

    @property
    def bytes(self) -> int:
        """Adam reads a parameter, its gradient and two moments, and writes three of them; rows go twice."""
        return 28 * self.parameters + sum(8 * width * count for _, width, count in self.rows)


def work_of(name: str, hyper: dict[str, Any], data: Any) -> list[tuple[int, Work]]:
    """Steps an epoch and the work of one, for each stage of an algorithm on a split."""
    users, items, feedback = data.split.num_users, data.split.num_items, data.feedback
    train, batch, d = data.split.train, hyper["batch_size"], hyper.get("latent", 1)
    each = 1 if feedback == "explicit" else 2
    by_rows = -(-len(train) // batch)

    def pairs(width: int, layers: tuple[int, ...] = ()) -> Work:
        rows = [(users, width, batch), (items, width, each * batch)]
        touched = sum(min(table, count) if hyper["updates"] == "rows" else table for table, _, count in rows)
        work = Work(rows=rows, parameters=touched * width)
        for inner, outer in zip((2 * width if layers else 0, *layers), layers, strict=False):
            work.products.append((1, outer, inner, each * batch))
            work.parameters += outer * (inner + 1)
        return work

    lengths = np.minimum(np.bincount(train.user, minlength=users) - 1, hyper.get("length", 0))
    lengths, some = np.maximum(lengths, 0), min(batch, users)
    share = some / users
    positions = int(lengths.sum() * share)
    by_users = -(-users // batch)
    match name:
        case "bias-only":
            return [(by_rows, pairs(1))]
        case "mf":
            return [(by_rows, pairs(d + 1))]
        case "neumf":
            widths = tuple(d * 2**level for level in reversed(range(hyper["layers"])))
            gmf, mlp = pairs(d), pairs(-(-widths[0] // 2), widths)
            both = Work(mlp.products, 0, gmf.rows + mlp.rows, gmf.parameters + mlp.parameters)
            return [(by_rows, work) for work in (gmf, mlp, both)]
        case "mvae":
            hidden = hyper["hidden"] or 3 * d
            products = [(1, some, items, hidden), (1, some, hidden, items)]
            return [(by_users, Work(products, some * items, [], 2 * items * hidden))]
        case "sasrec":
            blocks = hyper["blocks"]
            attention = int((lengths.astype(np.int64) ** 2).sum() * share) // 2  # a position sees what is before it
            square = max(1, attention // hyper["length"])
            products = [(1, d, d, positions)] * 5 * blocks + [(1, d, hyper["length"], square)] * 2 * blocks
            rows = [(items, d, 3 * positions)]
            return [(by_users, Work(products, attention * blocks, rows, items * d + 5 * blocks * d * d))]
        case "gru4rec" | "svae":
            hidden = (hyper.get("hidden") or d) if name == "svae" else d
            steps = max(1, int(lengths.max()))
            at_once = max(1, positions // steps)  # histories that are still going, on average
            products = [(1, positions, hidden, 3 * hidden)] + [(1, at_once, hidden, 3 * hidden)] * steps
            products += [(1, positions, hidden, items)]
            tables = items * hidden * (2 if name == "svae" else 1)
            return [(by_users, Work(products, positions * items, [(items, hidden, 2 * positions)], tables))]
    raise KeyError(name)


def floor_seconds(work: Work) -> float:
    """Seconds of a step's operations, each kind alone."""
    seconds = sum(_product(*shape) * work.products.count(shape) for shape in set(work.products))
    seconds += work.exponentials / _exponentials_a_second()
    seconds += sum(_rows(*each) for each in work.rows)
    return seconds + _adam(work.parameters)


def _timed(step: Callable[[Any], Any], start: Any) -> float:
    """Seconds of a step, the least of a few loops."""
    loop = jax.jit(lambda start: jax.lax.fori_loop(0, _REPEATS, lambda _, state: step(state), start))
    jax.block_until_ready(loop(start))
    times = []
    for _ in range(3):
        began = time.perf_counter()
        jax.block_until_ready(loop(start))
        times.append(time.perf_counter() - began)
    return min(times) / _REPEATS


def _product(b: int, m: int, k: int, n: int) -> float:
    """Both passes of a product, in blocks of its longer side whose arrays a core's cache holds."""
    blocks = max(1, b * max(m * n, m * k, k * n) // _CACHED)
    m, n = (-(-m // blocks), n) if m > n else (m, -(-n // blocks))
    return blocks * _block(b, m, k, n)


def _block(b: int, m: int, k: int, n: int) -> float:
    x, y, g = jnp.ones((b, m, k)), jnp.ones((b, k, n)), jnp.ones((b, m, n))

    def step(state: Any) -> Any:
        x, y, g = state
        forward = jnp.einsum("bmk,bkn->bmn", x, y)
        of_x, of_y = jnp.einsum("bmn,bkn->bmk", g, y), jnp.einsum("bmk,bmn->bkn", x, g)
        return of_x * 1e-9, of_y * 1e-9, forward * 1e-9

    return _timed(step, (x, y, g))


def _exponentials_a_second() -> float:
    size = 2**17
    return size / _timed(lambda x: jnp.exp(-x), jnp.ones(size))


def _rows(table: int, width: int, count: int) -> float:
    ids = jnp.asarray(np.random.default_rng(0).integers(0, table, count), jnp.int32)
    return _timed(lambda state: state.at[ids].add(1e-9 * state[ids]), jnp.ones((table, width)))


def _adam(parameters: int) -> float:
    adam = optax.adam(1e-3)
    values = jnp.ones(max(1, parameters))

    def step(state: Any) -> Any:
        values, moments = state
        updates, moments = adam.update(values, moments, values)
        return optax.apply_updates(values, updates), moments

    return _timed(step, (values, adam.init(values)))

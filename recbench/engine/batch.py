"""Data go to the device once per split; a run is an index array into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from recbench import rng
from recbench.contracts.records import Feedback, Interactions, Sample, Split, Synthesis
from recbench.engine.devices import setting_up
from recbench.engine.draws import grid_sides
from recbench.engine.matrix import CoordinateMatrix, DenseMatrix, SliceBound
from recbench.engine.parallel import place_runs, place_shared

Leaf = Any  # a NumPy array until the batch is placed, an array of the device from then on
Made = TypeVar("Made")


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["user", "item", "value", "event_item", "event_value", "tie_break"],
    meta_fields=["num_users", "num_items", "binary", "bound", "search_steps"],
)
@dataclass(frozen=True, slots=True)
class SplitArrays:
    """The rows of a split on the device, shared by every run."""

    user: Leaf  # int32 [train]
    item: Leaf  # int32 [train]
    value: Leaf  # float32 [train]: the rating for explicit feedback, else 1
    event_item: Leaf  # int32 [train + validation], in canonical order: what histories index
    event_value: Leaf  # float32 [train + validation]
    tie_break: Leaf  # int32 [num_items], a seeded permutation: of two items with equal scores the lower stands first
    num_users: int
    num_items: int
    binary: bool  # whether all values are 1
    bound: SliceBound
    search_steps: int  # binary-search steps that the longest train history needs


class DeviceSplit:
    """A split with its device arrays and what every run on it shares."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.cache: dict[Any, Any] = {}  # blocks, masks and histories that all runs share
        degrees = np.bincount(split.train.user, minlength=split.num_users)
        value = split.train.rating if split.feedback == "explicit" else np.ones(len(split.train), np.float32)
        self.train_event, self.validation_event = _event_numbers(split)
        number = np.concatenate([self.train_event, self.validation_event])
        self.event_user = _scatter(number, np.concatenate([split.train.user, split.validation.user]))
        event_item = _scatter(number, np.concatenate([split.train.item, split.validation.item]))
        event_value = np.ones(len(number), np.float32)
        if split.feedback == "explicit":
            event_value = _scatter(number, np.concatenate([split.train.rating, split.validation.rating]))
        order = rng.generator(**split.axes, what="tie-break").permutation(split.num_items)
        self.arrays: SplitArrays = place_shared(
            SplitArrays(
                user=split.train.user,
                item=split.train.item,
                value=value,
                event_item=event_item,
                event_value=event_value,
                tie_break=order.astype(np.int32),
                num_users=split.num_users,
                num_items=split.num_items,
                binary=split.feedback != "explicit",
                bound=SliceBound(degrees),
                search_steps=int(degrees.max(initial=1)).bit_length(),
            )
        )

    def once(self, key: tuple[Any, ...], make: Callable[[], Made]) -> Made:
        """What ``make`` gives, made at the first call with the key and kept with the split; no run's time."""
        if key not in self.cache:
            with setting_up():
                self.cache[key] = make()
        made: Made = self.cache[key]
        return made

    def latest(self, key: tuple[Any, ...], samples: Sequence[Sample | Synthesis], make: Callable[[], Made]) -> Made:
        """What ``make`` gives for these very samples, kept until others come: a batch asks at every validation."""
        known, made = self.cache.get(key, ((), None))
        if len(known) != len(samples) or any(one is not other for one, other in zip(known, samples, strict=True)):
            made = make()
            self.cache[key] = tuple(samples), made
        same: Made = made
        return same

    @property
    def feedback(self) -> Feedback:
        return self.split.feedback

    @cached_property
    def by_item(self) -> NDArray[np.int64]:
        """Row numbers of train ordered by (user, item)."""
        return np.argsort(self.split.train.pairs(), kind="stable")


@jax.tree_util.register_dataclass
@dataclass(frozen=True, slots=True)
class Replica:
    """One run on a sample of the rows; stacked, every field gains a leading axis of runs."""

    rows: Leaf  # int32 [train], the kept row numbers, then padding
    size: Leaf  # int32, how many are kept
    starts: Leaf  # int32 [num_users + 1], where each user's kept rows begin
    users: Leaf  # int32 [num_users], users with a kept row, then padding
    num_active: Leaf  # int32, how many those are
    thresholds: Leaf  # int32 [train], see engine.draws.unobserved; [0] where no batch needs negatives
    free_starts: Leaf  # int32 [num_users + 1]
    seen_users: Leaf  # bool [num_users]
    seen_items: Leaf  # bool [num_items]
    mean_rating: Leaf  # float32
    row_grid: Leaf  # uint32 [2], sides of the grid that permutes rows
    user_grid: Leaf  # uint32 [2], the same for users
    key: Leaf  # uint32 [2], raw data of the run's key
    hyper: Mapping[str, Leaf]  # float32, the traced hyper-parameters

    def matrix(self, data: SplitArrays) -> CoordinateMatrix:
        """The kept rows as a matrix."""
        real = jnp.arange(self.rows.shape[0]) < self.size
        return CoordinateMatrix(
            user=jnp.where(real, data.user[self.rows], data.num_users),
            item=jnp.where(real, data.item[self.rows], 0),
            value=jnp.where(real, data.value[self.rows], 0),
            mask=real,
            starts=self.starts,
            num_users=data.num_users,
            num_items=data.num_items,
            bound=data.bound,
        )


@jax.tree_util.register_dataclass
@dataclass(frozen=True, slots=True)
class DenseReplica:
    """One run on fake users."""

    dense: Leaf  # float32 [fake_users, num_items]
    users: Leaf  # int32 [fake_users], row numbers
    num_active: Leaf  # int32
    seen_users: Leaf  # bool [num_users], all False: no real user was trained on
    seen_items: Leaf  # bool [num_items]
    mean_rating: Leaf  # float32
    user_grid: Leaf  # uint32 [2]
    key: Leaf  # uint32 [2]
    hyper: Mapping[str, Leaf]

    def matrix(self, data: SplitArrays) -> DenseMatrix:
        """The fake rows as a matrix."""
        return DenseMatrix(self.dense)


AnyReplica = Replica | DenseReplica


def place_split(split: Split) -> DeviceSplit:
    """Puts the rows of a split on the default device, once for all runs."""
    return DeviceSplit(split)


def stack_replicas(
    data: DeviceSplit,
    samples: Sequence[Sample | Synthesis],
    *,
    keys: Sequence[NDArray[np.uint32]],
    hyper: Sequence[Mapping[str, float]],
    negatives: bool,
) -> AnyReplica:
    """Many runs as one batch: every field of a replica with a leading axis of runs, on the device.

    Args:
      data: the split.
      samples: one a run, all rows or all fake users.
      keys: raw key data of each run, uint32 [2].
      hyper: traced hyper-parameters of each run; all with the same names.
      negatives: whether batches will need unobserved items.
    """
    replicas: list[AnyReplica] = [
        _dense_replica(data, sample, key=key, hyper=values)
        if isinstance(sample, Synthesis)
        else _replica(data, sample, key=key, hyper=values, negatives=negatives)
        for sample, key, values in zip(samples, keys, hyper, strict=True)
    ]
    if isinstance(replicas[0], DenseReplica):
        width = max(replica.users.shape[0] for replica in replicas)
        replicas = [_pad_dense(replica, width) for replica in replicas if isinstance(replica, DenseReplica)]
    stacked: AnyReplica = place_runs(jax.tree.map(lambda *leaves: np.stack(leaves), *replicas))
    return stacked


def _replica(
    data: DeviceSplit,
    sample: Sample,
    *,
    key: NDArray[np.uint32],
    hyper: Mapping[str, float],
    negatives: bool,
) -> Replica:
    train = data.split.train
    rows, n = sample.rows, len(train)
    degrees = np.bincount(train.user[rows], minlength=train.num_users)
    active = np.flatnonzero(degrees)
    thresholds, free_starts = _thresholds(data, rows) if negatives else (np.zeros(0, np.int32), _starts(degrees * 0))
    ratings = train.rating[rows] if data.feedback == "explicit" else np.ones(1, np.float32)
    return Replica(
        rows=_padded(rows, n),
        size=np.int32(len(rows)),
        starts=_starts(degrees),
        users=_padded(active, train.num_users),
        num_active=np.int32(len(active)),
        thresholds=thresholds,
        free_starts=free_starts,
        seen_users=degrees > 0,
        seen_items=np.bincount(train.item[rows], minlength=train.num_items) > 0,
        mean_rating=np.float32(ratings.mean(dtype=np.float64)),
        row_grid=np.array(grid_sides(len(rows)), np.uint32),
        user_grid=np.array(grid_sides(len(active)), np.uint32),
        key=key,
        hyper={name: np.float32(value) for name, value in hyper.items()},
    )


def _dense_replica(
    data: DeviceSplit, synthesis: Synthesis, *, key: NDArray[np.uint32], hyper: Mapping[str, float]
) -> DenseReplica:
    fake = len(synthesis.rows)
    return DenseReplica(
        dense=synthesis.rows,
        users=np.arange(fake, dtype=np.int32),
        num_active=np.int32(fake),
        seen_users=np.zeros(data.split.num_users, bool),
        seen_items=(synthesis.rows > 0).any(0),
        mean_rating=np.float32(1),
        user_grid=np.array(grid_sides(fake), np.uint32),
        key=key,
        hyper={name: np.float32(value) for name, value in hyper.items()},
    )


def _pad_dense(replica: DenseReplica, width: int) -> DenseReplica:
    missing = width - replica.users.shape[0]
    return DenseReplica(
        dense=np.pad(replica.dense, ((0, missing), (0, 0))),
        users=_padded(replica.users, width),
        num_active=replica.num_active,
        seen_users=replica.seen_users,
        seen_items=replica.seen_items,
        mean_rating=replica.mean_rating,
        user_grid=replica.user_grid,
        key=replica.key,
        hyper=replica.hyper,
    )


def _thresholds(data: DeviceSplit, rows: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Per user the distinct kept items in increasing order, each minus its rank; and where each user begins."""
    train = data.split.train
    kept = np.zeros(len(train), bool)
    kept[rows] = True
    order = data.by_item[kept[data.by_item]]
    user, item = train.user[order], train.item[order]
    first = np.ones(len(order), bool)
    first[1:] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
    user, item = user[first], item[first]
    starts = _starts(np.bincount(user, minlength=train.num_users))
    return _padded(item - (np.arange(len(item)) - starts[user]), len(train)), starts


def _event_numbers(split: Split) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of each train and validation row among both together, in canonical order."""
    position = np.concatenate([split.train_position, split.validation_position])
    number = np.empty(len(position), np.int64)
    number[np.argsort(position, kind="stable")] = np.arange(len(position))
    return number[: len(split.train)], number[len(split.train) :]


def _scatter(index: NDArray[np.int64], values: NDArray[Any]) -> NDArray[Any]:
    column = np.empty_like(values)
    column[index] = values
    return column


def _starts(degrees: NDArray[np.int64]) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(degrees)]).astype(np.int32)


def _padded(values: NDArray[Any], length: int) -> NDArray[np.int32]:
    padded = np.zeros(length, np.int32)
    padded[: len(values)] = values
    return padded


def history_arrays(
    data: DeviceSplit, rows: NDArray[np.int64] | None, *, with_validation: bool
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Which events a user's history holds: event numbers in canonical order [events], starts [num_users + 1].

    Args:
      data: the split.
      rows: kept train rows; None for all.
      with_validation: whether the validation rows are part of it.
    """
    chosen = np.zeros(len(data.event_user), bool)
    chosen[data.train_event if rows is None else data.train_event[rows]] = True
    if with_validation:
        chosen[data.validation_event] = True
    events = np.flatnonzero(chosen)
    starts = _starts(np.bincount(data.event_user[events], minlength=data.split.num_users))
    return _padded(events, len(data.event_user)), starts


def clean_train(split: Split) -> Interactions:
    """Train as it was before noise: what masks, and the negatives of AUC, are taken from."""
    train = split.train
    if split.clean_item is None:
        return train
    return Interactions(train.user, split.clean_item, train.rating, train.timestamp, train.num_users, train.num_items)

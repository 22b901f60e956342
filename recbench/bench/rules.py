"""The contract of samplers, rule by rule: every refusal names the sampler and the rule it broke."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbench.bench.order import unit_members, wanted
from recbench.contracts.errors import ContractError
from recbench.contracts.records import Budget, Interactions, Sample, Split, Synthesis, Unit

RULES = {
    "order-numbers": "an order is an array of real numbers",
    "order-length": "an order has one value a train row",
    "order-finite": "an order is finite as float32",
    "synthesis-form": "a synthesis is float32 [fake users, items]",
    "synthesis-values": "a synthesis is finite and not negative",
    "budget": "what is kept or made lies within one unit of the budget",
    "rows-of-train": "a sample names rows of the train set, and no others",
    "rows-sorted": "a sample names each row once, in increasing order",
    "input-untouched": "what a sampler is given is not changed",
    "repeatable": "two calls with one seed return the same",
    "no-circle": "a sampler is not made of itself",
}


def broken(sampler: str, rule: str, found: str) -> ContractError:
    """The error for a sampler that broke a rule of its contract.

    >>> print(broken("mine", "repeatable", "two calls differed"))
    the sampler 'mine' broke the rule 'repeatable' (two calls with one seed return the same): two calls differed
    """
    return ContractError(f"the sampler {sampler!r} broke the rule {rule!r} ({RULES[rule]}): {found}", rule=rule)


def checked_order(scores: Any, *, length: int, sampler: str) -> NDArray[np.float32]:
    """What an order sampler returned, as float32 [length].

    Raises:
      ContractError: rules order-numbers, order-length, order-finite.
    """
    try:
        array = np.asarray(scores)
    except Exception as error:
        raise broken(sampler, "order-numbers", f"it returned a {type(scores).__name__}") from error
    if array.dtype.kind not in "fiub":
        raise broken(sampler, "order-numbers", f"it returned {type(scores).__name__} with values of type {array.dtype}")
    if array.shape != (length,):
        raise broken(sampler, "order-length", f"it returned shape {array.shape} for {length} train rows")
    with np.errstate(over="ignore"):
        order = array.astype(np.float32)
    if finite := length - int(np.isfinite(order).sum()):
        raise broken(sampler, "order-finite", f"{finite} of its {length} values are not")
    return order


def checked_rows(rows: Any, train: Interactions, unit: Unit, budget: Budget, *, sampler: str) -> NDArray[np.int64]:
    """What a selector returned, as read-only int64 [k].

    Raises:
      ContractError: rules rows-of-train, rows-sorted, budget.
    """
    try:
        array = np.asarray(rows)
    except Exception as error:
        raise broken(sampler, "rows-of-train", f"it returned a {type(rows).__name__}") from error
    if array.dtype.kind not in "iu" or array.ndim != 1:
        found = f"it returned {type(rows).__name__} with values of type {array.dtype} and shape {array.shape}"
        raise broken(sampler, "rows-of-train", f"{found}, where row numbers are expected")
    _check_rows(array, len(train), sampler)
    _check_amount(array, train, unit, budget, sampler)
    kept: NDArray[np.int64] = array.astype(np.int64)
    kept.flags.writeable = False  # it is kept for all who ask, other samplers among them
    return kept


def checked_synthesis(result: Any, split: Split, budget: Budget, *, sampler: str) -> Synthesis:
    """What a synthesiser returned.

    Raises:
      ContractError: rules synthesis-form, synthesis-values, budget.
    """
    if not isinstance(result, Synthesis):
        raise broken(sampler, "synthesis-form", f"it returned a {type(result).__name__}, not a Synthesis")
    rows = np.asarray(result.rows)
    if rows.ndim != 2 or rows.shape[1] != split.num_items or rows.dtype != np.float32:
        found = f"its rows are {rows.dtype} of shape {rows.shape}, for {split.num_items} items"
        raise broken(sampler, "synthesis-form", found)
    if not (np.isfinite(rows).all() and (rows >= 0).all()):
        raise broken(sampler, "synthesis-values", "some of its values are not")
    target = wanted(split.train, budget)
    if not (len(rows) and abs(len(rows) - target) < 1):
        raise broken(sampler, "budget", f"it made {len(rows)} fake users where {target:g} were asked for")
    return replace(result, rows=_view(rows))


def check_sample(split: Split, sample: Sample) -> None:
    """Checks the rows of a sample that was made elsewhere.

    Raises:
      ContractError: rules rows-of-train, rows-sorted.
    """
    rows = sample.rows
    if rows.dtype != np.int64 or rows.ndim != 1:
        raise broken(sample.sampler, "rows-of-train", f"its row numbers are {rows.dtype} of shape {rows.shape}")
    _check_rows(rows, len(split.train), sample.sampler)


def read_only(train: Interactions) -> Interactions:
    """The same rows through views that cannot be written to."""
    user, item, rating = (_view(array) for array in (train.user, train.item, train.rating))
    timestamp = None if train.timestamp is None else _view(train.timestamp)
    return Interactions(user, item, rating, timestamp, train.num_users, train.num_items)


def fingerprint(*parts: Interactions) -> str:
    """Hash of all columns: tells whether a plugin found a way to write into them."""
    total = hashlib.sha256()
    for part in parts:
        for array in (part.user, part.item, part.rating, part.timestamp):
            if array is not None:
                total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def _check_rows(rows: NDArray[Any], length: int, sampler: str) -> None:
    if not ((rows >= 0) & (rows < length)).all():
        raise broken(sampler, "rows-of-train", f"some of its row numbers are not from 0 to {length - 1}")
    if not (rows[1:] > rows[:-1]).all():  # not by their difference, which wraps around where they have no sign
        raise broken(sampler, "rows-sorted", "its row numbers are not increasing, or one of them repeats")


def _check_amount(rows: NDArray[Any], train: Interactions, unit: Unit, budget: Budget, sampler: str) -> None:
    """Kept rows against a budget of rows, kept users against one of users; a unit of rows is the largest there is."""
    if budget.of in ("users", "user-share"):
        kept, what, one = len(np.unique(train.user[rows])), "users", 1
    else:
        kept, what = len(rows), "rows"
        one = 1 if unit == "interaction" else int(np.bincount(unit_members(train, unit)[0]).max())
    target = wanted(train, budget)
    if not kept or abs(kept - target) > one:
        raise broken(sampler, "budget", f"it kept {kept} {what} where {target:g} were asked for, unit={unit}")


def _view(array: Any) -> Any:
    view = array.view()
    view.flags.writeable = False
    return view

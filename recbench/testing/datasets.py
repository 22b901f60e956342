"""The checks of a data set: it is loaded twice, and everything that a log promises is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import numpy as np

from recbench.contracts.errors import ContractError, DataError, RecbenchError
from recbench.contracts.records import Dataset, Feedback
from recbench.contracts.specs import DatasetSpec
from recbench.data.arrays import arrays_dataset
from recbench.data.readers import load_dataset
from recbench.data.split import make_split
from recbench.registry import Registered, Registry, default
from recbench.registry.entries import short_reason
from recbench.testing.checks import Check, Untried
from recbench.testing.rules import DATASET_RULES, broken_by

_COLUMNS = {"user": np.int32, "item": np.int32, "rating": np.float32, "timestamp": np.int64}
_COUNTS = ("users", "items", "rows")


def dataset_checks(dataset: str, *, registry: Registry | None = None) -> list[Check]:
    """The checks of a data set, as it is registered; it is loaded twice.

    Raises:
      UnknownNameError: no plugin registered it.
    """
    spec: DatasetSpec = (registry or default()).get("datasets", dataset).spec
    stated = any(getattr(spec, what) is not None for what in _COUNTS)
    return [
        Check("datasets", dataset, "", rule, meaning, partial(_tried, rule, dataset, registry))
        for rule, meaning in DATASET_RULES.items()
        if rule != "counts" or stated
    ]


@dataclass(eq=False)
class DatasetTrial:
    """A data set, loaded when it is first looked at."""

    name: str
    entry: Registered
    registry: Registry

    def load(self) -> Dataset:
        """The data set, loaded anew; without the network unless its spec says that it needs it."""
        return load_dataset(self.name, offline=not self.entry.spec.needs_network, registry=self.registry)

    @cached_property
    def first(self) -> Dataset | Exception:
        try:
            return self.load()
        except Exception as error:
            return error

    @property
    def data(self) -> Dataset:
        """What was loaded first.

        Raises:
          Untried: it does not load.
        """
        if isinstance(self.first, Exception):
            raise Untried("not tried, because 'reads' is broken")
        return self.first

    def fail(self, rule: str, found: str) -> ContractError:
        return broken_by("datasets", self.name, rule, DATASET_RULES[rule], found)


def _tried(rule: str, dataset: str, registry: Registry | None) -> None:
    known = registry or default()
    trial = _trial(dataset, known.get("datasets", dataset), known)
    if found := _CHECKS[rule](trial):
        raise trial.fail(rule, found)


@lru_cache(maxsize=1)
def _trial(name: str, entry: Registered, registry: Registry) -> DatasetTrial:
    return DatasetTrial(name, entry, registry)


# --- one rule each: what was found, or nothing ------------------------------------------------------------------------


def _reads(trial: DatasetTrial) -> str:
    if isinstance(trial.first, Exception):
        return str(trial.first) if isinstance(trial.first, RecbenchError) else f"it raised {short_reason(trial.first)}"
    own = trial.entry.spec.name
    return "" if trial.first.name == own else f"it calls itself {trial.first.name!r}"


def _columns(trial: DatasetTrial) -> str:
    return next(_wrong_columns(trial.data), "")


def _wrong_columns(data: Dataset) -> Iterator[str]:
    rows = data.interactions
    if not len(rows):
        yield "there are no rows"
    for name, dtype in _COLUMNS.items():
        column = getattr(rows, name)
        if column is None and name == "timestamp":
            continue
        if not isinstance(column, np.ndarray) or column.dtype != dtype or column.shape != (len(rows),):
            kind, shape = getattr(column, "dtype", type(column).__name__), getattr(column, "shape", "unknown")
            yield f"{name} is {kind} of shape {shape}, where {np.dtype(dtype)} of shape ({len(rows)},) is expected"
            return
    for name, numbers, count in (("user", rows.user, rows.num_users), ("item", rows.item, rows.num_items)):
        if numbers.min() < 0 or numbers.max() >= count:
            yield f"{name} has numbers from {numbers.min()} to {numbers.max()}, where 0 to {count - 1} are expected"
    if not np.isfinite(rows.rating).all():
        yield f"{int((~np.isfinite(rows.rating)).sum())} ratings are not finite"
    if not data.has_ratings and (rows.rating != 1).any():
        yield "has_ratings is False, where ratings other than 1 stand"


def _ids(trial: DatasetTrial) -> str:
    data, rows = trial.data, trial.data.interactions
    for what, ids, numbers, count in (
        ("users", data.user_ids, rows.user, rows.num_users),
        ("items", data.item_ids, rows.item, rows.num_items),
    ):
        if len(ids) != count:
            return f"there are {len(ids)} ids for {count} {what}"
        if any(not one < other for one, other in zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True)):
            return f"ids of {what} are not sorted, or one of them repeats"
        if unused := count - len(np.unique(numbers)):
            return f"{unused} of {count} {what} have no row"
    return ""


def _canonical(trial: DatasetTrial) -> str:
    data, rows = trial.data, trial.data.interactions
    anew = arrays_dataset(
        rows.user, rows.item, rows.rating if data.has_ratings else None, rows.timestamp,
        name=data.name, provenance=data.provenance, user_ids=data.user_ids, item_ids=data.item_ids,
        given_split=data.given_split,
    )  # fmt: skip
    hint = "make it by recbench.frame_dataset or recbench.arrays_dataset"
    for name in _COLUMNS:
        if not np.array_equal(getattr(rows, name), getattr(anew.interactions, name)):
            return f"{name} stands in another order: {hint}"
    if data.checksum != anew.checksum:
        return f"the checksum is {data.checksum[:12]}..., where {anew.checksum[:12]}... is expected: {hint}"
    if data.tied_times != anew.tied_times:
        return f"tied_times is {data.tied_times:g}, where {anew.tied_times:g} is expected: {hint}"
    return ""


def _counts(trial: DatasetTrial) -> str:
    rows, spec = trial.data.interactions, trial.entry.spec
    there = {"users": rows.num_users, "items": rows.num_items, "rows": len(rows)}
    wrong = [what for what in _COUNTS if getattr(spec, what) not in (None, there[what])]
    return "; ".join(f"{there[what]:,} {what}, where the spec says {getattr(spec, what):,}" for what in wrong)


def _repeatable(trial: DatasetTrial) -> str:
    one, other = trial.data.checksum, trial.load().checksum
    return "" if one == other else f"the checksums are {one[:12]}... and {other[:12]}..."


def _splits(trial: DatasetTrial) -> str:
    for feedback, protocol in _possible_splits(trial.data):
        named = f"{feedback} feedback, {protocol or 'its default split'}"
        try:
            split = make_split(trial.data, feedback=feedback, protocol=protocol)
        except DataError as error:
            return f"{named}: {error}"
        if not (len(split.train) and len(split.test)):
            return f"{named}: {len(split.train)} rows are left to train on, and {len(split.test)} to test on"
    return ""


def _possible_splits(data: Dataset) -> Iterator[tuple[Feedback, str | None]]:
    if data.has_ratings:
        yield "explicit", None
    yield from (("implicit", None), ("sequential", None))
    if data.given_split is not None:
        yield "implicit", "given"
    if data.interactions.timestamp is not None and len(np.unique(data.interactions.timestamp)) > 2:
        yield "implicit", "global-time"


_CHECKS: dict[str, Callable[[DatasetTrial], str]] = {
    "reads": _reads,
    "columns": _columns,
    "ids": _ids,
    "canonical": _canonical,
    "counts": _counts,
    "repeatable": _repeatable,
    "splits": _splits,
}

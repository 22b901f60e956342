"""The nouns of the path of the data: frozen records, with shape and unit on every field.

This module imports neither JAX, Flax, Polars nor pydantic, so that a plugin can be registered without them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from recbench.contracts.errors import ParameterError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Feedback = Literal["explicit", "implicit", "sequential"]
Unit = Literal["interaction", "user", "item"]
Status = Literal["ok", "skipped", "failed", "diverged", "timeout"]
ParameterValue = bool | int | float | str

FEEDBACK_TYPES: tuple[Feedback, ...] = ("explicit", "implicit", "sequential")
UNITS: tuple[Unit, ...] = ("interaction", "user", "item")
STATUSES: tuple[Status, ...] = ("ok", "skipped", "failed", "diverged", "timeout")


@dataclass(frozen=True, slots=True)
class Interactions:
    """Rows of an interaction log, in canonical order: by user, then time, then a seeded permutation of the items."""

    user: NDArray[np.int32]  # [n], 0 <= user < num_users, non-decreasing
    item: NDArray[np.int32]  # [n], 0 <= item < num_items
    rating: NDArray[np.float32]  # [n], finite; 1 where the log has no ratings
    timestamp: NDArray[np.int64] | None  # [n], seconds or positions, non-decreasing within a user; None: no times
    num_users: int
    num_items: int

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Interactions:
        """The given rows (numbers or a mask), with the same users and items."""
        timestamp = None if self.timestamp is None else self.timestamp[rows]
        return Interactions(
            self.user[rows], self.item[rows], self.rating[rows], timestamp, self.num_users, self.num_items
        )

    def pairs(self) -> NDArray[np.int64]:
        """Each row's user and item as one number, user * num_items + item, int64 [n]."""
        import numpy as np  # registering does without it

        return self.user * np.int64(self.num_items) + self.item


def distinct_pairs(*parts: Interactions) -> NDArray[np.int64]:
    """The :meth:`~Interactions.pairs` of some parts with the same users and items, each once, sorted."""
    import numpy as np

    # With counts, NumPy sorts; without, it fills a hash table, which takes tens of times as long on millions of pairs.
    return np.unique(np.concatenate([part.pairs() for part in parts]), return_counts=True)[0]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a data set comes from."""

    source: str  # a path, an address, or the name of a generator
    licence: str = "not stated"
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """An interaction log with the ids its users know. Users and items are numbered by sorted original id."""

    name: str
    interactions: Interactions
    user_ids: NDArray[np.generic]  # [num_users], int64 or object (str), sorted: the original id of each user
    item_ids: NDArray[np.generic]  # [num_items], likewise
    given_split: NDArray[np.int8] | None  # [n], 0 train, 1 validation, 2 test, -1 none; None: the log has no split
    checksum: str  # sha256 of ids, rows and split: equal data have equal checksums wherever they were read from
    provenance: Provenance
    has_ratings: bool  # False: every rating is 1 because the log has none
    tied_times: float  # share of rows that share user and time with another row; 0 without times


@dataclass(frozen=True, slots=True)
class Split:
    """Train, validation and test rows, fixed for every sampler. Only train is ever sampled.

    Users and items are those of the three parts together, numbered anew by sorted original id.
    """

    dataset: str
    checksum: str  # of the data set
    feedback: Feedback
    protocol: str  # per-user, leave-two-out, given, global-time
    seed: int
    train: Interactions
    validation: Interactions
    test: Interactions
    train_position: NDArray[np.int64]  # [len(train)], increasing: place of each row in the canonical order of all parts
    validation_position: NDArray[np.int64]  # [len(validation)], likewise: merges histories in order of time
    user_ids: NDArray[np.generic]  # [num_users] original ids
    item_ids: NDArray[np.generic]  # [num_items] original ids
    tied_times: float  # share of rows that share user and time with another row
    noise: float = 0.0  # share of train rows whose item was replaced at random
    noise_seed: int = 0
    clean_item: NDArray[np.int32] | None = None  # [len(train)], items before the noise; None: no noise

    @property
    def num_users(self) -> int:
        return self.train.num_users

    @property
    def num_items(self) -> int:
        return self.train.num_items

    @property
    def axes(self) -> dict[str, ParameterValue]:
        """The named axes that every random choice made on this split hashes.

        Noise is not among them: runs with and without it are compared pairwise, on the same draws.
        """
        return {
            "data": self.checksum,
            "feedback": self.feedback,
            "split": self.protocol,
            "split_seed": self.seed,
        }


_BUDGET = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*(%?)\s*(rows|users)?\s*")
_BUDGET_UNITS = {"share": "as a share", "rows": "rows", "user-share": "as a share of users", "users": "users"}


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a sampler may keep: an amount and what it counts.

    ``10%`` and ``0.1`` are shares of the interactions, ``1000rows`` is a number of rows, ``5%users`` a share of the
    users and ``500users`` a number of them (fake users, for a synthesiser).
    """

    amount: float  # in (0, 1] for a share, a whole number from 1 for rows and users
    of: Literal["share", "rows", "user-share", "users"] = "share"

    def __post_init__(self) -> None:
        share = self.of in ("share", "user-share")
        if not (0 < self.amount <= 1 if share else self.amount >= 1 and self.amount == int(self.amount)):
            wanted = "a share is above 0 and at most 1 (100%); a number of rows is written 10rows, of users 10users"
            raise ParameterError(
                f"a budget of {self.amount:g} {_BUDGET_UNITS[self.of]} was given, but "
                + (wanted if share else "a whole number from 1 is needed")
            )

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Reads ``10%``, ``0.1``, ``1000rows``, ``5%users`` or ``500users``."""
        found = _BUDGET.fullmatch(text)
        if found is None:
            raise ParameterError(
                f"the budget {text!r} was not understood: write a share (10% or 0.1), rows (1000rows) "
                "or users (5%users, 500users)"
            )
        number, percent, unit = float(found[1]), found[2], found[3]
        if percent:
            number /= 100
        if unit is None:
            return cls(number, "share")
        if unit == "rows":
            if percent:
                return cls(number, "share")
            return cls(number, "rows")
        return cls(number, "user-share" if percent or 0 < number < 1 else "users")

    @property
    def largest_first(self) -> tuple[str, float]:
        """Orders budgets that count the same from large to small."""
        return self.of, -self.amount

    def __str__(self) -> str:
        match self.of:
            case "share":
                return f"{self.amount * 100:.10g}%"
            case "user-share":
                return f"{self.amount * 100:.10g}%users"
            case _:
                return f"{int(self.amount)}{self.of}"


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of train that a sampler kept."""

    rows: NDArray[np.int64]  # [k], row numbers into train, sorted and unique
    sampler: str  # canonical label, as in svp-cf[proxy=bias-only,unit=user]; "full" for all rows
    budget: Budget
    seed: int
    taken: str = ""  # of a sampler that took another's sample as it was: the label of that one

    @property
    def digest(self) -> str:
        """sha256 of the row numbers as little-endian int64."""
        return hashlib.sha256(self.rows.astype("<i8").tobytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Fake users that stand in for the real ones."""

    rows: NDArray[np.float32]  # [fake_users, num_items], non-negative
    sampler: str
    budget: Budget
    seed: int
    facts: Mapping[str, ParameterValue] = field(default_factory=dict)  # what else its sampler says: how well it did

    @property
    def digest(self) -> str:
        """sha256 of the rows as little-endian float32."""
        return hashlib.sha256(self.rows.astype("<f4").tobytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took."""

    seconds: float  # this run's own steps and scoring, on one core of a CPU; compilation and padding apart
    compile_seconds: float  # its share of the compilations its group caused
    samples_processed: int  # interactions (entries above zero of fake users) trained on, times epochs (1 if solved)
    epochs: int  # epochs trained, over all stages; 0 for solved algorithms
    sampler_seconds: float = 0.0  # drawing the sample, its proxy included


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is left of the train set in a sample, and how far it leans."""

    rows: int
    users: int
    items: int
    cold_test_users: float  # share of test users without a kept row
    cold_test_items: float  # share of test items (distinct) without a kept row
    popularity_shift: float = 0.0  # how much more popular, counted in train, a kept row's item is than a train row's
    time_span: float | None = None  # from the first kept row to the last, as a share of train's; None: no times


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of one cell: what the store keeps as rows."""

    cell: Mapping[str, ParameterValue | None]  # all that can change the run's value; see bench.plan.cell_id
    status: Status
    reason: str  # empty when ok
    metrics: Mapping[str, float] = field(default_factory=dict)  # test metrics at full precision
    replicates: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)  # [200] each, paired between runs
    validation: float | None = None  # the select metric on the validation rows
    cost: Cost | None = None
    coverage: Coverage | None = None
    sample_digest: str = ""
    sample_sketch: bytes | None = None  # some of the kept rows, little-endian uint32; see bench.sketch


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one sampler at one budget keeps the ranking of the algorithms."""

    dataset: str
    feedback: Feedback
    metric: str
    sampler: str
    budget: str
    num_algorithms: int  # over how many algorithms tau is taken
    tau: float | None  # Kendall's tau-b, mean over seed pairs; None: a side is constant or cells are missing
    tau_low: float | None  # 2.5 % of the bootstrap replicates; noise pulls tau down, so the interval sits low
    tau_high: float | None  # 97.5 %
    ceiling: float | None  # the same statistic between full-data runs of different training seeds
    num_deterministic: int  # algorithms without a seed: they lift the ceiling
    share_of_ceiling: float | None  # tau / ceiling where the ceiling is positive
    regret: float | None  # full-data loss in the metric from picking the sample's winner, in units of the metric
    pair_accuracy: float | None  # on the pairs of algorithms that differ significantly on full data
    significant_pairs: int
    samples_share: float | None  # samples processed, against full data
    speedup: float | None  # seconds on full data / seconds on the sample, proxy included
    reason: str = ""  # why tau is missing, or else the ceiling
    noise: float = 0.0  # share of train rows whose item was replaced at random, of the full data too

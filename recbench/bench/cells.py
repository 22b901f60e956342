"""Cells: the named axes that fix a run's value, and the id that is hashed from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from recbench.contracts.records import Budget, ParameterValue
from recbench.rng import digest

PROTOCOL_VERSION = 4
"""Raised whenever recbench's own code changes the value of a run; it stands in for a hash of the built-ins' source."""

Axes = Mapping[str, ParameterValue | None]

AXES: Mapping[str, type] = {
    "data": str,  # checksum of the data set
    "feedback": str,
    "split": str,
    "split_seed": int,
    "noise": float,
    "noise_seed": int,
    "mask": str,
    "history": str,
    "tuning": str,
    "select": str,
    "metric_code": str,  # hash of the sources of plugins' metrics, the selecting one among them; empty for built-ins
    "max_epochs": int,
    "validate_every": int,
    "patience": int,
    "sampler": str,  # canonical label; "full" for all rows
    "unit": str,
    "budget": str,
    "sample_seed": int,
    "sampler_code": str,  # hash of the plugin's source; empty for built-ins
    "algorithm": str,  # canonical label, without the hyper-parameters of the grid
    "algorithm_code": str,
    "hyper": str,  # all hyper-parameters as JSON with sorted names
    "training_seed": int,
    "protocol": int,
}
"""Every axis of a cell and its type: all that can change a run's value, and nothing else."""


def cell_id(axes: Axes) -> str:
    """The name of a cell: 32 hexadecimal digits of the sha256 of its axes."""
    return digest(axes)[:32]


def hyper_text(hyper: Mapping[str, ParameterValue]) -> str:
    """Hyper-parameters as they stand in a cell.

    >>> hyper_text({"l2": 0.5, "latent": 8})
    '{"l2":0.5,"latent":8}'
    """
    return json.dumps(dict(hyper), sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class Cell:
    """One run to be made: its axes, complete."""

    axes: Axes

    @cached_property
    def id(self) -> str:
        return cell_id(self.axes)

    @cached_property
    def hyper(self) -> dict[str, ParameterValue]:
        values: dict[str, ParameterValue] = json.loads(str(self.axes["hyper"]))
        return values

    def with_seed(self, training_seed: int) -> Cell:
        """The same run with another training seed."""
        return Cell({**self.axes, "training_seed": training_seed})

    @property
    def sampler(self) -> str:
        return str(self.axes["sampler"])

    @property
    def algorithm(self) -> str:
        return str(self.axes["algorithm"])

    @property
    def budget(self) -> Budget:
        return Budget.parse(str(self.axes["budget"]))

    @property
    def sample_seed(self) -> int:
        return _whole(self.axes["sample_seed"])

    @property
    def training_seed(self) -> int:
        return _whole(self.axes["training_seed"])


def _whole(value: ParameterValue | None) -> int:
    assert isinstance(value, int)
    return value

"""Specs: what a plugin says about itself before anything of it is loaded.

A spec is metadata plus ``load``, the implementation itself or its import path ``package.module:name``. With a path,
listing the plugin imports nothing of what it needs to run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from recbench.contracts.records import FEEDBACK_TYPES, Feedback, ParameterValue, Unit

INTERFACE_VERSION = 1
"""The version of the plugin interface that this release offers; a spec names the one it was written for."""

Load = Callable[..., Any] | str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a sampler or a hyper-parameter of an algorithm."""

    name: str
    default: ParameterValue
    doc: str
    choices: tuple[ParameterValue, ...] = ()  # empty: any value of the default's type
    traced: bool = False  # algorithms: changes no array shape, so a grid over it shares one program
    minimum: float | None = None  # numbers: the smallest value allowed
    maximum: float | None = None  # numbers: the largest value allowed


@dataclass(frozen=True, slots=True)
class Spec:
    """What every kind of plugin says."""

    name: str  # lower-case words joined by hyphens; unique in its kind
    load: Load
    summary: str  # one sentence
    source: str = ""  # paper and section, or project
    interface: int = INTERFACE_VERSION


@dataclass(frozen=True, slots=True)
class DatasetSpec(Spec):
    """A data set; ``load(**parameters)`` returns a :class:`~recbench.contracts.records.Dataset`.

    With parameters it is a family, as ``synthetic[users=500]``: the data set is then called by its label.
    """

    parameters: tuple[Parameter, ...] = ()
    licence: str = "not stated"
    users: int | None = None
    items: int | None = None
    rows: int | None = None
    needs_network: bool = False


@dataclass(frozen=True, slots=True)
class SamplerSpec(Spec):
    """A sampler; ``load`` is an order function, a selector or a synthesiser, as ``form`` says (see protocols)."""

    form: Literal["order", "select", "synthesise"] = "order"
    units: tuple[Unit, ...] = ("interaction",)  # what it can keep or drop whole; the first is the default
    feedback: tuple[Feedback, ...] = FEEDBACK_TYPES
    parameters: tuple[Parameter, ...] = ()
    needs_timestamps: bool = False
    draws: bool = True  # False: the seed only breaks ties
    formula: str = ""


@dataclass(frozen=True, slots=True)
class AlgorithmSpec(Spec):
    """A recommendation algorithm; ``load`` is a class without constructor arguments (see protocols for its form)."""

    form: Literal["trained", "solved", "host"] = "trained"
    feedback: tuple[Feedback, ...] = ("implicit", "sequential")
    hyper: tuple[Parameter, ...] = ()
    deterministic: bool = False  # the training seed changes nothing
    personalised: bool = True  # False: every user gets the items in the same order
    fake_users: bool = False  # can train on a synthesis: rows without user ids
    history: int | str | None = None  # what it scores a user by: nothing, the last k rows (or k by name), or "all"
    formula: str = ""


@dataclass(frozen=True, slots=True)
class MetricSpec(Spec):
    """A metric: ``load`` is ``(RankedTest, k) -> [users]`` of a ranking, ``(prediction, rating) -> [rows]`` of ratings.

    Rankings are averaged over users with a test row, ratings over rows; ``finish`` (NumPy, elementwise) is applied to
    the mean: a square root for RMSE.
    """

    of: Literal["ranking", "rating"] = "ranking"
    cutoffs: tuple[int | None, ...] = (None,)  # k of each column it makes: hr@10, hr@100; None: no cut-off
    higher_is_better: bool = True
    finish: Callable[[Any], Any] | None = None
    formula: str = ""

    @property
    def columns(self) -> Mapping[str, int | None]:
        """Column name to cut-off: ``{"hr@10": 10, "hr@100": 100}``."""
        return {self.name if k is None else f"{self.name}@{k}": k for k in self.cutoffs}


@dataclass(frozen=True, slots=True)
class ExecutorSpec(Spec):
    """Where groups of runs are computed.

    ``load(registry, timeout=seconds or None)`` returns an :class:`~recbench.contracts.protocols.Executor`.
    """


@dataclass(frozen=True, slots=True)
class CommandSpec(Spec):
    """A command of the command line; ``load`` is a click command."""

    hidden: bool = field(default=False)

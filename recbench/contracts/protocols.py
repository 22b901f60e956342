"""What the author of a plugin writes. Protocols, not base classes: nothing here needs to be inherited.

An author writes for one run and one batch. The core owns padding, masks, vmap over runs, chunking by memory, jit,
early stopping and divergence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from recbench.contracts.records import (
    Budget,
    Feedback,
    Interactions,
    ParameterValue,
    RunRecord,
    Sample,
    Synthesis,
    Unit,
)

if TYPE_CHECKING:
    import jax
    import numpy as np
    import optax
    from numpy.typing import NDArray

    from recbench.contracts.batches import Query, RankedTest, TrainMatrix

Hyper = Mapping[str, Any]
"""Hyper-parameters by name: Python values where static, float32 scalars of the device where traced."""

BatchKind = Literal["ratings", "pairs", "rows", "sequences"]
BY_INTERACTION: tuple[BatchKind, ...] = ("ratings", "pairs")
"""Batches of interactions; the others are of users."""


# --- samplers ---------------------------------------------------------------------------------------------------------


class SamplerContext(Protocol):
    """What a sampler is given beside the train rows."""

    feedback: Feedback
    unit: Unit  # the unit asked for, one of the spec's
    parameters: Mapping[str, ParameterValue]  # the spec's parameters, with the overrides of the label
    rng: np.random.Generator  # seeded from (data, split, sampler, sample seed); not from the budget

    validation: Interactions  # for what tunes itself, as distillation does; empty where the whole log is sampled
    checkpoint: Path | None  # file to keep the state of long work in, and to go on from if it is there; None: no need

    def progress(self, done: int, total: int, text: str) -> None:
        """Says how far long work is: steps done, steps in all at most, and how it does."""
        ...

    def training_errors(
        self,
        algorithm: str,
        hyper: Mapping[str, ParameterValue] | None = None,
        *,
        epochs: int = 50,
        negatives: int = 10,
    ) -> NDArray[np.float32]:
        """Error of each train row under a proxy, summed over its epochs, shape [n]; trained once and shared.

        ``negatives`` is the number of sampled unobserved items a positive is compared with.
        """
        ...

    def draw(self, sampler: str, budget: Budget) -> Sample | Synthesis:
        """The sample another registered sampler draws here, for samplers that are made of others."""
        ...


class OrderSampler(Protocol):
    """Scores every train row: the highest are kept first until the budget is full."""

    def __call__(self, train: Interactions, context: SamplerContext, /) -> NDArray[np.float32]:
        """Returns one finite float32 a row, shape [n]. Units get the mean of their rows; ties fall by a seeded draw."""
        ...


class Selector(Protocol):
    """Chooses rows for one budget: a sampler made of others (``context.draw``). Its samples need not be nested."""

    def __call__(self, train: Interactions, budget: Budget, context: SamplerContext, /) -> NDArray[np.int64] | Sample:
        """Returns row numbers into train, sorted and unique, shape [k], within one unit of the budget.

        Or a sample of ``context.draw`` as it is: what it keeps or drops whole is then as its own sampler has it.
        """
        ...


class Synthesiser(Protocol):
    """Makes fake users instead of choosing rows."""

    def __call__(self, train: Interactions, budget: Budget, context: SamplerContext, /) -> Synthesis:
        """Returns rows float32[fake_users, num_items], finite and non-negative."""
        ...


# --- algorithms -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What a module is built for."""

    num_users: int
    num_items: int
    feedback: Feedback
    mean_rating: Any  # scalar of the device: mean rating of this run's train rows (1 without ratings)


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a loss may need beside its batch."""

    hyper: Hyper
    key: jax.Array  # fresh for every step
    train: TrainMatrix  # this run's train rows: for graph models
    step: jax.Array  # int32 scalar, optimiser steps before this one in this stage
    steps_per_epoch: jax.Array  # int32 scalar


class Model(Protocol):
    """A Flax NNX module of a trained algorithm.

    Only ``nnx.Param`` variables are trained; all others keep their initial values.
    Tables with one row per user or item are :class:`recbench.UserTable` and :class:`recbench.ItemTable` variables:
    after training the core sets rows of users and items without a kept interaction to zero.
    A module may also define ``finish(context) -> Model``: called once before scoring, as for propagated embeddings.
    """

    def loss(self, batch: Any, context: StepContext, /) -> jax.Array:
        """Loss of each example of a batch, shape [batch]; the core averages over the examples that are real."""
        ...

    def score(self, query: Query, /) -> jax.Array:
        """Scores of all items for each user of the query, shape [users, items]; higher is better."""
        ...

    def predict(self, query: Query, rows: jax.Array, items: jax.Array, /) -> jax.Array:
        """Score or rating of single pairs, shape [pairs]; ``rows`` are positions in the query.

        Needed for explicit feedback and for algorithms that serve as a proxy of SVP-CF.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of training: a module, the batches it eats, its optimiser."""

    build: Callable[..., Model]  # (shape: ModelShape, *, hyper: Hyper, key, earlier: tuple[Model, ...]) -> Model
    batch: BatchKind
    batch_size: int = 1024  # interactions (ratings, pairs) or users (rows, sequences) a step
    negatives: int = 1  # pairs: unobserved items a positive; sequences: a position (0: none)
    length: int = 0  # sequences: most recent rows of a history a batch holds
    optimizer: Callable[[Hyper], optax.GradientTransformation] | None = None  # None: Adam at hyper["learning_rate"]
    epochs: int | None = None  # None: the protocol's
    # What the optimiser sees of the tables in a step: all, or the rows of the batch (pairs and ratings). Rows are exact
    # for SGD; Adam is then lazy: moments decay, and L2 pulls, only when a row is touched. The loss must read its tables
    # at the batch's ids alone.
    updates: Literal["tables", "rows"] = "tables"

    def __post_init__(self) -> None:
        if self.updates not in ("tables", "rows"):
            raise ValueError(f"a stage updates 'tables' or 'rows', not {self.updates!r}")
        if self.updates == "rows" and self.batch not in BY_INTERACTION:
            raise ValueError(f"a stage that updates rows takes ratings or pairs: a batch of {self.batch} has other ids")


class TrainedAlgorithm(Protocol):
    """Learned by gradient steps, in one or more stages."""

    def stages(self, feedback: Feedback, hyper: Hyper, /) -> Sequence[Stage]:
        """The stages in order; only static hyper-parameters may be looked at here."""
        ...


class SolvedAlgorithm(Protocol):
    """Computed in closed form or by fixed iterations, in one call.

    It may also define ``prepare(train, *, hyper) -> Any``, for what depends on train and the static hyper-parameters
    alone, as a Gram matrix: made once for a grid, and handed to ``fit`` as the keyword ``prepared``.
    """

    def fit(self, train: TrainMatrix, *, hyper: Hyper, key: jax.Array) -> Any:
        """Any pytree of arrays; must be traceable (it runs under vmap and jit)."""
        ...

    def score(self, state: Any, query: Query, /) -> jax.Array:
        """As :meth:`Model.score`."""
        ...

    def predict(self, state: Any, query: Query, rows: jax.Array, items: jax.Array, /) -> jax.Array:
        """As :meth:`Model.predict`; only for explicit feedback."""
        ...


class HostAlgorithm(Protocol):
    """Plain Python, one run at a time: how other libraries are wrapped. All arrays are NumPy's."""

    def fit(self, train: Interactions | Synthesis, *, hyper: Hyper, rng: np.random.Generator) -> Any:
        """Any state. A synthesis comes only to an algorithm whose spec says ``fake_users``."""
        ...

    def score(self, state: Any, query: Query, /) -> NDArray[np.float32]: ...

    def predict(self, state: Any, query: Query, rows: NDArray[np.int32], items: NDArray[np.int32], /) -> Any: ...


# --- metrics and executors --------------------------------------------------------------------------------------------


class RankingMetric(Protocol):
    """A metric of a ranking: one value a user."""

    def __call__(self, test: RankedTest, k: int | None, /) -> jax.Array:
        """Shape [users]; traceable."""
        ...


class RatingMetric(Protocol):
    """A metric of predicted ratings: one value a row."""

    def __call__(self, prediction: jax.Array, rating: jax.Array, /) -> jax.Array:
        """Shape [rows]; traceable."""
        ...


class Executor(Protocol):
    """Computes groups of runs, here or elsewhere."""

    def run(self, groups: Iterable[Any], /) -> Iterator[Sequence[RunRecord]]:
        """Yields the records of one group at a time, in any order; each is stored as it comes."""
        ...

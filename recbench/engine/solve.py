"""Solved algorithms: many runs fitted in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import jax
from jax import Array

from recbench.contracts.batches import Query
from recbench.contracts.protocols import SolvedAlgorithm
from recbench.contracts.records import ParameterValue
from recbench.engine.batch import AnyReplica, SplitArrays
from recbench.engine.prng import make_key
from recbench.engine.programs import Static
from recbench.engine.steps import all_hyper


@dataclass(frozen=True, slots=True)
class SolvedScorer:
    """A solved algorithm with the state of one run."""

    algorithm: SolvedAlgorithm
    state: Any

    def score(self, query: Query) -> Array:
        return self.algorithm.score(self.state, query)

    def predict(self, query: Query, rows: Array, items: Array) -> Array:
        return self.algorithm.predict(self.state, query, rows, items)


@dataclass(eq=False)
class SolvedPrograms:
    """The device programs of a solved algorithm."""

    algorithm: SolvedAlgorithm
    static: Mapping[str, ParameterValue]

    def solve(self, data: SplitArrays, replica: AnyReplica) -> Any:
        """The state of one run."""
        key = make_key(replica.key)
        return self.algorithm.fit(replica.matrix(data), hyper=all_hyper(self.static, replica), key=key)

    @cached_property
    def fit(self) -> Any:
        return jax.jit(jax.vmap(self.solve, in_axes=(None, 0)))

    def scorer(self, data: SplitArrays, replica: AnyReplica, state: Any) -> SolvedScorer:
        """What scores for one run."""
        return SolvedScorer(self.algorithm, state)


def solved_programs(algorithm: SolvedAlgorithm, *, static: Static) -> SolvedPrograms:
    """The programs of an algorithm, found again for equal static hyper-parameters."""
    return _solved_programs(type(algorithm), static)


@lru_cache(maxsize=256)
def _solved_programs(kind: type[SolvedAlgorithm], static: Static) -> SolvedPrograms:
    return SolvedPrograms(kind(), dict(static))

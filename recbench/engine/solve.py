"""Solved algorithms: many runs fitted in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import jax
from jax import Array

from recbench.contracts.batches import Query
from recbench.contracts.protocols import SolvedAlgorithm
from recbench.contracts.records import ParameterValue
from recbench.engine.batch import AnyReplica, SplitArrays
from recbench.engine.parallel import in_turn, over_runs
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

    @property
    def prepares(self) -> bool:
        """Whether something can be made once for a grid on one sample."""
        return hasattr(self.algorithm, "prepare")

    def solve(self, data: SplitArrays, replica: AnyReplica) -> Any:
        """The state of one run."""
        return self._solve(data, replica, self._prepare(data, replica) if self.prepares else None)

    @cached_property
    def fit(self) -> Any:
        side_by_side = over_runs(self.solve, (None, 0))

        def solve_all(data: SplitArrays, replicas: AnyReplica) -> Any:
            if in_turn():  # a scatter or gather over coordinates is many times slower with an axis of runs
                return jax.lax.map(partial(self.solve, data), replicas)
            return side_by_side(data, replicas)

        return jax.jit(solve_all)

    @cached_property
    def prepare(self) -> Any:
        """(split, batch of runs on one sample) -> what they share."""
        return jax.jit(lambda data, replicas: self._prepare(data, jax.tree.map(lambda leaf: leaf[0], replicas)))

    @cached_property
    def fit_prepared(self) -> Any:
        """(split, batch of runs on one sample, what they share) -> states."""
        return over_runs(self._solve, (None, 0, None))

    def _prepare(self, data: SplitArrays, replica: AnyReplica) -> Any:
        return self.algorithm.prepare(replica.matrix(data), hyper=self.static)  # type: ignore[attr-defined]

    def _solve(self, data: SplitArrays, replica: AnyReplica, prepared: Any) -> Any:
        given = {"prepared": prepared} if self.prepares else {}
        hyper, key = all_hyper(self.static, replica), make_key(replica.key)
        return self.algorithm.fit(replica.matrix(data), hyper=hyper, key=key, **given)

    def scorer(self, data: SplitArrays, replica: AnyReplica, state: Any) -> SolvedScorer:
        """What scores for one run."""
        return SolvedScorer(self.algorithm, state)


def solved_programs(algorithm: SolvedAlgorithm, *, static: Static) -> SolvedPrograms:
    """The programs of an algorithm, found again for equal static hyper-parameters."""
    return _solved_programs(type(algorithm), static)


@lru_cache(maxsize=256)
def _solved_programs(kind: type[SolvedAlgorithm], static: Static) -> SolvedPrograms:
    return SolvedPrograms(kind(), dict(static))

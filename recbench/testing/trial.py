"""An algorithm on the planted logs: its fits are kept, so that all checks share them, and its scores are shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any
from unittest import mock

import jax
import numpy as np

from recbench.contracts.batches import Query
from recbench.contracts.errors import ParameterError
from recbench.contracts.labels import Label, bind, fits
from recbench.contracts.records import Feedback, ParameterValue, Split, Synthesis
from recbench.contracts.specs import AlgorithmSpec, Parameter
from recbench.engine.batch import DeviceSplit, place_split
from recbench.engine.contest import Contestant, Run, Training, history_need, static_hyper
from recbench.engine.fit import Fitted, fit_runs
from recbench.engine.programs import stage_programs
from recbench.engine.solve import SolvedScorer
from recbench.registry import Registered, Registry, default
from recbench.testing.data import Planted, planted
from recbench.testing.rules import broken
from recbench.testing.scores import Scores, predicted, query_of, score_program

LONG, SHORT = 100, 2
"""Epochs: to learn what is planted, and to compare two ways of doing the same before rounding errors grow."""

WIDTH = 4
"""Runs that are scored in one program."""


@dataclass(frozen=True)
class Model:
    """One fitted run."""

    sample: str
    programs: Any  # the engine's, of the last stage; the algorithm itself for host algorithms
    replica: Any  # without an axis of runs; None for host algorithms
    state: Any  # likewise
    trouble: str  # why it did not finish


@dataclass(eq=False)
class Trial:
    """An algorithm with its hyper-parameters on the planted logs of one feedback type."""

    algorithm: str
    feedback: Feedback
    entry: Registered
    hyper: Mapping[str, ParameterValue]
    fitted: dict[tuple[Any, ...], Model] = field(default_factory=dict)

    @property
    def spec(self) -> AlgorithmSpec:
        spec: AlgorithmSpec = self.entry.spec
        return spec

    @property
    def planted(self) -> Planted:
        return planted(self.feedback)

    @cached_property
    def data(self) -> DeviceSplit:
        return place_split(self.planted.split)

    def fail(self, rule: str, found: str) -> None:
        """Raises what a broken rule raises."""
        raise broken(self.algorithm, self.feedback, rule, found)

    def contestant(self) -> Contestant:
        """The algorithm, loaded anew."""
        return Contestant(self.algorithm, self.spec, self.entry.load()())

    @cached_property
    def stages(self) -> tuple[Any, ...]:
        """Programs of each stage; of trained algorithms only."""
        static = static_hyper(self.spec, self.hyper)
        return stage_programs(self.contestant().implementation, feedback=self.feedback, static=static)

    @property
    def uses_order(self) -> bool:
        """Whether it trains on sequences, or works on nothing but sequential feedback."""
        if self.spec.feedback == ("sequential",):
            return True
        return self.spec.form == "trained" and any(each.stage.batch == "sequences" for each in self.stages)

    @property
    def effort(self) -> str:
        """What a fit to learn what is planted took, in words that follow a number."""
        return f" after {LONG} epochs" if self.spec.form == "trained" else ""

    @cached_property
    def other_hyper(self) -> dict[str, ParameterValue]:
        """The same static hyper-parameters, and other values of all that are traced."""
        return {**self.hyper, **{each.name: _another(each, self.hyper) for each in self.spec.hyper if each.traced}}

    def run(self, sample: str, *, seed: int = 0, other: bool = False) -> Run:
        """A run on a planted sample, with other traced hyper-parameters if asked."""
        return Run(self.planted.samples[sample], self.other_hyper if other else self.hyper, seed)

    def run_on(self, split: Split) -> Run:
        """A run on all rows of another split."""
        rows = np.arange(len(split.train))
        return Run(replace(self.planted.samples["factors"], rows=rows), self.hyper, 0)

    def fit(self, sample: str, *, seed: int = 0, other: bool = False, epochs: int = SHORT, again: int = 0) -> Model:
        """A run by itself, fitted at the first call; ``again`` counts up to fit it once more."""
        trained = epochs if self.spec.form == "trained" else 0
        key = (sample, seed, other, trained, again)
        if key not in self.fitted:
            (self.fitted[key],) = self.fit_together([self.run(sample, seed=seed, other=other)], epochs=epochs)
        return self.fitted[key]

    def fit_together(self, runs: Sequence[Run], *, epochs: int = SHORT, data: DeviceSplit | None = None) -> list[Model]:
        """Runs in one batch."""
        contestant, training = self.contestant(), Training(epochs=epochs, validate_every=10**6)
        fitted = fit_runs(data or self.data, contestant, tuple(runs), training=training, metrics=())
        return [_model(fitted, place) for place in range(len(runs))]

    def fit_synthesis(self, synthesis: Synthesis) -> Model:
        """A run on fake users."""
        (model,) = self.fit_together([Run(synthesis, self.hyper, 0)], epochs=LONG)
        return model

    def query(self, sample: str) -> Query:
        """All users with their histories in the sample, then the four of special interest, as NumPy arrays."""
        return query_of(self.data, self.planted.samples[sample].rows, self._width)

    def query_on(self, data: DeviceSplit) -> Query:
        """The same for all rows of another split."""
        return query_of(data, np.arange(len(data.split.train)), self._width)

    @cached_property
    def _width(self) -> int:
        """Rows of a history: what the algorithm asks for, at most what a user has in all planted logs."""
        need = history_need(self.contestant(), Run(self.planted.samples["factors"], self.hyper, 0))
        longest = int(np.bincount(self.planted.split.train.user).max())
        return 0 if need is None else longest if need == "all" else min(need, longest)

    def scores(self, model: Model, query: Query | None = None) -> Scores:
        """What a model gives, [users + 4, items]; by default to users with their histories in the model's sample."""
        (alone,) = self.scores_of([model], query)
        return alone

    def scores_of(self, models: Sequence[Model], query: Query | None = None) -> list[Scores]:
        """What at most ``WIDTH`` models give, in one program."""
        queries = [query or self.query(model.sample) for model in models]
        if self.spec.form == "host":
            return [_host_scores(model, query, self.feedback) for model, query in zip(models, queries, strict=True)]
        places = [*range(len(models)), *[len(models) - 1] * (WIDTH - len(models))]
        replica, state, asked = (
            jax.tree.map(lambda *leaves: np.stack(leaves), *(column[place] for place in places))
            for column in ([m.replica for m in models], [m.state for m in models], queries)
        )
        given = score_program(models[0].programs, self.feedback)(self.data.arrays, replica, state, asked)
        score, rating = (np.asarray(part) for part in given)
        return [Scores(score[place], rating[place]) for place in range(len(models))]


def trial_of(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> Trial:
    """The trial of a label, the same one for the checks that follow each other.

    Raises:
      UnknownNameError: no plugin registered the algorithm.
      ParameterError: it does not take a hyper-parameter of the label, or not this feedback.
    """
    label = Label.parse(algorithm)
    entry = (registry or default()).get("algorithms", label.name)
    if feedback not in entry.spec.feedback:
        raise ParameterError(f"{algorithm!r} works on {' and '.join(entry.spec.feedback)} feedback, not on {feedback}")
    return _trial(str(label), feedback, entry)


@contextmanager
def side_by_side() -> Iterator[None]:
    """Runs of a batch are vectorised in here, as on an accelerator, whatever the device.

    To be used with a batch size that is used nowhere else: programs that exist by shape are not made anew.
    """
    with ExitStack() as patches:
        for name, module in list(sys.modules.items()):
            if name.startswith("recbench.engine.") and hasattr(module, "in_turn"):
                patches.enter_context(mock.patch.object(module, "in_turn", _never))
        yield


@lru_cache(maxsize=2)
def _trial(algorithm: str, feedback: Feedback, entry: Registered) -> Trial:
    return Trial(algorithm, feedback, entry, bind(Label.parse(algorithm), entry.spec.hyper))


def _never() -> bool:
    return False


def _another(parameter: Parameter, hyper: Mapping[str, ParameterValue]) -> ParameterValue:
    value = float(hyper[parameter.name])
    tried = (value * 1.5 + 0.01, value * 0.5, value + 1)
    return next((each for each in tried if each != value and fits(parameter, each)), value)


def _model(fitted: Fitted, place: int) -> Model:
    name = fitted.runs[place].sample.sampler
    if fitted.replicas is None:
        return Model(name, fitted.contestant.implementation, None, fitted.states[place], "")
    replica, state = jax.tree.map(lambda leaf: np.asarray(leaf)[place], (fitted.replicas, fitted.states))
    return Model(name, fitted.programs, replica, state, fitted.progress[place].reason)


def _host_scores(model: Model, query: Query, feedback: Feedback) -> Scores:
    given = predicted(SolvedScorer(model.programs, model.state), query, feedback)
    return Scores(*(np.asarray(part, np.float32) for part in given))

"""Asking a genie: which sampler for this log at this budget, and how small a sample will do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from recbench import (
    Budget,
    Dataset,
    Feedback,
    Interactions,
    Sample,
    SampleDrawer,
    Split,
    whole_split,
)
from recbench_genie import features
from recbench_genie.corpus import look, look_by_hand
from recbench_genie.design import Examples, Floats
from recbench_genie.trained import Calibration, GenieError, TrainedGenie, load_genie

MOST_ROWS = 100_000
"""Samples of a larger log are drawn, proxies and all, from the whole histories of some of its users."""
METRIC = {"explicit": "rmse", "implicit": "ndcg@10", "sequential": "ndcg@10"}
"""What is asked about unless something else is."""
PLAN = tuple(Budget(share) for share in (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9))
"""Budgets that a plan looks at, as far as the genie has intervals there."""
FEWEST_ROWS, FEWEST_USERS, FEWEST_ITEMS = 500, 50, 20
"""Below these there is nothing to choose between samplers by."""
RANDOM = "random"

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a genie says of samplers at one budget."""

    dataset: str
    feedback: str
    metric: str
    budget: str
    samplers: pl.DataFrame  # sampler, tau, low, high: best first; low to high holds tau on ``level`` of other data sets
    level: float
    covered: float  # what it did hold, of data sets that were left out
    sees_samples: bool
    warnings: tuple[str, ...]  # what makes it less sure than it says, or no forecast at all: a sentence each
    nearest: str  # the data set of the corpus that looks most like it

    @property
    def best(self) -> str:
        return str(self.samplers["sampler"][0])

    @property
    def lost_by_random(self) -> float | None:
        """Predicted tau of the best, less that of random rows; None: random rows were not asked about."""
        own = self.samplers.filter(pl.col("sampler") == RANDOM)["tau"]
        return None if own.is_empty() else float(self.samplers["tau"][0] - own[0])


@dataclass(frozen=True, slots=True)
class Advice:
    """The smallest budget from which on the lower bound of the pick reaches the tau that is wanted."""

    wanted: float
    kept: float  # of samplers predicted best on data sets that were left out, the share whose tau was above the bound
    budget: str | None  # None: no budget does
    sampler: str | None
    steps: pl.DataFrame  # budget, sampler, tau, low: whoever is predicted best, and the lower bound of such picks
    warnings: tuple[str, ...]
    nearest: str


def rank(
    data: Dataset,
    keep: Budget | str,
    *,
    feedback: Feedback = "implicit",
    metric: str | None = None,
    samplers: Sequence[str] | None = None,
    cheap: bool = False,
    genie: TrainedGenie | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> Answer:
    """Samplers by the tau that is predicted of them; no recommender is trained, but for the proxies of SVP-CF.

    Args:
      data: all of it is what a sample will be drawn from.
      keep: a share of the rows.
      metric: by which algorithms will be ranked; None: RMSE or nDCG@10, by feedback type.
      samplers: labels to choose from; None: all that the genie knows and that the log allows.
      cheap: draw no sample, and look at the log alone: seconds at any size.
      genie: None: the one that comes with recbench.
      report: called with what is being done.

    Raises:
      GenieError: the log is too small, or the genie has not learned of what is asked.
    """
    asked = _Question(data, feedback, metric, samplers, cheap, genie or load_genie(), seed, report or _silent)
    return asked.answer(_share(keep))


def plan(
    data: Dataset,
    tau: float,
    *,
    feedback: Feedback = "implicit",
    metric: str | None = None,
    samplers: Sequence[str] | None = None,
    cheap: bool = False,
    genie: TrainedGenie | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> Advice:
    """The smallest budget, of :data:`PLAN`, from which on a sampler keeps the ranking well enough.

    Bounds are those of samplers that are picked because they are predicted best: of others they would be higher.

    Args:
      tau: what the lower bound of the prediction must reach.

    Raises:
      GenieError: as :func:`rank`.
    """
    if not -1 <= tau <= 1:
        raise GenieError(f"a tau of {tau:g} was asked for, but tau lies between -1 and 1")
    asked = _Question(data, feedback, metric, samplers, cheap, genie or load_genie(), seed, report or _silent)
    calibration = asked.calibration
    answers = [asked.answer(budget) for budget in PLAN if calibration.knows(budget.amount)]
    if not answers:
        raise GenieError(f"the genie has intervals for shares of {calibration.known} alone: no plan can be made")
    steps = pl.concat([_step(answer, calibration) for answer in answers])
    enough = steps.filter((pl.col("low") >= tau).reverse().cum_min().reverse())
    found = None if enough.is_empty() else enough.row(0, named=True)
    return Advice(
        wanted=tau,
        kept=calibration.kept,
        budget=None if found is None else found["budget"],
        sampler=None if found is None else found["sampler"],
        steps=steps,
        warnings=answers[-1].warnings,
        nearest=answers[-1].nearest,
    )


def _step(answer: Answer, calibration: Calibration) -> pl.DataFrame:
    """The pick of an answer, with the lower bound of picks: budget, sampler, tau, low."""
    pick = answer.samplers.select("sampler", "tau").head(1)
    low = calibration.low_of_pick(pick["tau"][0], math.log10(Budget.parse(answer.budget).amount))
    return pick.with_columns(low=pl.lit(low)).insert_column(0, pl.Series("budget", [answer.budget]))


def _silent(text: str) -> None:
    pass


def _share(keep: Budget | str) -> Budget:
    budget = Budget.parse(keep) if isinstance(keep, str) else keep
    if budget.of != "share":
        raise GenieError(f"a budget of {budget} was given, but a genie has learned of shares of the rows, as in 10%")
    return budget


class _Question:
    """What is asked of one log, with what all budgets share."""

    def __init__(
        self, data: Dataset, feedback: Feedback, metric: str | None, samplers: Sequence[str] | None, cheap: bool,
        genie: TrainedGenie, seed: int, report: Report,
    ) -> None:  # fmt: skip
        self.genie, self.cheap, self.seed, self.report = genie, cheap, seed, report
        self.feedback, self.metric = feedback, metric or METRIC[feedback]
        words = genie.vocabulary
        questions = genie.seen.questions
        _check_known("feedback", [feedback], list(questions))
        _check_known(f"metric of {feedback} feedback", [self.metric], list(questions[feedback]))
        self.split = whole_split(data, feedback=feedback)
        _check_size(self.split)
        self._drawer = SampleDrawer(_fewer(self.split))
        wanted = [self._drawer.label(name) for name in samplers] if samplers else list(words.samplers)
        _check_known("sampler", wanted, words.samplers)
        self.samplers = [name for name in wanted if not self._drawer.refusal(name)]
        if not self.samplers:
            raise GenieError(f"{data.name!r} allows none of: {', '.join(wanted)}")
        self.calibration = genie.calibration["cheap" if cheap else "full"]
        report("looking at the log")
        self.own = self._look(self.split.train)
        drawn_from = self._drawer.split.train
        self.base = self.own if len(drawn_from) == len(self.split.train) else self._look(drawn_from)

    def answer(self, budget: Budget) -> Answer:
        names, looks = [], []
        for name in self.samplers:
            if self._drawer.refusal(name, budget):
                continue
            names.append(name)
            looks.append(self.own if self.cheap else self._sampled(name, budget))
        if not names:
            raise GenieError(f"no sampler can keep {budget} of {self.split.dataset!r}: ask for more")
        share = float(np.log10(budget.amount))
        tau = (self.genie.cheap if self.cheap else self.genie.full).score(self._examples(names, looks, share))
        low, high = self.calibration.interval(tau, share)
        frame = pl.DataFrame({"sampler": names, "tau": tau, "low": low, "high": high})
        return Answer(
            dataset=self.split.dataset,
            feedback=self.feedback,
            metric=self.metric,
            budget=str(budget),
            samplers=frame.cast({name: pl.Float64() for name in ("tau", "low", "high")})
            .sort("tau", "sampler", descending=[True, False]),
            level=self.calibration.level,
            covered=self.calibration.covered,
            sees_samples=not self.cheap,
            warnings=tuple(self._warnings(budget)),
            nearest=self.genie.seen.nearest(self.own[0]),
        )  # fmt: skip

    def _warnings(self, budget: Budget) -> Iterator[str]:
        seen = self.genie.seen
        if seen.has(self.split.dataset):
            yield f"the genie was trained on taus of {self.split.dataset}: what it says of it is no forecast"
        if seen.questions[self.feedback][self.metric] == 1:
            yield f"{self.metric} of {self.feedback} feedback was seen on one data set alone"
        if not self.calibration.knows(budget.amount):
            known = self.calibration.known
            yield f"beyond what the genie has seen: a share of {budget.amount:g}, where {known} were seen"
        for text in seen.beyond(self.own[0]):
            yield f"beyond what the genie has seen: {text}"

    def _look(self, log: Interactions) -> tuple[Floats, Floats]:
        if self.cheap:  # it has no use for the embedding
            return look_by_hand(log), np.zeros(self.genie.encoder.width, np.float32)
        return look(log, self.genie.encoder)

    def _sampled(self, name: str, budget: Budget) -> tuple[Floats, Floats]:
        """What the sample would look like: the log, moved as the sample of some users moves from these."""
        self.report(f"{name}, {budget}")
        sample = self._drawer.draw(name, budget, self.seed)
        assert isinstance(sample, Sample)
        found = self._look(self._drawer.split.train.take(sample.rows))
        hand, graph = (own + one - base for own, one, base in zip(self.own, found, self.base, strict=True))
        return hand, graph

    def _examples(self, names: Sequence[str], looks: Sequence[tuple[Floats, Floats]], share: float) -> Examples:
        count, words = len(names), self.genie.vocabulary
        hand, graph = (np.tile(side, (count, 1)) for side in self.own)
        hand_sample, graph_sample = (np.stack(side) for side in zip(*looks, strict=True))
        return Examples(
            hand=hand, hand_sample=hand_sample, graph=graph, graph_sample=graph_sample,
            traits=words.traits(names), asked=words.asked([self.feedback] * count, [self.metric] * count),
            share=np.full(count, share, np.float32), tau=np.full(count, np.nan, np.float32),
            sampler=np.array([words.samplers.index(name) for name in names], np.int32),
            question=np.zeros(count, np.int32), group=np.full(count, ""), place=pl.DataFrame(),
        )  # fmt: skip


def _check_known(what: str, asked: Sequence[str], known: Sequence[str]) -> None:
    if missing := [name for name in asked if name not in known]:
        raise GenieError(f"the genie has not learned of the {what} {missing[0]!r}; it knows: {', '.join(known)}")


def _check_size(split: Split) -> None:
    rows = split.train
    found = len(rows), len(np.unique(rows.user)), len(np.unique(rows.item))
    if any(has < needed for has, needed in zip(found, (FEWEST_ROWS, FEWEST_USERS, FEWEST_ITEMS), strict=True)):
        raise GenieError(
            f"{split.dataset!r} has {found[0]:,} rows of {found[1]:,} users and {found[2]:,} items, and a genie needs "
            f"at least {FEWEST_ROWS}, {FEWEST_USERS} and {FEWEST_ITEMS}: train on all of it"
        )


def _fewer(split: Split) -> Split:
    """The whole histories of users evenly spread over the lengths, about ``MOST_ROWS`` rows in all."""
    train = features.of_some_users(split.train, MOST_ROWS)
    return split if train is split.train else replace(split, train=train, train_position=np.arange(len(train)))

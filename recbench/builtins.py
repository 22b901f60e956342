"""What the core itself registers, by the same hooks as everybody else: metrics, the local executor, commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from recbench.contracts.hookspecs import hookimpl
from recbench.contracts.specs import CommandSpec, ExecutorSpec, MetricSpec

_CUTOFFS = (10, 100)


def _square_root(value: Any) -> Any:
    return value**0.5


@hookimpl
def recbench_metrics() -> Iterable[MetricSpec]:
    """Ranking metrics over all items, averaged over users with a test item; rating metrics over test rows."""
    return [
        MetricSpec(
            name="auc",
            load="recbench.engine.metrics:auc",
            summary="Share of a user's negatives that stand below a test item, ties one half.",
            formula="mean over test items of (#{negatives below} + #{negatives tied} / 2) / #{negatives}",
        ),
        MetricSpec(
            name="hr",
            load="recbench.engine.metrics:hr",
            summary="Hit rate: test items among the top k, of as many as could be there.",
            formula="#{test items in the top k} / min(k, #{test items})",
            cutoffs=_CUTOFFS,
        ),
        MetricSpec(
            name="ndcg",
            load="recbench.engine.metrics:ndcg",
            summary="Normalised discounted cumulative gain of the top k.",
            formula="sum of 1 / log2(rank + 2) over test items in the top k, divided by the largest possible sum",
            cutoffs=_CUTOFFS,
        ),
        MetricSpec(
            name="psp",
            load="recbench.engine.metrics:psp",
            summary="Propensity-scored precision of the top k: hits on rare items count more.",
            source="Jain, Prabhu, Varma, KDD 2016",
            formula="sum of 1/p_i over test items in the top k, divided by the largest possible sum",
            cutoffs=_CUTOFFS,
        ),
        *_rating_metrics(),
    ]


def _rating_metrics() -> Iterable[MetricSpec]:
    squared = "recbench.engine.metrics:mse"
    yield MetricSpec(
        name="mse",
        load=squared,
        of="rating",
        higher_is_better=False,
        summary="Mean squared error of predicted ratings.",
        formula="mean of (prediction - rating)^2",
    )
    yield MetricSpec(
        name="rmse",
        load=squared,
        of="rating",
        higher_is_better=False,
        finish=_square_root,
        summary="Root of the mean squared error of predicted ratings.",
        formula="sqrt(mean of (prediction - rating)^2)",
    )
    yield MetricSpec(
        name="mae",
        load="recbench.engine.metrics:mae",
        of="rating",
        higher_is_better=False,
        summary="Mean absolute error of predicted ratings.",
        formula="mean of |prediction - rating|",
    )


@hookimpl
def recbench_executors() -> Iterable[ExecutorSpec]:
    """Where groups of runs are computed."""
    return [
        ExecutorSpec(
            name="local",
            load="recbench.bench.executor:LocalExecutor",
            summary="This process, one group after the other.",
        )
    ]


@hookimpl
def recbench_commands() -> Iterable[CommandSpec]:
    """The table of built-in commands: a family is one file in ``recbench/cli/`` and an entry here."""
    return [
        CommandSpec(name=name, load=f"recbench.cli.{path}", summary=summary)
        for name, path, summary in (
            ("list", "registered:list_command", "List what is registered of one kind."),
            (
                "describe",
                "registered:describe_command",
                "Describe one of them: what it does, its source, its parameters.",
            ),
            ("run", "run:run_command", "Run a benchmark: a suite of samplers, algorithms and data."),
            ("report", "report:report_command", "Show stored results: tables and plots of tau and quality."),
            ("data", "data:data", "Fetch data sets, look at them, convert them."),
            ("sample", "sample:sample_command", "Write a sample of a log to a file, to train on with any library."),
            ("distill", "distill:distill_command", "Learn a few fake users that stand in for the real ones."),
            ("submit", "submit:submit_command", "Write stored results as an entry of a leaderboard."),
            ("verify", "verify:verify_command", "Check entries of leaderboards, and run some of their runs again."),
            ("board", "board:board", "Leaderboards: entries, and the pages made of them."),
            ("new", "new:new_command", "Make a plugin: a package that can be installed, with a test."),
            ("check", "check:check_command", "Check whether a plugin keeps its contract, rule by rule."),
            ("doctor", "doctor:doctor_command", "Check the installation, and say what to mend."),
            ("plugins", "plugins:plugins_command", "Show which plugins are loaded, and which are in quarantine."),
        )
    ]

"""``recbench run``: runs a suite, or says what it would take."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recbench.cli.agreements import best_first, print_across, print_agreements
from recbench.cli.algorithms import print_algorithms
from recbench.cli.options import Reading, reading_options
from recbench.cli.progress import reporting
from recbench.cli.stored import warn_of_unreadable
from recbench.cli.tables import Column, json_option, note, print_table

if TYPE_CHECKING:
    from recbench.bench.agreement import Measured
    from recbench.bench.runner import Benchmark, Summary
    from recbench.bench.suite import Suite
    from recbench.contracts.records import Agreement, Dataset, Feedback

_FAILED = 1
_LONG = 100
"""Lines of agreements beyond which the table at the end has a line a sampler, with its taus side by side."""
_REASONS = 5
"""Reasons for a missing tau that are said under such a table, the most frequent ones."""
_NOISE = Column("noise", digits=2)
_PLAN = (
    "dataset",
    "feedback",
    _NOISE,
    "split",
    "rows",
    "cells",
    "stored",
    "skipped",
    "copied",
    "runs",
    "groups",
    "programs",
    Column("time", "about"),
    Column("megabytes", "MB, about"),
)


@click.command("run")
@click.argument("suite")
@click.option("--subset", metavar="NAME", help="A part of the suite that it gives a name, such as quick.")
@click.option("--dataset", "datasets", multiple=True, metavar="NAME", help="In place of the suite's data sets.")
@click.option("--data", metavar="FILE", help="Your own log, in place of the suite's data sets.")
@click.option("--name", metavar="NAME", help="What results call the log of --data; by default its file's name.")
@click.option("--feedback", multiple=True, metavar="TYPE", help="explicit, implicit or sequential.")
@click.option("--sampler", "samplers", multiple=True, metavar="LABEL", help="As in 'svp-cf[proxy=mf,unit=user]'.")
@click.option(
    "--budget", "--keep", "budgets", multiple=True, metavar="AMOUNT", help="10%, 1000rows, 5%users, 500users."
)
@click.option("--algorithm", "algorithms", multiple=True, metavar="LABEL", help="As in 'mf' or 'mf[latent=8]'.")
@click.option("--full-seeds", type=click.IntRange(1), metavar="N", help="Training seeds on full data.")
@click.option("--sample-seeds", type=click.IntRange(1), metavar="N", help="Seeds of each sample.")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="The first of these seeds; by default the suite's.")
@click.option("--store", metavar="FOLDER", help="Where results are kept (RECBENCH_STORE, or ./recbench-results).")
@click.option("--executor", metavar="NAME", help="Where runs are computed; by default in this process.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="For a group of runs.")
@click.option("--device", type=click.Choice(["cpu", "cuda", "tpu"]), help="Where this process computes.")
@reading_options
@click.option("--retry-failed", is_flag=True, help="Run again what failed, diverged or ran out of time.")
@click.option("--dry-run", is_flag=True, help="Print what would be run, and about what it takes.")
@json_option
def run_command(
    suite: str,
    subset: str | None,
    datasets: tuple[str, ...],
    data: str | None,
    name: str | None,
    feedback: tuple[str, ...],
    samplers: tuple[str, ...],
    budgets: tuple[str, ...],
    algorithms: tuple[str, ...],
    full_seeds: int | None,
    sample_seeds: int | None,
    seed: int | None,
    store: str | None,
    executor: str | None,
    timeout: float | None,
    device: str | None,
    retry_failed: bool,
    dry_run: bool,
    as_json: bool,
    reading: Reading,
) -> int:
    """Run SUITE, a suite's name or the path of a suite file; called again, it goes on where it stopped.

    An option that may be repeated takes the place of what the suite lists: --sampler random --sampler head.
    The table at the end has a line for each sampler and budget: Kendall's tau between the ranking of the algorithms on
    full data and on the sample, its interval (noise pulls it down), the ceiling that two full-data runs reach (lifted
    by algorithms that are fixed: no seed moves them), the loss from picking the sample's winner, and the cost.
    Of a suite without samplers there is a table for each data set and feedback type with a line for each algorithm,
    best first: its interval over test users, its spread over training seeds, its lead over the next and whether that is
    chance, and what validation chose of its grid. What could not be run stands last, with the reason.
    """
    if datasets and data:
        raise click.UsageError("--dataset and --data were both given: give one of them")
    if name is not None and not (data and name.strip()):
        raise click.UsageError(f"--name {name!r} names nothing: it is for the log that --data brings")
    if device:
        os.environ["JAX_PLATFORMS"] = device  # read when JAX is first imported, which is later
    # Imported here: starting is to stay quick.
    from recbench.bench.runner import Benchmark
    from recbench.bench.suite import load_suite

    whole = load_suite(suite)
    chosen = (whole if subset is None else whole.subset(subset)).override(
        datasets=datasets or None,
        feedback=feedback or None,
        samplers=samplers or None,
        budgets=budgets or None,
        algorithms=algorithms or None,
        full_seeds=full_seeds,
        sample_seeds=sample_seeds,
        seed=seed,
    )
    read = partial(_read, reading, name)
    bench = Benchmark(chosen, data=data, store=store, executor=executor, timeout=timeout, read=read)
    if dry_run:
        _print_plan(bench, as_json=as_json)
        return 0
    with reporting() as report:
        summary = bench.run(report, retry_failed=retry_failed)
    _print_result(bench, chosen, summary, as_json=as_json)
    return 0 if summary.complete else _FAILED


def _read(reading: Reading, name: str | None, source: str | Path) -> Dataset:
    dataset = reading.dataset(source)
    return dataset if name is None else replace(dataset, name=name)


def _print_plan(bench: Benchmark, *, as_json: bool) -> None:
    plans = list(bench.estimates())
    records: list[dict[str, Any]] = [asdict(each) for each in plans]
    for record, each in zip(records, plans, strict=True):
        record["time"] = _about(each.seconds, each.untimed)
        record["megabytes"] = each.memory // 1_000_000
    noisy = any(each.noise for each in plans)
    print_table(records, [column for column in _PLAN if noisy or column != _NOISE], as_json=as_json)
    for text in bench.summary.notes:
        note(text)
    for each in plans:
        for algorithm, reason in each.too_large.items():
            note(f"{each.dataset}, {each.feedback}: {algorithm!r} would be skipped: {reason}")
    if len(plans) > 1:
        untimed = [name for each in plans for name in each.untimed]
        known = [each.seconds for each in plans if each.seconds is not None]
        note(
            f"in all {sum(each.runs for each in plans):,} runs, time: {_about(sum(known) if known else None, untimed)}"
        )
    if any(each.untimed for each in plans):
        names = ", ".join(sorted({name for each in plans for name in each.untimed}))
        note(f"a time is known once the store has a run on the same type of feedback: it has none of {names}")
    note("nothing was run; times are of training and scoring, as earlier runs in the store took them: not of compiling")


def _about(seconds: float | None, untimed: Sequence[str]) -> str:
    if seconds is None:
        return "unknown"
    return f"{_duration(seconds)}{' and more' if untimed else ''}"


def _print_result(bench: Benchmark, suite: Suite, summary: Summary, *, as_json: bool) -> None:
    # Imported here: starting is to stay quick.
    import polars as pl

    from recbench.bench.agreement import measured
    from recbench.bench.roster import rosters
    from recbench.bench.standings import standings

    frame = bench.store.frame().filter(pl.col("cell").is_in(list(summary.cells)))
    headlines = {feedback: suite.metrics[feedback][0] for feedback in suite.feedback}
    ranked = rosters(suite, bench.registry)
    if suite.samplers:
        _print_samplers(measured(frame, algorithms=ranked, registry=bench.registry), suite, headlines, as_json=as_json)
    else:
        standing = standings(frame, headlines=headlines, algorithms=ranked, registry=bench.registry)
        print_algorithms(standing, as_json=as_json)
    _say(bench, summary, more="" if suite.samplers else " --algorithms")


def _print_samplers(
    found: Sequence[Measured], suite: Suite, headlines: Mapping[Feedback, str], *, as_json: bool
) -> None:
    if as_json:
        print_agreements([each.agreement for each in found], as_json=True)
        return
    shown = best_first(_in_headlines([each.agreement for each in found], headlines), suite.budgets)
    if len(shown) <= _LONG:
        print_agreements(shown, as_json=False)
        return
    # Imported here: starting is to stay quick.
    from recbench.bench.averages import averages, by_mean_tau

    measures = {each.agreement: each for each in found}
    fields = ("dataset", "feedback", *(("noise",) if any(each.noise for each in shown) else ()), "metric", "sampler")
    means = averages([measures[each] for each in shown], (*fields, "budget"))
    print_across(by_mean_tau(means, fields[:-1]), fields, "budget")
    note("tau, and its interval with other test users (noise pulls it down)")
    reasons = Counter(each.reason for each in shown if each.reason)
    for reason, count in reasons.most_common(_REASONS):
        note(f"{count:,} of {len(shown):,} taus: {reason}")
    if (rest := len(reasons) - _REASONS) > 0:
        note(f"and {rest:,} other reasons")
    note("ceilings, regret, cost and reasons of each: 'recbench report'")


def _in_headlines(found: Sequence[Agreement], headlines: Mapping[Feedback, str]) -> list[Agreement]:
    """The lines in the headline metric, and all of a data set that has none in it: nothing finished there."""

    def ground(each: Agreement) -> tuple[object, ...]:
        return each.dataset, each.feedback, each.noise

    there = {ground(each) for each in found if each.metric == headlines[each.feedback]}
    return [each for each in found if each.metric == headlines[each.feedback] or ground(each) not in there]


def _say(bench: Benchmark, summary: Summary, *, more: str) -> None:
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(summary.statuses.items())) or "nothing to do"
    copied = f", {summary.copied} filed under further seeds, which change nothing" if summary.copied else ""
    note(
        f"{statuses}; {summary.stored} stored before{copied}; {_duration(summary.seconds)}, "
        f"{summary.runs_per_minute:.0f} runs a minute, {summary.compilations} compilations"
    )
    warn_of_unreadable(bench.store)
    if not summary.complete:
        note("some runs failed: 'recbench report --failed' says why, --retry-failed runs them again")
    note(f"results are in {bench.store.path}; other metrics and means: 'recbench report{more}'")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"

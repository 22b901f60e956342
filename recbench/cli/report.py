"""``recbench report``: tables and plots from the store."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recbench.cli.agreements import (
    print_across,
    print_agreements,
    print_averages,
    print_differences,
    print_samples,
)
from recbench.cli.algorithms import print_algorithms
from recbench.cli.stored import latest_data, stored_results
from recbench.cli.tables import Column, json_option, note, print_table
from recbench.cli.views import refuse_idle
from recbench.contracts.errors import UnknownNameError
from recbench.contracts.labels import Label

if TYPE_CHECKING:
    import polars as pl

    from recbench.bench import averages
    from recbench.bench.agreement import Measured
    from recbench.bench.scores import Roster
    from recbench.bench.suite import Suite

_PLACES = ("dataset", "feedback", "noise", "metric", "sampler", "budget")


@click.command("report")
@click.option("--store", metavar="FOLDER", help="Where results are kept (RECBENCH_STORE, or ./recbench-results).")
@click.option("--suite", metavar="NAME", help="Only what this suite asks for: a name, or the path of a suite file.")
@click.option("--dataset", "datasets", multiple=True, metavar="NAME", help="Only these data sets.")
@click.option("--feedback", multiple=True, metavar="TYPE", help="Only these feedback types.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only these metrics, as in hr@100.")
@click.option("--sampler", "samplers", multiple=True, metavar="LABEL", help="Only these samplers.")
@click.option("--algorithm", "labels", multiple=True, metavar="LABEL", help="With --quality: only these algorithms.")
@click.option("--by", multiple=True, type=click.Choice(_PLACES), help="Average over everything else.")
@click.option("--across", type=click.Choice(_PLACES), help="With --by: a column for each of its values, tau in it.")
@click.option("--shared", is_flag=True, help="Average only over what all samplers have a tau of.")
@click.option("--pairs", is_flag=True, help="Show which samplers differ in tau, over all that both have.")
@click.option("--samples", "drawn", is_flag=True, help="Show what the samples kept and how far they lean.")
@click.option("--failed", is_flag=True, help="Show what did not finish, and why, in place of the agreement.")
@click.option("--algorithms", is_flag=True, help="Show how the algorithms do on full data, in place of the agreement.")
@click.option("--quality", is_flag=True, help="Show what algorithms reach on samples, in place of the agreement.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw tau, or quality.")
@click.option("--against", default="budget", metavar="WHAT", help="What it is drawn by: see above.  [default: budget]")
@json_option
def report_command(
    store: str | None,
    suite: str | None,
    datasets: tuple[str, ...],
    feedback: tuple[str, ...],
    metrics: tuple[str, ...],
    samplers: tuple[str, ...],
    labels: tuple[str, ...],
    by: tuple[averages.Field, ...],
    across: averages.Field | None,
    shared: bool,
    pairs: bool,
    drawn: bool,
    failed: bool,
    algorithms: bool,
    quality: bool,
    plot: Path | None,
    against: str,
    as_json: bool,
) -> None:
    """Show how far each sampler keeps the ranking of the algorithms, from stored results.

    A line a sampler and budget; --by sampler --across budget has the means over all data sets, feedback types and
    metrics, with their intervals over test users. Where a sample is missing a tau, so is every mean over it: --shared
    leaves out what one of the samplers has not.

    With --quality it is the metrics themselves that are shown: of each algorithm on each sample, beside the same on the
    full data, and where train rows have noise, beside the same without.

    Tau is drawn against budget or speedup; quality against budget, noise, or a hyper-parameter that stands in labels,
    such as depth in infinite-ae[depth=2].
    """
    # Imported here: starting is to stay quick.
    from recbench.bench.agreement import measured
    from recbench.bench.roster import rosters
    from recbench.bench.suite import load_suite
    from recbench.registry import default

    asked = None if suite is None else load_suite(suite)
    frame = _stored(store, asked)
    refuse_idle(click.get_current_context())
    if across and (not by or across in by):
        raise click.UsageError(f"--across {across} needs another field that lines are by, as in --by sampler")
    wanted = {"metric": metrics, "sampler": _canonical(samplers)}
    _check_stored(frame, {"dataset": datasets, "feedback": feedback, **wanted, "algorithm": _canonical(labels)})
    frame = latest_data(_filtered(frame, {"dataset": datasets, "feedback": feedback}))
    if failed:
        _print_unfinished(frame, as_json=as_json)
        return
    if drawn:
        _print_samples(_filtered(frame, {"sampler": wanted["sampler"]}), as_json=as_json)
        return
    ranked = None if asked is None else rosters(asked, default())
    if algorithms:
        _print_algorithms(frame, asked, ranked, metrics, as_json=as_json)
        return
    if quality:
        _print_quality(frame, ranked, wanted | {"algorithm": _canonical(labels)}, plot, against, as_json=as_json)
        return
    found = [each for each in measured(frame, algorithms=ranked) if _matches(each.agreement, wanted)]
    if not found:
        note("no stored results of samplers match: 'recbench run' makes some, --algorithms shows those on full data")
    if plot is not None:
        from recbench.cli.plot import plot_agreements

        plot_agreements([each.agreement for each in found], plot, against=against)
        note(f"drawn in {plot}")
    _print_agreement(found, by, across, shared=shared, pairs=pairs, as_json=as_json)


def _print_agreement(
    found: Sequence[Measured],
    by: tuple[averages.Field, ...],
    across: averages.Field | None,
    *,
    shared: bool,
    pairs: bool,
    as_json: bool,
) -> None:
    # Imported here: starting is to stay quick.
    from recbench.bench import averages

    if shared:
        whole = len(found)
        found = averages.shared(found)
        note(f"{len(found):,} of {whole:,} lines are of what all samplers have a tau of")
    if pairs:
        print_differences(averages.differences(found), as_json=as_json)
    elif not by:
        print_agreements([each.agreement for each in found], as_json=as_json)
    else:
        fields = by if across is None else (*by, across)
        means = averages.averages(found, fields)
        if "sampler" in fields:
            means = averages.by_mean_tau(means, by[: fields.index("sampler")])
        if across is None or as_json:
            print_averages(means, fields, as_json=as_json)
        else:
            print_across(means, by, across)


def _stored(store: str | None, suite: Suite | None) -> pl.DataFrame:
    # Imported here: starting is to stay quick.
    from recbench.bench.selection import of_suite

    frame = stored_results(store)
    return frame if suite is None else of_suite(frame, suite)


def _check_stored(frame: pl.DataFrame, wanted: dict[str, tuple[str, ...]]) -> None:
    """Refuses a filter that no stored result can pass; a store without any is empty, whatever is asked."""
    for column, names in wanted.items():
        there = sorted(frame[column].drop_nulls().unique())
        for name in names if there else ():
            if name not in there:
                near = difflib.get_close_matches(name, there, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are results of {', '.join(there)}"
                raise UnknownNameError(f"there are no results of the {column} {name!r}: {hint}")


def _canonical(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(Label.parse(text)) for text in labels)


def _matches(line: object, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    return all(not names or getattr(line, field) in names for field, names in wanted.items())


def _filtered(frame: pl.DataFrame, wanted: dict[str, tuple[str, ...]]) -> pl.DataFrame:
    for column, names in wanted.items():
        if names:
            frame = frame.filter(frame[column].is_in(names))
    return frame


def _print_algorithms(
    frame: pl.DataFrame, suite: Suite | None, ranked: Roster | None, metrics: tuple[str, ...], *, as_json: bool
) -> None:
    # Imported here: starting is to stay quick.
    from recbench.bench.scores import HEADLINES
    from recbench.bench.standings import standings

    headlines = dict(HEADLINES) if suite is None else {name: suite.metrics[name][0] for name in suite.feedback}
    if metrics:
        headlines = dict.fromkeys(headlines, metrics[0])
        frame = frame.filter(frame["metric"].is_in(metrics) | frame["metric"].is_null())
    print_algorithms(standings(frame, headlines=headlines, algorithms=ranked), as_json=as_json)


def _print_quality(
    frame: pl.DataFrame,
    ranked: Roster | None,
    wanted: Mapping[str, tuple[str, ...]],
    plot: Path | None,
    against: str,
    *,
    as_json: bool,
) -> None:
    # Imported here: starting is to stay quick.
    from recbench.bench.quality import quality
    from recbench.cli.qualities import print_qualities

    found = [each for each in quality(frame, algorithms=ranked) if _matches(each, wanted)]
    if not found:
        note("no stored results match: 'recbench run' makes some")
    if plot is not None:
        from recbench.cli.plot_quality import plot_qualities
        from recbench.registry import default

        plot_qualities(found, plot, against=against, registry=default())
        note(f"drawn in {plot}")
    print_qualities(found, as_json=as_json)


def _print_samples(frame: pl.DataFrame, *, as_json: bool) -> None:
    # Imported here: starting is to stay quick.
    from recbench.bench.sample import FULL

    rows = frame.filter(frame["sampler"] != FULL, frame["kept_rows"].is_not_null())
    small = rows.with_columns(status=rows["reason"].str.extract(r"^(too small).*").fill_null(""))
    places = ["dataset", "feedback", "split", "split_seed", "noise", "noise_seed", "sampler", "budget", "sample_seed"]
    once = small.unique(places, keep="last", maintain_order=True).sort("kept_rows", descending=True)
    once = once.sort(places[:-2], maintain_order=True)
    print_samples(once, as_json=as_json)


def _print_unfinished(frame: pl.DataFrame, *, as_json: bool) -> None:
    rows = frame.filter(frame["status"] != "ok")
    columns: Sequence[str] = ("dataset", "feedback", "sampler", "budget", "algorithm", "hyper", "status", "reason")
    records = rows.select("cell", *columns, "training_seed", "sample_seed", "created").to_dicts()
    print_table(records, [*columns[:-1], Column("reason", wraps=True)], as_json=as_json)

"""``recbench sample``: writes a sample of a log to a file, for whatever library trains on it."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recbench import registry
from recbench.cli.manifest import check_files, manifest_of, plugin_words, write_manifest
from recbench.cli.options import Reading, reading_options
from recbench.cli.tables import json_option, note
from recbench.contracts.records import FEEDBACK_TYPES, Budget, Feedback

if TYPE_CHECKING:
    from recbench.bench.whole import Choice


@click.command("sample")
@click.argument("name_or_file")
@click.option("--sampler", required=True, metavar="LABEL", help="As in random or 'svp-cf[proxy=mf,unit=user]'.")
@click.option("--keep", "--budget", "budget", required=True, metavar="AMOUNT", help="10%, 1000rows, 5%users, 500users.")
@click.option("-o", "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="OUT")
@click.option("--feedback", type=click.Choice(FEEDBACK_TYPES), default="implicit", help="What it will be trained for.")
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Equal seeds give equal samples.")
@click.option("--force", is_flag=True, help="Replace OUT if it is there.")
@reading_options
@json_option
def sample_command(
    name_or_file: str,
    sampler: str,
    budget: str,
    out: Path,
    feedback: Feedback,
    seed: int,
    force: bool,
    as_json: bool,
    reading: Reading,
) -> None:
    """Keep some rows of a data set or a file, and write them as OUT: csv, tsv, parquet or inter, by its suffix.

    Nothing is held out: the budget is of all rows. Rows stay as they are in the file, with all their columns and in
    its order; those of a registered data set are written by user and time. OUT.manifest.json says what the sample was
    drawn with.
    """
    # Imported here: starting is to stay quick.
    from recbench.bench.whole import check_sampler, sample_log
    from recbench.data.writers import check_target

    wanted = Budget.parse(budget)
    check_sampler(sampler, registry.default())
    check_target(out, overwrite=force)
    check_files(Path(name_or_file), out, overwrite=force)
    log = reading.log(name_or_file)
    places, choice = sample_log(log, sampler, wanted, feedback=feedback, seed=seed)
    left_out = reading.copy(log, places, out, overwrite=force)
    content = write_manifest(asdict(choice), out, command=_command(name_or_file, out, choice, reading))
    note(f"{_shares(choice)} written to {out}; {manifest_of(out).name} says how")
    if choice.taken:
        note(f"{choice.sampler} took the sample of {choice.taken}")
    note(f"the kept rows are of items {_leaning(choice)}")
    if left_out:
        note(f"not in {out.name}: {', '.join(left_out)} (of JSON and Python lines, other columns are not read)")
    if as_json:
        click.echo(content, nl=False)


def _shares(choice: Choice) -> str:
    log, kept = asdict(choice.log), asdict(choice.kept)
    return ", ".join(f"{kept[name]:,} of {log[name]:,} {name}" for name in ("rows", "users", "items"))


def _leaning(choice: Choice) -> str:
    shift, span = choice.popularity_shift, choice.time_span
    popular = f"{abs(shift):.0%} {'more' if shift > 0 else 'less'} popular" if round(shift, 2) else "as popular"
    times = "" if span is None else f", and span {span:.0%} of its time"
    return f"{popular}{' as' if not round(shift, 2) else ' than'} the log's{times}"


def _command(name_or_file: str, out: Path, choice: Choice, reading: Reading) -> str:
    """The command line that draws the sample again."""
    words = ["recbench", "sample", name_or_file, "--sampler", choice.sampler, "--keep", choice.budget]
    words += ["--feedback", choice.feedback, "--seed", str(choice.seed), "-o", str(out)]
    return shlex.join([*words, *reading.words(), *plugin_words(choice.sampler)])

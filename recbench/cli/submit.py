"""``recbench submit``: stored results as an entry of a leaderboard."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recbench.cli.stored import latest_data, stored_results
from recbench.cli.tables import note

if TYPE_CHECKING:
    from recbench.boards.entry import Board
    from recbench.boards.files import Submission
    from recbench.boards.shelf import Shelf

_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
BOARDS = click.Choice(["samplers", "algorithms", "synthesisers"])


@click.command("submit")
@click.argument("suite", required=False)
@click.option("--board", type=BOARDS, help="By default samplers, or algorithms where the suite has no samplers.")
@click.option("--subset", metavar="NAME", default="", help="A part of the suite that it gives a name, such as quick.")
@click.option("--sampler", "samplers", multiple=True, metavar="LABEL", help="In place of the suite's samplers.")
@click.option("--algorithm", "algorithms", multiple=True, metavar="LABEL", help="For the board of algorithms.")
@click.option("--dataset", "datasets", multiple=True, metavar="NAME", help="In place of the suite's data sets.")
@click.option("--data", type=_FILE, metavar="FILE", help="A log of your own that the results are of.")
@click.option("--store", metavar="FOLDER", help="Where results are kept (RECBENCH_STORE, or ./recbench-results).")
@click.option("--to", "root", type=_FOLDER, default="leaderboards", metavar="FOLDER", help="Folder of all boards.")
@click.option("--submitter", default="", metavar="NAME", help="Who submits it.")
@click.option("--link", default="", metavar="URL", help="Where to read more, as in https://...")
@click.option("--schema", is_flag=True, help="Print the form of an entry as JSON Schema, and nothing else.")
def submit_command(
    suite: str | None,
    board: Board | None,
    subset: str,
    samplers: tuple[str, ...],
    algorithms: tuple[str, ...],
    datasets: tuple[str, ...],
    data: Path | None,
    store: str | None,
    root: Path,
    submitter: str,
    link: str,
    schema: bool,
) -> None:
    """Write the stored results of SUITE as an entry of its leaderboard.

    The results must be all that the suite asks for of the samplers or algorithms that are submitted: what is missing is
    said, and nothing is written. A sampler is submitted with --sampler LABEL on all budgets of the suite, with all its
    algorithms; an algorithm with --board algorithms --algorithm LABEL.
    The entry goes to FOLDER/SUITE-vN/entries with its bootstrap replicates beside it, and its path is printed; how to
    bring it into a repository is said after it.
    """
    if schema:
        from recbench.boards.entry import entry_schema  # starting is to stay quick

        click.echo(json.dumps(entry_schema(), indent=1, sort_keys=True))
        return
    if suite is None:
        raise click.UsageError("no suite was given: name the one whose results are submitted")
    if algorithms and board != "algorithms":
        raise click.UsageError("--algorithm is for the board of algorithms: give --board algorithms, or leave it out")
    # Imported here: starting is to stay quick.
    from recbench.bench.suite import load_suite
    from recbench.boards.build import build_submission
    from recbench.boards.files import board_folder, write_submission

    chosen = (
        load_suite(suite)
        .subset(subset)
        .override(samplers=samplers or None, algorithms=algorithms or None, datasets=datasets or None)
    )
    made = build_submission(
        latest_data(stored_results(store)),
        chosen,
        board=board,
        subset=subset,
        submitter=submitter,
        link=link,
        shelf=shelf(data),
    )
    path = write_submission(made, board_folder(root, chosen.name, chosen.version))
    note_of_submission(made)
    click.echo(path)
    for line in _steps(path, made):
        note(line)


def note_of_submission(made: Submission) -> None:
    """Says what an entry comes to."""
    entry = made.entry
    outcomes = f"{len(entry.standings) or len(entry.qualities)} values"
    if entry.board == "samplers":
        missing = sum(row.tau is None for row in entry.agreements)
        outcomes = f"{missing} of {len(entry.agreements)} taus are missing"
    samplers = f"{len(entry.samplers)} samplers, " if entry.samplers else ""
    note(f"{samplers}{len(entry.algorithms)} algorithms, {entry.cost.runs:,} runs; {outcomes}")


def shelf(data: Path | None) -> Shelf:
    """The data sets at hand, the log of ``--data`` among them."""
    from recbench.boards.shelf import Shelf  # starting is to stay quick
    from recbench.data.readers import load_dataset
    from recbench.registry import default

    given = [] if data is None else [load_dataset(data)]
    return Shelf(default(), {each.name: each for each in given})


def _steps(path: Path, made: Submission) -> list[str]:
    """How to bring an entry into a repository."""
    files = shlex.join([str(path), str(path.with_name(f"{made.entry.replicates.sha256}.parquet"))])
    name = f"entry-{path.stem}"
    return [
        f"to check it: recbench verify {shlex.quote(str(path))}",
        "to submit it, in a clone of the repository of the boards:",
        f"  git switch --create {name}",
        f"  git add {files}",
        f"  git commit --message {shlex.quote(f'Add an entry to the board of {made.entry.suite}')}",
        f"  git push --set-upstream origin {name}",
        "and open a pull request from that branch",
    ]

"""``recbench board``: leaderboards out of stored results."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recbench.cli.stored import latest_data, stored_results
from recbench.cli.submit import BOARDS, note_of_submission
from recbench.cli.tables import note
from recbench.contracts.errors import ParameterError

if TYPE_CHECKING:
    from recbench.boards.entry import Board, Entry

_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group("board")
def board() -> None:
    """Leaderboards: entries, and the pages made of them."""


@board.command("build")
@click.option("--suite", default="svp-cf", metavar="SUITE", help="A suite's name or file; svp-cf unless given.")
@click.option(
    "--board", "kind", type=BOARDS, help="By default samplers, or algorithms where the suite has no samplers."
)
@click.option("--store", metavar="FOLDER", help="Where results are kept (RECBENCH_STORE, or ./recbench-results).")
@click.option("--to", "root", type=_FOLDER, default="leaderboards", metavar="FOLDER", help="Folder of all boards.")
@click.option("--subset", metavar="NAME", default="", help="A part of the suite that it gives a name, such as quick.")
@click.option("--dataset", "datasets", multiple=True, metavar="NAME", help="In place of the suite's data sets.")
@click.option("--readme", type=_FILE, metavar="FILE", help="Renew the block of a page, on the first data set.")
@click.option("--no-entry", is_flag=True, help="Only make the pages of the entries that are there.")
def build_command(
    suite: str,
    kind: Board | None,
    store: str | None,
    root: Path,
    subset: str,
    datasets: tuple[str, ...],
    readme: Path | None,
    no_entry: bool,
) -> None:
    """Write the stored results of a suite as an entry of its leaderboard, and make the pages anew.

    The entry goes to FOLDER/SUITE-vN/entries, the pages to FOLDER/SUITE-vN: README.md, and index.html, which sorts and
    filters, draws plots, and needs no other file; what was written is printed. Where there are entries of several
    boards, the others have pages of their own, as algorithms.md and algorithms.html. Of entries that speak of the same,
    the pages show the newest. With --readme, the lines between <!-- board:begin --> and <!-- board:end --> of that file
    become a short table of samplers.
    """
    # Imported here: starting is to stay quick.
    from recbench.bench.suite import load_suite
    from recbench.boards.build import build_submission
    from recbench.boards.files import board_folder, oldest_first, read_entries, submission_files, write_files
    from recbench.boards.pages import pages_of, possible_pages
    from recbench.boards.verdict import read_verdicts

    chosen = load_suite(suite).subset(subset).override(datasets=datasets or None)
    folder = board_folder(root, chosen.name, chosen.version)
    entries = read_entries(folder)
    verdicts = read_verdicts(folder, entries)
    files: dict[Path, bytes] = {}  # all are made before any is written, so that what is refused changes nothing
    if not no_entry:
        made = build_submission(latest_data(stored_results(store)), chosen, board=kind, subset=subset)
        files = submission_files(made, folder)
        entries = oldest_first({**entries, list(files)[-1].name: made.entry})
    if not entries:
        raise ParameterError(f"there are no entries in {folder}: leave out --no-entry to write one")
    pages = pages_of(entries, source=suite, verdicts=verdicts)
    files |= {folder / name: text.encode() for name, text in pages.items()}
    if readme is not None:
        if readme.resolve() in {path.resolve() for path in files}:
            raise ParameterError(f"{readme} is a page of the board itself, made anew each time: give --readme another")
        files[readme] = _with_block(readme, entries, folder, datasets[0] if datasets else None, suite).encode()
    write_files(files)
    for name in possible_pages() - pages.keys():  # of entries that are gone
        (folder / name).unlink(missing_ok=True)
    if not no_entry:
        note_of_submission(made)
    for path in files:
        if path.suffix != ".parquet":
            click.echo(path)


def _with_block(readme: Path, entries: dict[str, Entry], folder: Path, dataset: str | None, source: str) -> str:
    """A page with a new block about the entries of samplers."""
    from recbench.boards.newest import by_board  # starting is to stay quick
    from recbench.boards.pages import README
    from recbench.boards.render import render_block, replace_block

    own = by_board(entries).get("samplers")
    if own is None:
        raise ParameterError(f"there are no entries of samplers in {folder}: leave out --readme, or submit one")
    link = Path(os.path.relpath(folder / README, readme.parent)).as_posix()
    block = render_block(own, dataset=dataset, link=link, source=source)
    return replace_block(readme.read_text(encoding="utf-8"), block, file=str(readme))


@board.command("serve")
@click.argument("folder", type=click.Path(file_okay=False, exists=True, path_type=Path), default="leaderboards")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any that is free.")
def serve_command(folder: Path, port: int) -> None:
    """Show the pages of the boards in FOLDER (leaderboards unless given) to browsers on this machine, until Ctrl-C."""
    from recbench.boards.serve import open_server  # starting is to stay quick

    server, addresses = open_server(folder, port=port)
    with server:
        for address in addresses:
            click.echo(address)
        note("press Ctrl-C to stop")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            note("stopped")

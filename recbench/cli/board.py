"""``recbench board``: leaderboards out of stored results."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recbench.cli.stored import latest_data, stored_results
from recbench.cli.submit import note_of_submission
from recbench.cli.tables import note
from recbench.contracts.errors import ParameterError

if TYPE_CHECKING:
    from recbench.bench.suite import Suite
    from recbench.boards.entry import Entry
    from recbench.boards.files import Submission

_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group("board")
def board() -> None:
    """Leaderboards: entries, and the pages made of them."""


@board.command("build")
@click.option("--suite", default="svp-cf", metavar="SUITE", help="A suite's name or file; svp-cf unless given.")
@click.option("--store", metavar="FOLDER", help="Where results are kept (RECBENCH_STORE, or ./recbench-results).")
@click.option("--to", "root", type=_FOLDER, default="leaderboards", metavar="FOLDER", help="Folder of all boards.")
@click.option("--dataset", "datasets", multiple=True, metavar="NAME", help="In place of the suite's data sets.")
@click.option("--readme", type=_FILE, metavar="FILE", help="Renew the block of a page, on the first data set.")
@click.option("--no-entry", is_flag=True, help="Only make the pages of the entries that are there.")
def build_command(
    suite: str, store: str | None, root: Path, datasets: tuple[str, ...], readme: Path | None, no_entry: bool
) -> None:
    """Write the stored results of a suite as an entry of its leaderboard, and make the pages anew.

    The entry goes to FOLDER/SUITE-vN/entries, the pages to FOLDER/SUITE-vN: README.md, and index.html, which sorts and
    filters, draws plots, and needs no other file; what was written is printed. Of entries that speak of the same
    sampler, data set and budget, the pages show the newest. With --readme, the lines between <!-- board:begin --> and
    <!-- board:end --> of that file become a short table.
    """
    # Imported here: starting is to stay quick.
    from recbench.bench.suite import load_suite
    from recbench.boards.files import board_folder, oldest_first, read_entries, write_submission
    from recbench.boards.render import replace_block

    chosen = load_suite(suite).override(datasets=datasets or None)
    folder = board_folder(root, chosen.name, chosen.version)
    entries = read_entries(folder)  # what is there is checked before anything is written
    if readme is not None:
        replace_block(readme.read_text(encoding="utf-8"), "", file=str(readme))
    if not no_entry:
        made = _submission(chosen, store)
        path = write_submission(made, folder)
        click.echo(path)
        entries = oldest_first({**entries, path.name: made.entry})
    if not entries:
        raise ParameterError(f"there are no entries in {folder}: leave out --no-entry to write one")
    _write_pages(entries, folder, readme, dataset=datasets[0] if datasets else None, source=suite)


def _submission(suite: Suite, store: str | None) -> Submission:
    from recbench.boards.build import build_submission

    made = build_submission(latest_data(stored_results(store)), suite, board="samplers")
    note_of_submission(made)
    return made


def _write_pages(
    entries: dict[str, Entry], folder: Path, readme: Path | None, *, dataset: str | None, source: str
) -> None:
    from recbench.bench.parts import publish
    from recbench.boards.html import render_page
    from recbench.boards.render import render_block, render_board, replace_block
    from recbench.boards.samplers_page import samplers_page

    page = folder / "README.md"
    pages = {
        page: render_board(entries, source=source),
        folder / "index.html": render_page(samplers_page(entries, source=source)),
    }
    if readme is not None:
        link = Path(os.path.relpath(page, readme.parent)).as_posix()
        block = render_block(entries, dataset=dataset, link=link, source=source)
        pages[readme] = replace_block(readme.read_text(encoding="utf-8"), block, file=str(readme))
    for path, text in pages.items():
        publish(text.encode(), path)
        click.echo(path)


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

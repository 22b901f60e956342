"""Progress on standard error: a bar on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from recbench.bench.runner import Progress


@contextmanager
def reporting() -> Iterator[Callable[[Progress], None]]:
    """Gives the function to hand to a benchmark; the bar is gone when the block ends."""
    if sys.stderr.isatty():
        yield from _bar()
    else:
        yield _line


def _line(progress: Progress) -> None:
    at = f"[{progress.done}/{progress.total}] " if progress.kind == "group" else ""
    click.echo(f"{at}{progress.text}", err=True)


def _bar() -> Iterator[Callable[[Progress], None]]:
    # Imported here: only a terminal needs it, and starting is to stay quick.
    from rich import progress as rich
    from rich.console import Console
    from rich.markup import escape

    columns = (
        rich.SpinnerColumn(),
        rich.BarColumn(bar_width=30),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
        rich.TextColumn("{task.description}"),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def show(progress: Progress) -> None:
            if progress.kind == "group":
                bar.update(task, completed=progress.done, total=progress.total, description=escape(progress.text))
            else:
                bar.update(task, completed=progress.done, total=progress.total or None)
                bar.console.print(progress.text, markup=False, highlight=False)

        yield show

"""Progress on standard error: a bar on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from recbench.bench.runner import Progress


_EVERY = 10.0  # seconds between lines about the steps of one piece of work


@contextmanager
def stepping() -> Iterator[Callable[[int, int, str], None]]:
    """Gives the function that long work calls with its steps done, its steps in all, and how it does."""
    # Imported here: starting is to stay quick.
    from recbench.bench.summary import Progress

    with reporting() as report:
        show = report if sys.stderr.isatty() else _now_and_then(report)
        yield lambda done, total, text: show(Progress("group", text, done, total))


def _now_and_then(report: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """A line every few seconds, not every step, that says what a bar shows: how long the work may still take."""
    began: tuple[float, int] | None = None  # when the first step was done, and which: it compiles, or is not the first
    last = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal began, last
        now = time.monotonic()
        began = began or (now, progress.done)
        if now - last < _EVERY and progress.done < progress.total:
            return
        pace = (now - began[0]) / max(progress.done - began[1], 1)
        rest = progress.total - progress.done
        report(replace(progress, text=f"{progress.text}, {rest * pace:.0f} s left at most" if rest else progress.text))
        last = now

    return show


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

"""The table of algorithms: how each does on the full data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from recbench.cli.tables import Column, note, print_table

if TYPE_CHECKING:
    from recbench.bench.standings import Standing

LEGEND = (
    "2.5% and 97.5%: with other test users; +-: standard deviation over training seeds; lead: how much better than the "
    "next; p: of that lead, over users and seeds, corrected for all pairs; grid: points tried; *: the smallest or "
    "largest value tried; seconds: of one run"
)


def print_algorithms(found: Sequence[Standing], *, as_json: bool) -> None:
    """A table for each data set and feedback type, with a line for each algorithm, best first."""
    if as_json:
        print_table([asdict(each) for each in found], (), as_json=True)
        return
    grounds = groupby(found, key=lambda each: (each.dataset, each.feedback, each.noise))
    for number, (_, group) in enumerate(grounds):
        standings = list(group)
        click.echo(("\n" if number else "") + _title(standings[0]))
        print_table([_record(each) for each in standings], list(_columns(standings)))
    if found:
        note(LEGEND)


def _title(first: Standing) -> str:
    noise = f", noise {first.noise:g}" if first.noise else ""
    seeds = f"{first.seeds} training seed{'s' if first.seeds > 1 else ''}"
    return (
        f"{first.dataset}, {first.feedback} feedback{noise}: by {first.metric} on the test rows of the {first.split} "
        f"split, tuned by {first.select} on its validation rows, {seeds}"
    )


def _columns(standings: Sequence[Standing]) -> Iterator[Column | str]:
    yield from ("rank", "algorithm", standings[0].metric, Column("low", "2.5%"), Column("high", "97.5%"))
    if any(measure.spread is not None for each in standings for measure in each.metrics.values()):
        yield Column("spread", "+-")
    yield from ("lead", Column("p_value", "p", digits=3))
    yield from [name for name in standings[0].metrics if name != standings[0].metric]
    yield from ("grid", Column("tuned", wraps=True), Column("seconds", digits=2))
    if any(each.reason for each in standings):
        yield Column("reason", wraps=True)


def _record(each: Standing) -> dict[str, Any]:
    headline = each.metrics[each.metric]
    search = each.search
    return {
        **{name: measure.value for name, measure in each.metrics.items()},
        **{name: getattr(headline, name) for name in ("low", "high", "spread")},
        **{name: getattr(each, name) for name in ("rank", "algorithm", "lead", "p_value", "seconds", "reason")},
        "grid": search.points if search.points == search.finished else f"{search.finished}/{search.points}",
        "tuned": ", ".join(f"{name}={search.hyper[name]}{'*' * (name in search.edges)}" for name in search.tuned),
    }

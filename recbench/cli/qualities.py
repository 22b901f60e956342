"""The table of quality: what algorithms reach on samples and fake users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from recbench.cli.tables import Column, cell, note, print_table

if TYPE_CHECKING:
    from recbench.bench.quality import Quality

LEGEND = (
    "2.5% and 97.5%: with other test users; +-: standard deviation over seeds; of full: as a share of what the "
    "algorithm reaches on all rows; seconds: of one run, drawing apart; on full: of one on all rows"
)
_OF_CLEAN = "of clean: as a share of what the same reaches without noise"
_COLUMNS = (
    "dataset",
    "feedback",
    Column("noise", digits=2),
    "metric",
    "algorithm",
    "sampler",
    "budget",
    "seeds",
    "value",
    Column("low", "2.5%"),
    Column("high", "97.5%"),
    Column("spread", "+-"),
    Column("share", "of full"),
    Column("kept", "of clean"),
    Column("seconds", digits=2),
    Column("sampler_seconds", "drawing", digits=2),
    Column("full_seconds", "on full", digits=2),
    Column("reason", wraps=True),
)
_SELDOM = ("noise", "spread", "kept", "reason")
"""Columns that a table shows where they say something."""


def print_qualities(found: Sequence[Quality], *, as_json: bool) -> None:
    """A line for each algorithm and what it was trained on; shares have their intervals in brackets."""
    silent = {field for field in _SELDOM if not any(getattr(each, field) for each in found)}
    columns = [each for each in _COLUMNS if not (isinstance(each, Column) and each.field in silent)]
    print_table([asdict(each) if as_json else _record(each) for each in found], columns, as_json=as_json)
    if found and not as_json:
        note(LEGEND if "kept" in silent else f"{LEGEND}; {_OF_CLEAN}")


def _record(each: Quality) -> dict[str, Any]:
    return asdict(each) | {field: _with_interval(each, field) for field in ("share", "kept")}


def _with_interval(each: Quality, field: str) -> str:
    value, low, high = (cell(getattr(each, name), digits=3) for name in (field, f"{field}_low", f"{field}_high"))
    return value if low == "-" else f"{value} [{low}, {high}]"

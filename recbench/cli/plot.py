"""Tau against the share of the data that was kept, with intervals and the noise ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from recbench.cli.canvas import Axis, Level, Line, Panel, Point, draw_panels
from recbench.contracts.errors import ParameterError
from recbench.contracts.records import Agreement, Budget

_LIMITS = (-1.05, 1.05)
_SPEEDUP = Axis("times faster than on full data", log=2)


def plot_agreements(found: Sequence[Agreement], target: Path, *, against: str = "budget") -> None:
    """Writes one panel for each data set, feedback type and metric; the file's suffix is its format.

    Args:
      against: what tau is drawn against: ``budget``, what was kept, or ``speedup``, how much faster samples are trained
        on.

    Raises:
      ParameterError: matplotlib is not installed, there is nothing to draw, or too much for one file.
    """
    drawn = [each for each in found if each.tau is not None and getattr(each, against) is not None]
    if not drawn:
        raise ParameterError(
            "there is no tau to draw: at least two algorithms must have finished on full data and a sample"
        )
    samplers = list(dict.fromkeys(each.sampler for each in drawn))
    panels = [
        _panel(place, list(lines), samplers, by_budget=against == "budget")
        for place, lines in groupby(sorted(drawn, key=_place), key=_place)
    ]
    draw_panels(panels, target)


def _panel(place: tuple[str, ...], found: Sequence[Agreement], samplers: Sequence[str], *, by_budget: bool) -> Panel:
    budgets = sorted({each.budget for each in found}, key=_amount)
    ceilings = [each.ceiling for each in found if each.ceiling is not None]
    lines = [
        Line([_point(each, budgets.index(each.budget) if by_budget else each.speedup) for each in own], sampler)
        for sampler in samplers
        if (own := sorted((each for each in found if each.sampler == sampler), key=lambda each: _amount(each.budget)))
    ]
    return Panel(
        f"{', '.join(place)} (over {max(each.num_algorithms for each in found)} algorithms)",
        lines,
        Axis.of_names("kept", budgets) if by_budget else _SPEEDUP,
        "Kendall's tau",
        _LIMITS,
        Level("noise ceiling", ceilings[0]) if ceilings else None,
    )


def _point(each: Agreement, x: float | None) -> Point:
    assert x is not None and each.tau is not None
    return Point(x, each.tau, each.tau_low, each.tau_high)


def _place(each: Agreement) -> tuple[str, str, str]:
    return each.dataset, f"{each.feedback}, noise {each.noise:g}" if each.noise else each.feedback, each.metric


def _amount(budget: str) -> float:
    return Budget.parse(budget).amount

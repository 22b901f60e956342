"""Tau against the share of the data that was kept, with intervals and the noise ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from recbench.contracts.errors import ParameterError
from recbench.contracts.records import Agreement, Budget

_PANEL = (4.6, 3.4)  # inches
_ACROSS = 3  # panels side by side
_MOST = 60  # panels in one file
_MARKERS = "os^Dv"


def plot_agreements(
    found: Sequence[Agreement], target: Path, *, against: Literal["budget", "speedup"] = "budget"
) -> None:
    """Writes one panel for each data set, feedback type and metric; the file's suffix is its format.

    Args:
      against: what tau is drawn against: the share that was kept, or how much faster the samples are trained on.

    Raises:
      ParameterError: matplotlib is not installed, there is nothing to draw, or too much for one file.
    """
    drawn = [each for each in found if each.tau is not None and getattr(each, against) is not None]
    panels = [(place, list(lines)) for place, lines in groupby(sorted(drawn, key=_place), key=_place)]
    if not panels:
        raise ParameterError(
            "there is no tau to draw: at least two algorithms must have finished on full data and a sample"
        )
    if len(panels) > _MOST:
        raise ParameterError(f"{len(panels)} panels are too many for one file: narrow them with --dataset or --metric")
    figure, axes = _canvas(len(panels))
    samplers = list(dict.fromkeys(each.sampler for each in drawn))
    for axis, (place, lines) in zip(axes, panels, strict=False):
        _draw(axis, lines, samplers, against=against)
        axis.set_title(
            f"{', '.join(place)} (over {max(each.num_algorithms for each in lines)} algorithms)", fontsize="small"
        )
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    known = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    columns = 2 * min(len(panels), _ACROSS)  # labels of samplers with parameters are wide
    figure.legend(known.values(), known.keys(), loc="outside lower center", ncols=columns, fontsize="small")
    try:
        figure.savefig(target, dpi=150)
    except ValueError as error:
        raise ParameterError(f"{target} cannot be drawn: {error}; end it in .png, .svg or .pdf") from error


def _canvas(panels: int) -> tuple[Any, list[Any]]:
    try:
        # Imported here: drawing is an extra, and this backend needs no display.
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ParameterError("--plot needs matplotlib: install it with pip install 'recbench[plot]'") from error
    across = min(panels, _ACROSS)
    down = -(-panels // across)
    figure = Figure(figsize=(_PANEL[0] * across, _PANEL[1] * down + 1.0), layout="constrained")
    return figure, list(figure.subplots(down, across, squeeze=False).flat)


def _draw(axis: Any, lines: Sequence[Agreement], samplers: Sequence[str], *, against: str) -> None:
    budgets = sorted({each.budget for each in lines}, key=_amount)
    for number, sampler in enumerate(samplers):
        own = sorted((each for each in lines if each.sampler == sampler), key=lambda each: _amount(each.budget))
        if not own:
            continue
        shift = (number - (len(samplers) - 1) / 2) * 0.6 / len(samplers)  # side by side, so that intervals stay apart
        at = [budgets.index(each.budget) + shift if against == "budget" else each.speedup for each in own]
        tau = [each.tau for each in own]
        marker = _MARKERS[number // 10 % len(_MARKERS)]  # colours repeat after ten
        axis.plot(at, tau, marker=marker, markersize=3, linewidth=1, label=sampler, color=f"C{number % 10}")
        low = [each.tau_low if each.tau_low is not None else each.tau for each in own]
        high = [each.tau_high if each.tau_high is not None else each.tau for each in own]
        axis.vlines(at, low, high, linewidth=0.8, alpha=0.6, color=f"C{number % 10}")
    ceilings = [each.ceiling for each in lines if each.ceiling is not None]
    if ceilings:
        axis.axhline(ceilings[0], linestyle="--", linewidth=0.8, color="grey", label="noise ceiling")
    if against == "budget":
        axis.set_xticks(range(len(budgets)), budgets)
        axis.set_xlim(-0.5, len(budgets) - 0.5)
        axis.set_xlabel("kept")
    else:
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_xlabel("times faster than on full data")
    axis.set_ylim(-1.05, 1.05)
    axis.set_ylabel("Kendall's tau")


def _place(each: Agreement) -> tuple[str, str, str]:
    return each.dataset, f"{each.feedback}, noise {each.noise:g}" if each.noise else each.feedback, each.metric


def _amount(budget: str) -> float:
    return Budget.parse(budget).amount

"""Panels of lines with intervals, in one figure and file: what all plots share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from recbench.contracts.errors import ParameterError

_PANEL = (4.6, 3.4)  # inches
_ACROSS = 3  # panels side by side
_MOST = 60  # panels in one file
_COLOURS = 10  # before they repeat
_MARKERS = "os^Dv"
_STROKES = ("-", "--", ":", "-.")


class Point(NamedTuple):
    """A value with its interval."""

    x: float
    y: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """Points that belong together; lines of one colour or stroke have it in all panels."""

    points: Sequence[Point]
    colour: str  # what it stands for
    stroke: str = ""

    @property
    def label(self) -> str:
        return f"{self.colour}, {self.stroke}" if self.stroke else self.colour


@dataclass(frozen=True, slots=True)
class Level:
    """A dashed line across a panel, with its interval as a band."""

    label: str
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """The axis that lines go along."""

    label: str
    ticks: Mapping[float, str] = field(default_factory=dict)  # none: those that matplotlib sets
    log: int | None = None  # base of the logarithm; None: it is linear
    spread: float = 0.0  # what lines are set side by side over, so that intervals stay apart; a factor less 1 if log
    limits: tuple[float, float] | None = None

    @classmethod
    def of_names(cls, label: str, names: Sequence[str]) -> Axis:
        """One place for each name, at 0, 1, ..."""
        return cls(label, dict(enumerate(names)), spread=0.6, limits=(-0.5, len(names) - 0.5))


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes."""

    title: str
    lines: Sequence[Line]
    x: Axis
    y: str
    y_limits: tuple[float, float] | None = None  # None: what the lines take
    level: Level | None = None


def draw_panels(panels: Sequence[Panel], target: Path) -> None:
    """Writes the panels and one legend; the file's suffix is its format.

    Raises:
      ParameterError: matplotlib is not installed, there are too many panels, or the suffix names no format.
    """
    if len(panels) > _MOST:
        raise ParameterError(f"{len(panels)} panels are too many for one file: narrow them with --dataset or --metric")
    figure, axes = _canvas(len(panels))
    styles = _Styles(panels)
    for axis, panel in zip(axes, panels, strict=False):
        _draw(axis, panel, styles)
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


class _Styles:
    """What lines look like: the same for equal ones of all panels."""

    def __init__(self, panels: Sequence[Panel]) -> None:
        lines = [line for panel in panels for line in panel.lines]
        self._labels = list(dict.fromkeys(line.label for line in lines))
        self._colours = list(dict.fromkeys(line.colour for line in lines))
        self._strokes = list(dict.fromkeys(line.stroke for line in lines))

    def shift(self, line: Line) -> float:
        """How far a line stands to the side, from -0.5 to 0.5."""
        return (self._labels.index(line.label) - (len(self._labels) - 1) / 2) / len(self._labels)

    def of(self, line: Line) -> dict[str, str]:
        colour, stroke = self._colours.index(line.colour), self._strokes.index(line.stroke)
        return {
            "color": f"C{colour % _COLOURS}",
            "marker": _MARKERS[(colour // _COLOURS + stroke) % len(_MARKERS)],
            "linestyle": _STROKES[stroke % len(_STROKES)],
        }


def _draw(axis: Any, panel: Panel, styles: _Styles) -> None:
    for line in panel.lines:
        style, at = styles.of(line), [_beside(point.x, panel.x, styles.shift(line)) for point in line.points]
        axis.plot(at, [point.y for point in line.points], markersize=3, linewidth=1, label=line.label, **style)
        low = [point.y if point.low is None else point.low for point in line.points]
        high = [point.y if point.high is None else point.high for point in line.points]
        axis.vlines(at, low, high, linewidth=0.8, alpha=0.6, color=style["color"])
    if panel.level is not None:
        _draw_level(axis, panel.level)
    _set_x(axis, panel.x)
    if panel.y_limits is not None:
        axis.set_ylim(*panel.y_limits)
    axis.set_ylabel(panel.y)
    axis.set_title(panel.title, fontsize="small")


def _beside(x: float, axis: Axis, shift: float) -> float:
    return x * (1 + axis.spread) ** shift if axis.log else x + axis.spread * shift


def _draw_level(axis: Any, level: Level) -> None:
    axis.axhline(level.y, linestyle="--", linewidth=0.8, color="grey", label=level.label)
    if level.low is not None and level.high is not None:
        axis.axhspan(level.low, level.high, color="grey", alpha=0.15, linewidth=0)


def _set_x(axis: Any, x: Axis) -> None:
    if x.log:
        axis.set_xscale("log", base=x.log)
        axis.xaxis.set_major_formatter("{x:g}")
    if x.ticks:
        axis.set_xticks(list(x.ticks), list(x.ticks.values()), fontsize="small")
        axis.minorticks_off()
    if x.limits is not None:
        axis.set_xlim(*x.limits)
    axis.set_xlabel(x.label)

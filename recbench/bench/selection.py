"""Which point of a grid stands for its algorithm: the one that validation preferred. The test set has no say."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from recbench.bench.cells import AXES, Cell
from recbench.bench.roster import metric_spec
from recbench.bench.sample import FULL
from recbench.contracts.records import ParameterValue
from recbench.registry import Registry, default

_DRAW = ("sampler", "unit", "budget", "sample_seed", "sampler_code", "training_seed")
CONTEST = tuple(axis for axis in AXES if axis not in (*_DRAW, "hyper"))
"""Axes that are equal for all runs of one algorithm, tuned once: on full data, with the first training seed."""


def choose(frame: pl.DataFrame, registry: Registry | None = None) -> pl.DataFrame:
    """The rows of a store's frame whose hyper-parameters validation chose, in their order.

    With ``tuning = "full"`` an algorithm has one choice, made on the finished runs on full data with the lowest
    training seed, and it holds for all its samples; with ``tuning = "sample"`` each sample has its own. Equal
    validations fall by the text of the hyper-parameters; runs without a validation stand last.
    """
    parts = []
    for tuning, axes in (("full", CONTEST), ("sample", (*CONTEST, *_DRAW))):
        rows = frame.filter(pl.col("tuning") == tuning)
        judged = rows.filter(pl.col("status") == "ok")
        if tuning == "full":
            judged = judged.filter(pl.col("sampler") == FULL)
            judged = judged.filter(pl.col("training_seed") == pl.col("training_seed").min().over(CONTEST))
        parts.append(rows.join(_best(judged, axes, registry or default()), on=[*axes, "hyper"], maintain_order="left"))
    return pl.concat(parts) if frame.height else frame


def chosen_hyper(
    cells: Sequence[Cell], frame: pl.DataFrame, registry: Registry | None = None
) -> dict[str, dict[str, ParameterValue]]:
    """What validation chose among these cells, by algorithm; algorithms that finished none of them are missing."""
    known = {cell.id: cell for cell in cells}
    rows = frame.filter(pl.col("cell").is_in(list(known)))
    best = [known[name] for name in choose(rows, registry)["cell"].unique()]
    return {cell.algorithm: cell.hyper for cell in best}


def _best(judged: pl.DataFrame, axes: tuple[str, ...], registry: Registry) -> pl.DataFrame:
    """The best point for each value of the axes: columns axes and hyper."""
    downwards = [select for select in judged["select"].unique() if not metric_spec(select, registry).higher_is_better]
    worse = pl.col("validation") * pl.when(pl.col("select").is_in(downwards)).then(1.0).otherwise(-1.0)
    ordered = judged.with_columns(worse=worse).sort("worse", "hyper", nulls_last=True)
    return ordered.unique(axes, keep="first", maintain_order=True).select(*axes, "hyper")

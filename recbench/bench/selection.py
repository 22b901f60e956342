"""Which point of a grid stands for its algorithm: the one that validation preferred. The test set has no say."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from recbench.bench.cells import AXES, Cell, hyper_text
from recbench.bench.context import bind_sampler
from recbench.bench.roster import entrants, metric_spec
from recbench.bench.sample import FULL
from recbench.bench.suite import Suite
from recbench.contracts.records import ParameterValue
from recbench.data.split import DEFAULT_PROTOCOL
from recbench.registry import Registry, default

_DRAW = ("sampler", "unit", "budget", "sample_seed", "sampler_code", "training_seed")
JUDGED_BY = (*AXES, "validation")
"""Columns of the store that a choice takes, beside those that tell copies of a cell apart."""

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


def of_suite(frame: pl.DataFrame, suite: Suite, registry: Registry | None = None) -> pl.DataFrame:
    """The rows that a suite asks for, whichever suite made them first and whatever data they are on."""
    known = registry or default()
    protocol = suite.protocol
    samplers = {bind_sampler(text, known).label for text in suite.samplers}
    sampled = pl.col("sampler").is_in(list(samplers)) & pl.col("budget").is_in(list(suite.budgets))
    sampled &= pl.col("sample_seed").is_in(list(suite.seeds.sample))
    full = (pl.col("sampler") == FULL) & pl.col("training_seed").is_in(list(suite.seeds.full))
    asked = pl.DataFrame(
        [
            (feedback, metric, protocol.select[feedback], entrant.label, hyper_text(hyper))
            for feedback in suite.feedback
            for metric in (*suite.metrics[feedback], None)
            for entrant in entrants(suite, feedback, known)
            for hyper in entrant.grid
        ],
        schema=dict.fromkeys(("feedback", "metric", "select", "algorithm", "hyper"), pl.String()),
        orient="row",
    )
    clean = pl.col("noise") == 0  # there is no noise to seed
    noisy = pl.col("noise").is_in(list(protocol.noise)) & (clean | (pl.col("noise_seed") == protocol.noise_seed))
    found = frame.filter(
        (full | sampled) & noisy,
        split_seed=protocol.split_seed,
        mask=protocol.mask,
        history=protocol.history,
        tuning=protocol.tuning,
        max_epochs=protocol.epochs,
        validate_every=protocol.validate_every,
        patience=protocol.patience,
    ).join(asked, on=asked.columns, how="semi", nulls_equal=True, maintain_order="left")
    return _of_splits(found, suite)


def newest_data(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The rows on the latest state of each data set, and the names of those that had others: a log may be edited.

    So may recbench: where its own code changed what runs come to, earlier ones are left out too.
    """
    state = ["dataset", "data", "protocol"]
    newest = frame.sort("created", maintain_order=True).unique("dataset", keep="last").select(state)
    kept = frame.join(newest, on=state, how="semi", maintain_order="left")
    left_out = frame.join(newest, on=state, how="anti")
    return kept, sorted(left_out["dataset"].unique())


def _of_splits(frame: pl.DataFrame, suite: Suite) -> pl.DataFrame:
    """The rows on the split that a suite prefers of those that a data set has rows on."""
    preferences = pl.DataFrame(
        [
            (feedback, split, place)
            for feedback in suite.feedback
            for place, split in enumerate(suite.protocol.split.get(feedback) or [DEFAULT_PROTOCOL[feedback]])
        ],
        schema={"feedback": pl.String(), "split": pl.String(), "preference": pl.Int64()},
        orient="row",
    )
    ranked = frame.join(preferences, on=["feedback", "split"], maintain_order="left")
    first = pl.col("preference") == pl.col("preference").min().over("data", "feedback")
    return ranked.filter(first).select(frame.columns)


def _best(judged: pl.DataFrame, axes: tuple[str, ...], registry: Registry) -> pl.DataFrame:
    """The best point for each value of the axes: columns axes and hyper."""
    downwards = [select for select in judged["select"].unique() if not metric_spec(select, registry).higher_is_better]
    worse = pl.col("validation") * pl.when(pl.col("select").is_in(downwards)).then(1.0).otherwise(-1.0)
    ordered = judged.with_columns(worse=worse).sort("worse", "hyper", nulls_last=True)
    return ordered.unique(axes, keep="first", maintain_order=True).select(*axes, "hyper")

"""From the store's rows to arrays of scores: runs x algorithms, for each sampler at each budget."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recbench.bench.cells import AXES
from recbench.bench.ranking import Floats, pair_signs
from recbench.bench.roster import is_built_in, metric_spec
from recbench.bench.sample import FULL
from recbench.bench.selection import choose
from recbench.contracts.errors import ParameterError
from recbench.contracts.labels import Label
from recbench.contracts.records import Budget, Feedback
from recbench.registry import Registry

Roster = Mapping[Feedback, Collection[str]]
"""The algorithms that a ranking is over, for each feedback type."""

HEADLINES: Mapping[Feedback, str] = {"explicit": "rmse", "implicit": "ndcg@10", "sequential": "ndcg@10"}
"""The metric to show where there is room for one and no suite names another."""

NULL_CHECKS = ("random",)
"""Algorithms that no ranking counts: an obviously bad baseline raises tau for free."""

_RUN = ["sample_seed", "training_seed"]
_CODES = ("sampler_code", "algorithm_code", "metric_code")
_PER_CELL = ("sampler", "unit", "budget", "algorithm", "hyper", *_CODES, *_RUN)
SETTINGS = tuple(axis for axis in AXES if axis not in _PER_CELL)
"""Axes that must be equal for all runs of one ranking."""


@dataclass(frozen=True)
class Runs:
    """All algorithms on one kind of train data: the full rows, or one sampler at one budget. One ranking a run."""

    seeds: NDArray[np.int64]  # [runs], training seed of each
    values: Floats  # [runs, algorithms], higher is better; NaN where missing
    replicates: NDArray[np.float32]  # [runs, algorithms, replicates], likewise
    seconds: Floats  # [runs, algorithms], training
    sampler_seconds: Floats  # [runs, algorithms], drawing the sample: the same work for all algorithms
    samples: Floats  # [runs, algorithms], samples processed
    gaps: Mapping[str, str]  # algorithms that miss a run, and why

    @property
    def missing(self) -> str:
        """Which algorithms miss a run, and why, in one line; empty when none does."""
        if not self.gaps:
            return ""
        if len(self.gaps) == self.values.shape[1] and len(set(self.gaps.values())) == 1:
            return next(iter(self.gaps.values()))
        listed = "; ".join(f"{name} ({why})" for name, why in [*self.gaps.items()][:3])
        more = f" and {len(self.gaps) - 3} more" if len(self.gaps) > 3 else ""
        return f"{len(self.gaps)} of {self.values.shape[1]} algorithms are missing: {listed}{more}"

    @cached_property
    def signs(self) -> NDArray[np.float32]:
        """Who beats whom, [runs, pairs]; see :func:`~recbench.bench.ranking.pair_signs`."""
        return pair_signs(self.values)

    @cached_property
    def replicate_signs(self) -> NDArray[np.float32]:
        """The same in each replicate, [runs, replicates, pairs]."""
        return pair_signs(np.moveaxis(self.replicates, 1, 2))


@dataclass(frozen=True)
class Contest:
    """One ranking on the full data, and those that stand in for it."""

    dataset: str
    feedback: Feedback
    noise: float  # share of train rows
    metric: str
    sign: int  # -1: the metric is better when lower, and the runs hold it turned round; 1: they hold it as it is
    algorithms: tuple[str, ...]
    full: Runs
    samples: Mapping[tuple[str, str], Runs]  # by (sampler, budget)
    left_out: Mapping[str, str]  # algorithms that the full data do not allow to run, and why: no sample can rank them


def contests(
    results: pl.DataFrame, *, registry: Registry, algorithms: Roster | None = None, everyone: bool = False
) -> Iterator[Contest]:
    """The rankings of a store's frame, in its order; samplers by name, budgets from large to small.

    Of every algorithm the grid point counts that validation chose; of plugins whose source changed, the latest state.
    Without a roster, every algorithm of the data set's results takes part. The null checks, and algorithms that were
    skipped on the full data, do only where ``everyone`` does.

    Raises:
      ParameterError: runs of one data set were made under several settings, so that they cannot be compared.
    """
    for (dataset, feedback, noise), rows in _groups(results, ["dataset", "feedback", "noise"]):
        rows = latest_plugins(rows)
        _check_settings(rows, f"{dataset} ({feedback})")
        asked = _roster(rows, feedback, algorithms, everyone=everyone)
        left_out = {} if everyone else _skipped(rows, asked)
        names = [name for name in asked if name not in left_out]
        rows = rows.filter(pl.col("algorithm").is_in(names))
        metrics = rows["metric"].drop_nulls().unique(maintain_order=True)
        if metrics.is_empty() and names:  # nothing has a value: what runs were judged by stands in, to say why
            metrics = rows["select"].unique()
        codes = {metric: _code(rows, metric, registry) for metric in metrics}
        tables = {code: _table(of_metric_code(rows, code), names, registry) for code in set(codes.values())}
        none = _numbered(rows.clear(), names)
        for metric in metrics:
            sign = 1 if metric_spec(metric, registry).higher_is_better else -1
            stored, values = tables[codes[metric]]
            runs = {
                place: _runs(values.get((*place, metric), none), every, names, sign=sign)
                for place, every in stored.items()
            }
            full = [runs.pop(place) for place in stored if place[0] == FULL]
            whole = full[0] if full else _runs(none, none, names, sign=sign)
            yield Contest(dataset, feedback, noise, metric, sign, tuple(names), whole, runs, left_out)


def _table(rows: pl.DataFrame, names: list[str], registry: Registry) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """All rows by (sampler, budget), and those that count by (sampler, budget, metric)."""
    rows = _numbered(rows, names)
    stored = dict(sorted(_groups(rows, ["sampler", "budget"]), key=_place))
    finished = choose(rows, registry).filter(pl.col("status") == "ok", pl.col("value").is_finite())
    return stored, dict(_groups(finished, ["sampler", "budget", "metric"]))


def _code(rows: pl.DataFrame, metric: str, registry: Registry) -> str | None:
    """The state of plugins' metrics whose runs count: the last. None: only built-in ones have a say, so all count."""
    if all(is_built_in(name, registry) for name in (metric, *rows["select"].unique())):
        return None
    own = rows.filter(metric=metric)
    newest: str = (own if own.height else rows).sort("created", maintain_order=True)["metric_code"][-1]
    return newest


def of_metric_code(rows: pl.DataFrame, code: str | None) -> pl.DataFrame:
    """The rows of one state of plugins' metrics; None: of all, each run once whatever was computed beside it."""
    if code is not None:
        return rows.filter(metric_code=code)
    same = [*(axis for axis in AXES if axis != "metric_code"), "metric"]
    return rows.with_columns(metric_code=pl.lit("")).unique(same, keep="last", maintain_order=True)


def _numbered(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """The rows with their places in the arrays: ``run`` counts seeds in a (sampler, budget), ``place`` algorithms."""
    run = pl.struct(_RUN).rank("dense").over("sampler", "budget").cast(pl.Int64) - 1
    places = {name: place for place, name in enumerate(names)}
    return rows.with_columns(run=run, place=pl.col("algorithm").replace_strict(places, return_dtype=pl.Int64))


def _roster(rows: pl.DataFrame, feedback: Feedback, algorithms: Roster | None, *, everyone: bool) -> list[str]:
    names = rows["algorithm"].unique() if algorithms is None else algorithms.get(feedback, ())
    return sorted(name for name in names if everyone or Label.parse(name).name not in NULL_CHECKS)


def _skipped(rows: pl.DataFrame, names: Collection[str]) -> dict[str, str]:
    """Algorithms of which every run on the full data was skipped, such as one that does not fit into memory."""
    full = rows.filter(pl.col("sampler") == FULL, pl.col("algorithm").is_in(names))
    skipped = full.group_by("algorithm").agg(
        skipped=(pl.col("status") == "skipped").all(), why=pl.col("reason").first()
    )
    return dict(skipped.filter("skipped").sort("algorithm").select("algorithm", "why").iter_rows())


def _groups(frame: pl.DataFrame, by: list[str]) -> Iterator[tuple[Any, pl.DataFrame]]:
    yield from frame.partition_by(by, as_dict=True, maintain_order=True).items()


def _place(item: tuple[tuple[str, str], Any]) -> tuple[str, str, float]:
    (sampler, budget), _ = item
    return sampler, *Budget.parse(budget).largest_first


def check_one_setting(results: pl.DataFrame) -> None:
    """Checks that the results of a data set and feedback type may be compared whatever their noise.

    Raises:
      ParameterError: they were made under several settings.
    """
    for (dataset, feedback), rows in _groups(results, ["dataset", "feedback"]):
        _check_settings(latest_plugins(rows), f"{dataset} ({feedback})", but=("noise", "noise_seed"))


def latest_plugins(rows: pl.DataFrame) -> pl.DataFrame:
    """Of algorithms and samplers whose source changed between runs, the rows of the last."""
    return _latest(latest_algorithms(rows), "sampler")


def latest_algorithms(rows: pl.DataFrame) -> pl.DataFrame:
    """Of one data set and feedback type: of algorithms whose source changed between runs, the rows of the last."""
    return _latest(rows, "algorithm")


def _latest(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Of a plugin whose source changed between runs, the rows of the source that ran last."""
    code = f"{kind}_code"
    newest = rows.sort("created", maintain_order=True).unique(kind, keep="last").select(kind, code)
    return rows.join(newest, on=[kind, code], how="semi", maintain_order="left")


def _check_settings(rows: pl.DataFrame, where: str, *, but: Collection[str] = ()) -> None:
    several = [axis for axis in SETTINGS if axis not in but and rows[axis].n_unique() > 1]
    if several:
        found = "; ".join(f"{axis}: {', '.join(map(str, sorted(rows[axis].unique())))}" for axis in several)
        raise ParameterError(
            f"the results on {where} were made under several settings ({found}): "
            "choose one suite (--suite), or filter them"
        )


def _runs(finished: pl.DataFrame, stored: pl.DataFrame, names: list[str], *, sign: int) -> Runs:
    """Arrays of one (sampler, budget) and metric; ``stored`` has also what failed and what was not chosen."""
    runs, first = np.unique(stored["run"].to_numpy(), return_index=True)
    where = finished["run"].to_numpy(), finished["place"].to_numpy()
    shape = len(runs), len(names)

    def table(column: str) -> Floats:
        values = np.full(shape, np.nan)
        values[where] = finished[column].to_numpy()
        return values

    values = table("value") * sign
    return Runs(
        stored["training_seed"].to_numpy()[first],
        values,
        _replicates(finished["replicates"], where, shape) * sign,
        table("seconds"),
        table("sampler_seconds"),
        table("samples_processed"),
        _gaps(np.isnan(values), stored, names) if len(runs) else dict.fromkeys(names, "no run is stored"),
    )


def _replicates(
    lists: pl.Series, where: tuple[NDArray[np.int64], NDArray[np.int64]], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Replicates as one array; NaN where a run has none, or another number of them than the others."""
    lengths = lists.list.len().fill_null(0)
    width = int(lengths.max() or 0)  # type: ignore[arg-type]
    array = np.full((*shape, width), np.nan, dtype=np.float32)
    if width:
        whole = (lengths == width).to_numpy()
        lists = lists if whole.all() else lists.filter(lengths == width)
        array[where[0][whole], where[1][whole]] = lists.explode().to_numpy().reshape(-1, width)
    return array


def _gaps(absent: NDArray[np.bool_], stored: pl.DataFrame, names: list[str]) -> dict[str, str]:
    """The algorithms that miss a run, [runs, algorithms], and why."""
    missing = [names[place] for place in np.flatnonzero(absent.any(axis=0))]
    rows = stored.filter(pl.col("algorithm").is_in(missing))
    failed = rows.filter(pl.col("status") != "ok")
    why: dict[str, str] = dict.fromkeys(missing, "not run") | dict.fromkeys(
        rows["algorithm"], "no value, or not every seed"
    )
    return why | dict(zip(failed["algorithm"], failed["status"] + ": " + failed["reason"], strict=True))

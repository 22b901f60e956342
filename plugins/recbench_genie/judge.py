"""How good answers are on data sets that were left out of training, with all that belong to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from recbench_genie.design import Examples, Floats, Vocabulary
from recbench_genie.rivals import RIVALS

LEVEL = 0.95
FEWEST = 3
"""Groups that an interval needs at least."""
ALWAYS = ("svp-cf", "random")
"""Samplers beside which pickers are judged; as a picker, each is called always NAME."""
MEASURES = ("p@1", "regret", "rank correlation", "mse")
_SAME = 1e-9  # taus closer than this are equal

Report = Callable[[int, int, str], None]


def left_out(
    rows: Examples,
    vocabulary: Vocabulary,
    rivals: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> dict[str, Floats]:
    """Scores of each rival, float32 [n]: each group's by a rival fitted on all others; nan where none was asked for."""
    wanted = sorted(set(rows.group.tolist())) if groups is None else list(groups)
    found = {name: np.full(len(rows), np.nan, np.float32) for name in rivals}
    work = [(group, name) for group in wanted for name in rivals]
    for done, (group, name) in enumerate(work):
        own = rows.group == group
        found[name][own] = RIVALS[name].fit(rows.take(~own), vocabulary, seed)(rows.take(own))
        if report is not None:
            report(done + 1, len(work), f"{name} without {group}")
    return found


def of_groups(rows: Examples, scores: dict[str, Floats], groups: Sequence[str]) -> tuple[Examples, dict[str, Floats]]:
    """The examples of some groups, and their scores."""
    own = np.isin(rows.group, groups)
    return rows.take(own), {name: score[own] for name, score in scores.items()}


def measured(rows: Examples, scores: Floats, *, predicts: bool) -> pl.DataFrame:
    """A line a question: its place, the sampler that was picked, the measures; mse is null where none is predicted.

    Of samplers that share the highest score each is picked with the same chance, and what is told is expected.
    """
    return pl.DataFrame(list(_questions(rows, scores, predicts)), orient="row", schema=_SCHEMA)


def summary(rows: Examples, scores: dict[str, Floats], *, by: Sequence[str] = ()) -> pl.DataFrame:
    """A line a rival: the mean of each measure over groups of data sets, with an interval over groups.

    Questions are averaged within a group first, so that a data set with many parts counts once. The gain is what regret
    is lower by than that of the averages, over the same draws of groups.
    """
    usual = measured(rows, scores["average"], predicts=True) if "average" in scores else None
    lines = []
    for name, score in scores.items():
        found = measured(rows, score, predicts=RIVALS[name].predicts)
        measures = list(MEASURES)
        if usual is not None:
            found = found.join(usual, on=["dataset", "feedback", "metric", "budget"], suffix=" usual")
            found = found.with_columns(gain=pl.col("regret usual") - pl.col("regret"))
            measures.append("gain")
        for key, part in found.group_by(by, maintain_order=True) if by else [((), found)]:
            line: dict[str, object] = dict(zip(by, key, strict=True))
            line |= {"rival": name, "groups": part["group"].n_unique(), "questions": len(part)}
            groups = part.group_by("group", maintain_order=True).agg(pl.col(measures).mean())
            for measure in measures:
                line |= _with_interval(measure, groups[measure])
            lines.append(line)
    return pl.DataFrame(lines)


def bought(rows: Examples, scores: dict[str, Floats], *, samplers: Sequence[str] = ALWAYS) -> pl.DataFrame:
    """What a budget buys, a line a picker and budget: mean tau over groups with its interval, and the mean speed-up.

    Pickers are rivals, and samplers that are always taken, where the data set and budget allow them. Speed-ups are of
    training, the sampler's own time included; a rival's are those of the samplers it picks, without the time of looking
    at others.
    """
    picked = [measured(rows, score, predicts=False).with_columns(picker=pl.lit(name)) for name, score in scores.items()]
    asked = pl.concat(picked).select("picker", "group", "dataset", "feedback", "metric", "budget", "tau", "speedup")
    taken = rows.place.with_columns(tau=pl.Series(rows.tau).cast(pl.Float64), group=pl.Series(rows.group))
    known = asked.select("dataset", "feedback", "metric", "budget").unique()
    taken = taken.filter(pl.col("sampler").is_in(samplers)).join(known, on=known.columns, how="semi")
    taken = taken.with_columns(picker=pl.format("always {}", "sampler"))
    all_ = pl.concat([asked, taken.select(asked.columns)])
    lines = []
    for (picker, budget), part in all_.sort("picker", "budget").group_by("picker", "budget", maintain_order=True):
        groups = part.group_by("group", maintain_order=True).agg(pl.col("tau").mean(), pl.col("speedup").log().mean())
        faster = float(np.exp(groups["speedup"].to_numpy().mean()))
        counts = {"picker": picker, "budget": budget, "groups": len(groups)}
        lines.append(counts | _with_interval("tau", groups["tau"]) | {"speedup": faster})
    return pl.DataFrame(lines)


_SCHEMA = {
    "group": pl.String(),
    "dataset": pl.String(),
    "feedback": pl.String(),
    "metric": pl.String(),
    "budget": pl.Float64(),
    "picked": pl.String(),
    "tau": pl.Float64(),
    "speedup": pl.Float64(),
    **{measure: pl.Float64() for measure in MEASURES},
}


def _questions(rows: Examples, scores: Floats, predicts: bool) -> Iterator[tuple[object, ...]]:
    place = rows.place.rows(named=True)
    faster = np.log(rows.place["speedup"].to_numpy())
    for first, end in pairwise(rows.starts.tolist()):
        score, tau = scores[first:end].astype(np.float64), rows.tau[first:end].astype(np.float64)
        if np.isnan(score).any() or end - first < 2:
            continue
        top = score == score.max()
        asked = place[first + int(top.argmax())]
        error = float(np.square(score - tau).mean()) if predicts else None
        yield (
            str(rows.group[first]), asked["dataset"], asked["feedback"], asked["metric"], asked["budget"],
            asked["sampler"], float(tau[top].mean()), float(np.exp(faster[first:end][top].mean())),
            float((tau[top] >= tau.max() - _SAME).mean()), float(tau.max() - tau[top].mean()),
            _spearman(score, tau), error,
        )  # fmt: skip


def _spearman(left: NDArray[np.float64], right: NDArray[np.float64]) -> float | None:
    """None where a side is constant: no order can then be right."""
    if np.ptp(left) <= _SAME or np.ptp(right) <= _SAME:
        return None
    return float(stats.spearmanr(left, right).statistic)


def _with_interval(name: str, values: pl.Series) -> dict[str, float | None]:
    """Mean over groups, and Student's interval: groups are too few to be drawn with replacement."""
    known = values.drop_nulls().to_numpy()
    ends = (f"{name} low", f"{name} high")
    if len(known) < FEWEST:
        return {name: float(known.mean()) if len(known) else None} | dict.fromkeys(ends)
    half = float(stats.sem(known) * stats.t.ppf((1 + LEVEL) / 2, len(known) - 1))
    mean = float(known.mean())
    return {name: mean, **dict(zip(ends, (mean - half, mean + half), strict=True))}

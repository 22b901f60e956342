"""The board of predictors: how well each picks samplers on data sets that were left out of its training."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from recbench import publish
from recbench_genie.corpus import Corpus
from recbench_genie.design import Examples, Floats
from recbench_genie.judge import MEASURES, bought, of_groups, summary
from recbench_genie.rivals import RIVALS

_TEXT = """# Predictors of the best sampler

Which sampler keeps the ranking of algorithms on a data set, said without training recommenders on it. Each predictor is
trained on all data sets of the corpus but those of one group (a real data set with all its parts, or the synthetic logs
of one shape) and asked about that group, in turn. Made by `recbench genie evaluate --board DIR`; the same command on
the same corpus gives the same page.

- Corpus: {datasets} data sets in {groups} groups; {real} of the groups are real ({names}); {taus:,} taus.
- A question is a data set, feedback type, metric and budget. P@1: a best sampler was picked. Regret: what tau lost
  against the best. Rank correlation: Spearman's, over samplers. MSE: of predicted tau. Gain: regret of taking the
  sampler that is best on average for the feedback, metric and budget, less one's own.
- Means over groups, with Student's 95 % intervals over them. Gains are paired. A dash: too few groups, or no value.
- The settings of `genie-*` (three networks, their steps and decay, both objectives) were chosen on these very groups:
  their lead is a little lucky. How far they are shrunk to the averages is chosen anew, without the group left out.
- The graph encoder is trained without labels on synthetic logs of the family, those of the corpus among them.
- `genie-both` is what `recbench genie rank` asks, and `genie-cheap` what `--cheap` does.

## On real data sets

{on_real}

## On all groups

{on_all}

## What a share of the rows buys, on real data sets

Mean tau, and how much faster training is, the sampler's own time included. `always svp-cf` and `always random` take
these samplers everywhere; `random` takes any.

{bought}

## Who is who

{rivals}
"""


def write_board(folder: Path, corpus: Corpus, rows: Examples, scores: dict[str, Floats]) -> None:
    """Writes README.md, and scores.json with the same numbers in full."""
    own, some = of_groups(rows, scores, rows.real)
    tables = {"real": summary(own, some), "all": summary(rows, scores), "bought": bought(own, some)}
    text = _TEXT.format(
        datasets=len(corpus.datasets),
        groups=len(set(rows.group.tolist())),
        real=len(rows.real),
        names=", ".join(rows.real),
        taus=len(rows),
        on_real=_scores(tables["real"]),
        on_all=_scores(tables["all"]),
        bought=_table(_with_bounds(tables["bought"], "tau", ["picker", "budget", "groups", "tau", "speedup"])),
        rivals="\n".join(f"- `{name}`: {RIVALS[name].summary}." for name in scores),
    )
    folder.mkdir(parents=True, exist_ok=True)
    said = json.dumps({name: frame.to_dicts() for name, frame in tables.items()}, indent=1)
    for name, content in (("README.md", text), ("scores.json", said + "\n")):
        publish(content.encode(), folder / name)


def _scores(frame: pl.DataFrame) -> str:
    shown = frame.sort("regret")
    for measure in (*MEASURES, "gain"):
        shown = _with_bounds(shown, measure, shown.columns)
    return _table(shown.select("rival", "questions", *MEASURES, "gain"))


def _with_bounds(frame: pl.DataFrame, name: str, columns: list[str]) -> pl.DataFrame:
    """A measure as text, with its interval."""
    if name not in frame.columns:
        return frame.with_columns(pl.lit("").alias(name))
    value, low, high = (pl.col(each).cast(pl.Float64).round(3) for each in (name, f"{name} low", f"{name} high"))
    alone = pl.when(value.is_null()).then(pl.lit("-")).otherwise(pl.format("{}", value))
    text = pl.when(low.is_null()).then(alone).otherwise(pl.format("{} [{}, {}]", value, low, high))
    return frame.with_columns(text.alias(name)).select(columns)


def _table(frame: pl.DataFrame) -> str:
    with pl.Config(
        tbl_formatting="ASCII_MARKDOWN", tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, tbl_rows=-1,
        tbl_cols=-1, tbl_width_chars=-1, fmt_str_lengths=80, float_precision=2,
    ):  # fmt: skip
        return str(frame)

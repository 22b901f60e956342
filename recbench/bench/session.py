"""Single runs, as from a notebook: fit one algorithm on a split or a sample of it, evaluate it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
import polars as pl

from recbench.bench.roster import metric_functions
from recbench.bench.rules import check_sample
from recbench.bench.sample import full_sample
from recbench.contracts.errors import ParameterError
from recbench.contracts.labels import Label, bind
from recbench.contracts.records import Feedback, ParameterValue, Sample, Split, Synthesis
from recbench.engine.batch import DeviceSplit
from recbench.engine.evaluate import Metrics, UserValues, columns_of, summarise
from recbench.engine.run import Contestant, Fitted, Run, Training, fit_runs, place_split, score_fitted
from recbench.engine.score import Column
from recbench.registry import Registry, default

SELECT: Mapping[Feedback, str] = {"explicit": "mse", "implicit": "auc", "sequential": "hr@100"}
"""The validation metric that stops training unless another is asked for."""


@dataclass(frozen=True, slots=True)
class FittedAlgorithm:
    """An algorithm that was fitted on a sample of a split."""

    algorithm: str  # label
    hyper: Mapping[str, ParameterValue]  # complete
    sample: Sample | Synthesis
    epochs: int  # trained, over all stages
    data: DeviceSplit
    training: Training
    registry: Registry
    engine: Fitted  # a batch with this run alone


def fit(
    algorithm: str,
    split: Split | DeviceSplit,
    *,
    sample: Sample | Synthesis | None = None,
    hyper: Mapping[str, ParameterValue] | None = None,
    training_seed: int = 0,
    mask: Literal["full", "sample"] = "full",
    history: Literal["full", "sample"] = "sample",
    select: str | None = None,
    epochs: int = 100,
    validate_every: int = 5,
    patience: int = 5,
    registry: Registry | None = None,
) -> FittedAlgorithm:
    """Fits one algorithm. Many runs go faster in a suite, where they share device programs.

    Args:
      algorithm: label, as in ``mf[latent=16]``.
      split: of :func:`recbench.make_split`; for several fits of one split, ``place_split(split)`` moves it once.
      sample: the train rows, or fake users, to fit on; None: all train rows.
      hyper: hyper-parameters beside those of the label.
      mask: what is hidden when ranking: the positives of all train rows, or of the sample.
      history: what history-based algorithms see of a user when scoring: all train rows, or the sample's.
      select: the validation metric that stops training; None: MSE, AUC or HR@100 by feedback type.
      epochs, validate_every, patience: at most so many; looked at so often; stopped after so many without a gain.

    Raises:
      UnknownNameError: no plugin registered the algorithm or the metric.
      ParameterError: it cannot run on this, or diverged.
      ContractError: the sample is not one of this split.
    """
    known = registry or default()
    data = split if isinstance(split, DeviceSplit) else place_split(split)
    label = Label.parse(algorithm)
    entry = known.get("algorithms", label.name)
    values = bind(Label(label.name, tuple({**dict(label.overrides), **(hyper or {})}.items())), entry.spec.hyper)
    chosen = full_sample(data.split) if sample is None else sample
    _check(entry.spec, data.split, chosen)
    training = Training(mask, history, select or SELECT[data.feedback], epochs, validate_every, patience)
    fitted = fit_runs(
        data,
        Contestant(str(label), entry.spec, entry.load()()),
        (Run(chosen, values, training_seed),),
        training=training,
        metrics=metric_functions([training.select], known),
    )
    (progress,) = fitted.progress
    if progress.status != "ok":
        raise ParameterError(f"{algorithm!r} {progress.status}: {progress.reason}; try another learning rate")
    return FittedAlgorithm(str(label), values, chosen, progress.epochs, data, training, known, fitted)


@overload
def evaluate(
    fitted: FittedAlgorithm,
    part: Literal["validation", "test"] = ...,
    *,
    metrics: Sequence[str] | None = ...,
    per_user: Literal[False] = ...,
) -> dict[str, float]: ...


@overload
def evaluate(
    fitted: FittedAlgorithm,
    part: Literal["validation", "test"] = ...,
    *,
    metrics: Sequence[str] | None = ...,
    per_user: Literal[True],
) -> pl.DataFrame: ...


def evaluate(
    fitted: FittedAlgorithm,
    part: Literal["validation", "test"] = "test",
    *,
    metrics: Sequence[str] | None = None,
    per_user: bool = False,
) -> dict[str, float] | pl.DataFrame:
    """Metrics of a fitted algorithm over all users with a row in the part, ranked in full.

    Args:
      part: which rows are predicted.
      metrics: columns, as in ``hr@10``; None: all that are registered for the feedback type.
      per_user: a frame with a line for each user (original id, ``rows`` in the part, one column a metric).

    Raises:
      UnknownNameError: no plugin registered a metric.
      ParameterError: the part is empty, a metric is not one of this feedback type, or the scores are not finite.
    """
    data = fitted.data
    if not len(getattr(data.split, part)):
        raise ParameterError(f"the split of {data.split.dataset!r} has no {part} rows")
    functions = metric_functions(metrics or all_columns(data.feedback, fitted.registry), fitted.registry)
    columns = columns_of(functions, data)
    if missing := set(metrics or ()) - {column.name for column in columns}:
        raise ParameterError(f"{min(missing)!r} is not a metric of {data.feedback} feedback")
    scored = score_fitted(fitted.engine, part, training=fitted.training, columns=columns)
    if not scored.finite[0]:
        raise ParameterError(f"the scores of {fitted.algorithm!r} are not finite")
    if per_user:
        return by_user(data, part, scored, functions, columns)
    return summarise(scored, metrics=functions, columns=columns, run=0)


def _check(spec: Any, split: Split, sample: Sample | Synthesis) -> None:
    if split.feedback not in spec.feedback:
        raise ParameterError(f"{spec.name!r} works on {' and '.join(spec.feedback)} feedback, not on {split.feedback}")
    if isinstance(sample, Sample):
        check_sample(split, sample)
    elif not spec.fake_users:
        raise ParameterError(f"{spec.name!r} cannot train on fake users: give it a sample of the train rows")


def all_columns(feedback: Feedback, registry: Registry) -> list[str]:
    """The columns of every registered metric that fits the feedback."""
    wanted = "rating" if feedback == "explicit" else "ranking"
    specs = (entry.spec for entry in registry.all("metrics").values())
    return [column for spec in specs if spec.of == wanted for column in spec.columns]


def by_user(
    data: DeviceSplit, part: str, scored: UserValues, metrics: Metrics, columns: Sequence[Column]
) -> pl.DataFrame:
    """The values of the first run: a line for each user, see :func:`evaluate`."""
    rows = np.bincount(getattr(data.split, part).user, minlength=data.split.num_users)[scored.users]
    means = scored.values[0].astype(np.float64) / scored.counts[:, None]
    finish = {name: spec.finish for spec, _ in metrics for name in spec.columns}
    values = {column.name: (finish[column.name] or np.asarray)(means[:, place]) for place, column in enumerate(columns)}
    return pl.DataFrame({"user": data.split.user_ids[scored.users].tolist(), "rows": rows, **values})

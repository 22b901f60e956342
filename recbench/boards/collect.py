"""The tables of runs of an entry, from the rows of a store."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl

from recbench.bench.context import bind_sampler
from recbench.bench.roster import behind_sampler
from recbench.bench.sample import FULL
from recbench.bench.suite import Suite
from recbench.boards.derive import line
from recbench.boards.entry import Conditions
from recbench.boards.runs import COSTS, COVERAGE, LEANS, distinct_seeds
from recbench.contracts.errors import VerificationError
from recbench.contracts.labels import Label, bind
from recbench.contracts.specs import AlgorithmSpec
from recbench.registry import Registry
from recbench.registry.entries import BUILT_IN

_CELL = ("feedback", "sampler", "budget", "sample_seed", "algorithm", "hyper", "training_seed")


def run_tables(rows: pl.DataFrame, registry: Registry) -> dict[str, Any]:
    """Conditions, samplers, algorithms, samples and cells, from rows that are in order; see :func:`ordered`.

    Raises:
      UnknownNameError: nobody here registered one of the samplers or algorithms.
      VerificationError: one sampler, budget and seed drew two samples.
    """
    return {
        "conditions": tuple(_conditions(part) for part in grounds(rows).values()),
        "samplers": tuple(_samplers(rows, registry)),
        "algorithms": tuple(_algorithms(rows, registry)),
        "samples": tuple(_samples(rows, registry)),
        "cells": tuple(_cells(rows)),
    }


def grounds(rows: pl.DataFrame) -> dict[Any, pl.DataFrame]:
    """The rows of each data set and feedback type."""
    return rows.partition_by("dataset", "feedback", as_dict=True, maintain_order=True)


def ordered(rows: pl.DataFrame, suite: Suite) -> pl.DataFrame:
    """Rows in an order that does not depend on how they came into the store; values that are not finite are none."""
    places = {name: place for place, name in enumerate(suite.datasets)}
    feedback = {name: place for place, name in enumerate(suite.feedback)}
    metrics = [(name, metric, n) for name in suite.feedback for n, metric in enumerate(suite.metrics[name])]
    order = pl.DataFrame(metrics, schema=["feedback", "metric", "_metric"], orient="row")
    placed = rows.with_columns(
        metric=pl.when(pl.col("value").is_finite()).then("metric"),
        _dataset=pl.col("dataset").replace_strict(places, return_dtype=pl.Int64),
        _feedback=pl.col("feedback").replace_strict(feedback, return_dtype=pl.Int64),
        _sampled=pl.col("sampler") != FULL,
    ).join(order, on=["feedback", "metric"], how="left")
    by = ["_dataset", "_feedback", "_sampled", *_CELL[1:], "_metric"]
    return placed.sort(by, nulls_last=True).select(rows.columns)


def _conditions(rows: pl.DataFrame) -> dict[str, Any]:
    """Of one data set and feedback type."""
    first = rows.row(0, named=True)
    settings = {name: first[name] for name in Conditions.model_fields if name in first}
    return {**settings, "checksum": first["data"], **distinct_seeds(rows)}


def _samplers(rows: pl.DataFrame, registry: Registry) -> list[dict[str, Any]]:
    found = []
    codes = dict(rows.select("sampler", "sampler_code").unique().iter_rows())
    for label in sorted(set(codes) - {FULL}):
        bound, entry = bind_sampler(label, registry), registry.get("samplers", Label.parse(label).name)
        found.append(
            {
                "label": label,
                "parameters": dict(bound.parameters),
                "unit": bound.unit,
                "form": bound.spec.form,
                "distribution": line(entry.distribution),
                "distribution_version": line(entry.version),
                "code": codes[label],
            }
        )
    return found


def _algorithms(rows: pl.DataFrame, registry: Registry) -> list[dict[str, Any]]:
    found = []
    codes = dict(rows.select("algorithm", "algorithm_code").unique().iter_rows())
    for label in sorted(codes):
        entry = registry.get("algorithms", Label.parse(label).name)
        spec: AlgorithmSpec = entry.spec
        found.append(
            {
                "label": label,
                "parameters": bind(Label.parse(label), spec.hyper),
                "deterministic": spec.deterministic,
                "distribution": line(entry.distribution),
                "distribution_version": line(entry.version),
                "code": codes[label],
            }
        )
    return found


def _samples(rows: pl.DataFrame, registry: Registry) -> list[dict[str, Any]]:
    """The samples that were drawn, each once: all algorithms were given the same."""
    place = ["dataset", "feedback", "sampler", "budget", "sample_seed"]
    drawn = rows.filter(pl.col("sample_digest") != "", pl.col("kept_rows").is_not_null())
    once = drawn.unique([*place, "sample_digest"], keep="first", maintain_order=True)
    if (twice := once.filter(once.select(place).is_duplicated())).height:
        first = twice.row(0, named=True)
        raise VerificationError(
            f"the results on {first['dataset']} have two different samples of {first['sampler']} at {first['budget']} "
            "with one seed, as of stores of two machines: submit those of one"
        )
    exact = {label: is_exact(label, registry) for label in once["sampler"].unique()}
    columns = [*place, *COVERAGE, *LEANS, "sample_sketch"]
    return [
        {COVERAGE.get(name, "seed" if name == "sample_seed" else name): row[name] for name in columns[:-1]}
        | {"sketch": () if exact[row["sampler"]] else _sketch(row["sample_sketch"])}
        for row in once.select(columns).iter_rows(named=True)
    ]


def is_exact(label: str, registry: Registry) -> bool:
    """Whether a sample is the same on every machine: nothing is trained for it, as far as its parameters tell."""
    if label == FULL:
        return True
    return all(each.kind == "samplers" and each.distribution == BUILT_IN for each in behind_sampler(label, registry))


def _sketch(content: bytes | None) -> tuple[int, ...]:
    return () if content is None else tuple(np.frombuffer(content, "<u4").tolist())


def _cells(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """The runs, with the values of a run in the order of the rows."""
    wanted = rows.select("dataset", *_CELL, "status", "reason", "validation", "metric", "value", *COSTS)
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in wanted.iter_rows(named=True):
        metric, value = row.pop("metric"), row.pop("value")
        place = tuple(row[name] for name in ("dataset", *_CELL))
        if place not in found:
            finite = row["validation"] is not None and np.isfinite(row["validation"])
            found[place] = row | {
                "hyper": json.loads(row["hyper"]),
                "reason": line(row["reason"]),
                "validation": row["validation"] if finite else None,
                "metrics": {},
            }
        if metric is not None:
            found[place]["metrics"][metric] = value
    return list(found.values())

"""From the results of a store to an entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

import polars as pl
from pydantic import ValidationError

from recbench import __version__
from recbench.bench.agreement import agreement
from recbench.bench.cells import AXES
from recbench.bench.context import bind_sampler
from recbench.bench.environment import environment
from recbench.bench.roster import rosters
from recbench.bench.sample import FULL
from recbench.bench.selection import of_suite
from recbench.bench.suite import Suite
from recbench.boards.entry import Conditions, Entry, sentence
from recbench.contracts.errors import StoreError, SuiteError, VerificationError
from recbench.contracts.labels import Label
from recbench.contracts.records import Agreement
from recbench.registry import Registry, default

_LONGEST = 500  # characters of a reason
_COUNTS = ("kept_rows", "kept_users", "kept_items")
_LEANS = ("cold_test_users", "cold_test_items", "popularity_shift", "time_span")
_SAMPLE = ("dataset", "feedback", "budget", "sample_seed", "sample_digest", *_COUNTS, *_LEANS)


def build_entry(results: pl.DataFrame, suite: Suite, *, registry: Registry | None = None) -> Entry:
    """What a store's results say about a suite's samplers, on the data sets that the suite names.

    Missing cells stay missing: the rows they concern have no tau, and a reason.

    Raises:
      SuiteError: the suite has no samplers, or several shares of noise.
      StoreError: there are no results of the suite.
      ParameterError: the results of one data set were made under several settings.
    """
    if not suite.samplers:
        raise SuiteError(f"the suite {suite.name!r} has no samplers, and a board is about them")
    known = registry or default()
    if len(suite.protocol.noise) > 1:
        raise SuiteError(f"the suite {suite.name!r} has several shares of noise, and a board is of one: give it one")
    rows = of_suite(results, suite, known).filter(pl.col("dataset").is_in(list(suite.datasets)))
    found = agreement(rows, algorithms=rosters(suite, known), registry=known)
    if not found:
        raise StoreError(f"there are no results of {suite.name!r} on {', '.join(suite.datasets)}: run the suite first")
    content = {
        "suite": suite.name,
        "suite_version": suite.version,
        "created": rows["created"].max(),
        "recbench": __version__,
        "environment": _plain(asdict(environment())),
        "conditions": tuple(_conditions(part) for part in _parts(rows, "dataset", "feedback")),
        "samplers": tuple(_samplers(rows, found, known)),
        "cost": _cost(rows),
    }
    try:
        return Entry.model_validate(content)
    except ValidationError as error:
        raise VerificationError(f"the results do not fit into an entry: {sentence(error)}") from error


def _parts(rows: pl.DataFrame, *by: str) -> list[pl.DataFrame]:
    return rows.partition_by(by, maintain_order=True)


def _conditions(rows: pl.DataFrame) -> dict[str, Any]:
    """Of one data set and feedback type; the settings are the same in all rows, or there would be no agreement."""
    first = rows.row(0, named=True)
    settings = {name: first[name] for name in Conditions.model_fields if name in first}
    latest = rows.sort("created").unique("algorithm", keep="last").sort("algorithm")
    algorithms = zip(latest["algorithm"], latest["algorithm_code"], strict=True)
    return {
        **settings,
        "checksum": first["data"],
        "full_seeds": _distinct(rows.filter(pl.col("sampler") == FULL)["training_seed"]),
        "sample_seeds": _distinct(rows.filter(pl.col("sampler") != FULL)["sample_seed"]),
        "algorithms": tuple({"label": label, "code": code} for label, code in algorithms),
    }


def _samplers(rows: pl.DataFrame, found: Sequence[Agreement], registry: Registry) -> list[dict[str, Any]]:
    made = []
    for label, agreements in groupby(sorted(found, key=lambda each: each.sampler), key=lambda each: each.sampler):
        own = rows.filter(pl.col("sampler") == label).sort("created", maintain_order=True)
        bound = bind_sampler(label, registry)
        entry = registry.get("samplers", Label.parse(label).name)
        own = own.filter(pl.col("sampler_code") == own["sampler_code"][-1])
        made.append(
            {
                "label": label,
                "parameters": dict(bound.parameters),
                "unit": bound.unit,
                "distribution": entry.distribution,
                "distribution_version": entry.version,
                "code": own["sampler_code"][-1],
                "samples": tuple(_samples(own)),
                "agreements": tuple(_agreement(each) for each in agreements),
            }
        )
    return made


def _samples(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """The samples that were drawn, each once: all algorithms were given the same."""
    drawn = rows.filter(pl.col("sample_digest") != "", pl.col("kept_rows").is_not_null())
    once = drawn.unique(_SAMPLE[:4], keep="first", maintain_order=True).select(_SAMPLE)
    short = {name: name.removeprefix("kept_").removeprefix("sample_") for name in _SAMPLE}
    return once.rename(short).to_dicts()


def _agreement(each: Agreement) -> dict[str, Any]:
    row = asdict(each)
    del row["sampler"], row["noise"]  # the latter stands in the conditions
    return {**row, "reason": _line(each.reason)}


def _cost(rows: pl.DataFrame) -> dict[str, Any]:
    """What is filed under a further seed, which changes nothing, took as long to the last digit: it counts once."""
    once = [axis for axis in AXES if axis != "training_seed"]
    runs = rows.filter(pl.col("seconds").is_not_null()).unique([*once, "seconds", "compile_seconds", "epochs"])
    sums = {name: runs[name].sum() for name in ("seconds", "compile_seconds", "samples_processed")}
    return {"runs": runs.height, **sums}


def _distinct(seeds: pl.Series) -> tuple[int, ...]:
    return tuple(seeds.unique().sort())


def _line(text: str) -> str:
    """A reason as one line that is not too long."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 3]}..."


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _line(value) if isinstance(value, str) else value for name, value in fields.items()}

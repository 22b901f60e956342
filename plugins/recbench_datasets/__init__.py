"""Built-in data sets: those of the catalogue, and synthetic logs of several sizes. Listing them reads neither."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from recbench import Dataset, DatasetSpec, catalogue_entries, hookimpl
from recbench_datasets.config import FAMILY, MEDIUM, NETFLIX, SMALL, TINY, SyntheticConfig

_PLANTED = "Planted tastes, Zipf popularity, exposure not at random, drift."


@hookimpl
def recbench_datasets() -> Iterable[DatasetSpec]:
    """The synthetic logs, then the catalogue."""
    return [
        _synthetic(TINY, "tiny", "For tests."),
        _synthetic(SMALL, "small", "The log of the quickstart suite: needs no network."),
        _synthetic(MEDIUM, "medium", "As large as ml-1m."),
        _synthetic(NETFLIX, "netflix", "As large as the Netflix prize: minutes to draw."),
        DatasetSpec(
            name="synthetic",
            load="recbench_datasets.synthetic:family",
            summary=f"{_PLANTED} As its parameters say.",
            source="recbench_datasets.synthetic",
            licence="CC0-1.0",
            parameters=FAMILY,
        ),
        *_catalogue(),
    ]


def _synthetic(config: SyntheticConfig, function: str, summary: str) -> DatasetSpec:
    return DatasetSpec(
        name=config.name,
        load=f"recbench_datasets.synthetic:{function}",
        summary=f"{_PLANTED} {summary}",
        source="recbench_datasets.synthetic",
        licence="CC0-1.0",
        users=config.users,
        items=config.items,
        rows=config.rows,
    )


def _catalogue() -> Iterable[DatasetSpec]:
    for entry in catalogue_entries():
        yield DatasetSpec(
            name=entry.name,
            load=partial(_catalogued, entry.name),
            summary=entry.summary,
            source=entry.source,
            licence=entry.licence,
            users=entry.users,
            items=entry.items,
            rows=entry.rows,
            needs_network=True,
        )


def _catalogued(name: str) -> Dataset:
    from recbench import catalogue_dataset  # brings Polars and pydantic, which listing does without

    return catalogue_dataset(name)

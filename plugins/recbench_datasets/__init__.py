"""Built-in data sets: synthetic logs of several sizes. Listing them imports no generator."""

from __future__ import annotations

from collections.abc import Iterable

from recbench import DatasetSpec, hookimpl
from recbench_datasets.config import MEDIUM, NETFLIX, SMALL, TINY, SyntheticConfig


@hookimpl
def recbench_datasets() -> Iterable[DatasetSpec]:
    """The synthetic logs."""
    return [
        _synthetic(TINY, "tiny", "For tests."),
        _synthetic(SMALL, "small", "The log of the quickstart suite: needs no network."),
        _synthetic(MEDIUM, "medium", "As large as ml-1m."),
        _synthetic(NETFLIX, "netflix", "As large as the Netflix prize: minutes to draw."),
    ]


def _synthetic(config: SyntheticConfig, function: str, summary: str) -> DatasetSpec:
    return DatasetSpec(
        name=config.name,
        load=f"recbench_datasets.synthetic:{function}",
        summary=f"Planted tastes, Zipf popularity, exposure not at random, drift. {summary}",
        source="recbench_datasets.synthetic",
        licence="CC0-1.0",
        users=config.users,
        items=config.items,
        rows=config.rows,
    )

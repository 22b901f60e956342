"""The table of algorithms: how each does on the full data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from recbench.cli.tables import Column, print_table

if TYPE_CHECKING:
    from recbench.bench.standings import Standing


def print_algorithms(found: Sequence[Standing], *, as_json: bool) -> None:
    """One line for each data set, feedback type and algorithm, best first."""
    records = [asdict(each) for each in found]
    if not as_json:
        records = [record | record["others"] | {"hyper": _assigned(record["hyper"])} for record in records]
    columns: list[Column | str] = [
        *("dataset", "feedback"),
        *([Column("noise", digits=2)] if any(each.noise for each in found) else []),
        *("algorithm", Column("hyper", wraps=True), "metric", "value"),
        *(Column("low", "2.5%"), Column("high", "97.5%")),
        *dict.fromkeys(metric for each in found for metric in each.others),
        *(Column("seconds", digits=2), "seeds"),
        *([Column("reason", wraps=True)] if any(each.reason for each in found) else []),
    ]
    print_table(records, columns, as_json=as_json)


def _assigned(values: dict[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(values.items()))

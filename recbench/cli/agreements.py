"""The table of samplers: how far each keeps the ranking of the algorithms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from recbench.cli.tables import Column, print_table
from recbench.contracts.records import Agreement, Budget

COLUMNS = (
    "dataset",
    "feedback",
    Column("noise", digits=2),
    "metric",
    "budget",
    "sampler",
    "over",
    Column("tau", digits=3),
    Column("tau_low", "2.5%", digits=3),
    Column("tau_high", "97.5%", digits=3),
    Column("ceiling", digits=3),
    Column("share_of_ceiling", "share", digits=2),
    Column("regret", digits=4),
    Column("samples_share", "samples", digits=2),
    Column("speedup", digits=1),
    Column("reason", wraps=True),
)
_AVERAGED = ("tau", "ceiling", "share_of_ceiling", "regret", "pair_accuracy", "samples_share", "speedup")


def best_first(found: Sequence[Agreement], budgets: Sequence[str]) -> list[Agreement]:
    """The same lines with the best sampler first within each data set, feedback type, metric and budget."""
    place = {str(Budget.parse(budget)): number for number, budget in enumerate(budgets)}

    def order(each: Agreement) -> tuple[str, str, float, str, int, float]:
        tau = -2.0 if each.tau is None else each.tau
        return each.dataset, each.feedback, each.noise, each.metric, place.get(each.budget, len(place)), -tau

    return sorted(found, key=order)


def print_agreements(found: Sequence[Agreement], *, as_json: bool) -> None:
    """One line for each data set, feedback type, metric, sampler and budget; columns that say nothing are left out."""
    records = [asdict(each) | ({} if as_json else {"over": _over(each)}) for each in found]
    silent = {field for field in ("reason", "noise") if not any(getattr(each, field) for each in found)}
    columns = [column for column in COLUMNS if not (isinstance(column, Column) and column.field in silent)]
    print_table(records, columns, as_json=as_json)


def print_averages(found: Sequence[Agreement], by: Sequence[str], *, as_json: bool) -> None:
    """One line for each value of the given fields, averaged over the rest.

    Where a tau is missing, what rests on it is missing too: an average over the rest would reward a sampler for what it
    could not do. ``taus`` says of how many lines how many had one.
    """

    def place(each: Agreement) -> tuple[str, ...]:
        return tuple(str(getattr(each, field)) for field in by)

    order = {where: number for number, where in reversed(list(enumerate(map(place, found))))}
    groups = groupby(sorted(found, key=lambda each: order[place(each)]), key=place)
    records = [_average(dict(zip(by, where, strict=True)), list(lines)) for where, lines in groups]
    digits = (Column(name, {"share_of_ceiling": "share"}.get(name, name), digits=3) for name in _AVERAGED)
    print_table(records, [*by, "taus", *digits], as_json=as_json)


def _over(each: Agreement) -> str:
    """Of how many algorithms, and how many of them lift the ceiling because no seed moves them."""
    return f"{each.num_algorithms}" + (f" ({each.num_deterministic} fixed)" if each.num_deterministic else "")


def _average(place: dict[str, Any], lines: Sequence[Agreement]) -> dict[str, Any]:
    def mean(field: Callable[[Agreement], float | None]) -> float | None:
        return _mean(value for value in map(field, lines) if value is not None)

    taus = sum(each.tau is not None for each in lines)
    shown = _AVERAGED if taus == len(lines) else ("ceiling",)
    averages = {name: mean(lambda each, name=name: getattr(each, name)) for name in shown}  # type: ignore[misc]
    return place | {"taus": f"{taus}/{len(lines)}"} | dict.fromkeys(_AVERAGED) | averages


def _mean(values: Iterable[float]) -> float | None:
    present = list(values)
    return sum(present) / len(present) if present else None

"""The table of samplers: how far each keeps the ranking of the algorithms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from recbench.cli.tables import Column, cell, note, print_table
from recbench.contracts.records import Agreement, Budget

if TYPE_CHECKING:
    import polars as pl

    from recbench.bench.averages import Average
    from recbench.bench.comparison import Difference

LEVEL = 0.05
"""Samplers differ when the corrected p-value of their difference is below this."""
_TAU = (
    Column("tau", digits=3),
    Column("tau_low", "2.5%", digits=3),
    Column("tau_high", "97.5%", digits=3),
    Column("ceiling", digits=3),
    Column("share_of_ceiling", "share", digits=2),
    Column("regret", digits=4),
)
_COST = (Column("samples_share", "samples", digits=2), Column("speedup", digits=1))
COLUMNS = (
    "dataset",
    "feedback",
    Column("noise", digits=2),
    "metric",
    "budget",
    "sampler",
    "over",
    *_TAU,
    *_COST,
    Column("reason", wraps=True),
)
_AVERAGED = (*_TAU, Column("pair_accuracy", "pairs right", digits=3), *_COST)
_SAMPLES = (
    Column("dataset"),
    Column("feedback"),
    Column("split"),
    Column("split_seed", "split seed"),
    Column("noise", digits=2),
    Column("noise_seed", "noise seed"),
    Column("sampler"),
    Column("budget"),
    Column("sample_seed", "seed"),
    Column("kept_rows", "rows"),
    Column("kept_users", "users"),
    Column("kept_items", "items"),
    Column("cold_test_users", "cold users", digits=3),
    Column("cold_test_items", "cold items", digits=3),
    Column("popularity_shift", "popularity", digits=3),
    Column("time_span", "time span", digits=3),
    Column("sampler_seconds", "seconds", digits=2),
    Column("status"),
)
_SELDOM = ("split", "split_seed", "noise", "noise_seed")
"""Columns that a table shows where lines differ in them."""
_DIFFERENCES = (
    "first",
    "second",
    "over",
    Column("difference", digits=3),
    Column("low", "2.5%", digits=3),
    Column("high", "97.5%", digits=3),
    Column("corrected", "p (Holm)"),
)


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


def print_averages(found: Sequence[Average], by: Sequence[str], *, as_json: bool) -> None:
    """One line an average; ``taus`` says of how many of its lines how many had a tau."""
    records = [asdict(each) | each.place | {"taus": f"{each.taus}/{each.lines}"} for each in found]
    for record in records:
        del record["place"], record["lines"]
    print_table(records, [*by, "taus", *_AVERAGED], as_json=as_json)


def print_across(found: Sequence[Average], by: Sequence[str], across: str) -> None:
    """The taus of averages as a table with a column for each value of one field, intervals in brackets."""
    columns = list(dict.fromkeys(str(each.place[across]) for each in found))
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for each in found:
        place = {field: cell(each.place[field]) for field in by}
        line = lines.setdefault(tuple(place.values()), dict(place))
        line[str(each.place[across])] = _with_interval(each)
    print_table(list(lines.values()), [*by, *columns])


def print_differences(found: Sequence[Difference], *, as_json: bool) -> None:
    """The pairs of samplers that differ, as they were corrected for the number of pairs; JSON has all pairs."""
    telling = [each for each in found if each.corrected is not None and each.corrected < LEVEL]
    records = [asdict(each) | {"over": each.lines} for each in (found if as_json else telling)]
    print_table(records, _DIFFERENCES, as_json=as_json)
    if not as_json:
        note(f"{len(telling)} of {len(found)} pairs of samplers differ in tau: p below {LEVEL} after Holm's correction")


def print_samples(rows: pl.DataFrame, *, as_json: bool) -> None:
    """What every sample kept, who of the test set it left cold, and how far it leans."""
    alike = [each for each in _SAMPLES if each.field in _SELDOM and rows[each.field].n_unique() < 2]
    columns = [each for each in _SAMPLES if each not in alike]
    print_table(rows.select(each.field for each in _SAMPLES).to_dicts(), columns, as_json=as_json)


def _with_interval(each: Average) -> str:
    if each.tau is None:
        return f"- ({each.taus}/{each.lines})"
    if each.tau_low is None or each.tau_high is None:
        return f"{each.tau:.2f}"
    return f"{each.tau:.2f} [{each.tau_low:.2f}, {each.tau_high:.2f}]"


def _over(each: Agreement) -> str:
    """Of how many algorithms, and how many of them lift the ceiling because no seed moves them."""
    return f"{each.num_algorithms}" + (f" ({each.num_deterministic} fixed)" if each.num_deterministic else "")

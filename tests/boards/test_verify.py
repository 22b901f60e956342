"""Verifying: real entries hold, forged ones are refused by the field, and what rests on trust is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recbench.bench.cells import cell_id
from recbench.bench.store import Store
from recbench.boards.claims import check_samples
from recbench.boards.entry import Entry
from recbench.boards.files import Submission, read_submission
from recbench.boards.rerun import chosen_cells
from recbench.boards.runs import cell_axes, entry_frame, tables_of
from recbench.boards.shelf import Shelf
from recbench.boards.verdict import read_verdict, verdict_path, write_verdict
from recbench.contracts.errors import ParameterError, UnknownNameError, VerificationError
from recbench.registry import Registry

Change = Callable[[dict[str, Any]], object]
BOARDS = ("samplers", "algorithms", "synthesisers")


@pytest.mark.parametrize("board", BOARDS)
def test_what_was_run_holds(desk: Any, board: str) -> None:
    verdict = desk(board).verify()
    assert (verdict.tier, verdict.runs, verdict.notes) == ("recomputed", 0, ())
    assert verdict.samples == len(read_submission(desk(board).path).entry.samples)


def test_an_entry_is_its_runs(built: dict[str, Submission], small_suite: Path) -> None:
    entry, replicates = built["samplers"].entry, built["samplers"].replicates
    stored = Store(small_suite.parent / "store").frame()
    frame = entry_frame(entry, replicates)
    tables = tables_of(entry)
    assert {cell_id(cell_axes(cell, tables)) for cell in entry.cells} == set(stored["cell"]), "no axis is lost"
    both = frame.join(stored, on=["cell", "metric"], nulls_equal=True)
    assert both.height == frame.height == stored.height
    for column in ("value", "replicates", "validation", "status", "seconds", "kept_rows", "sample_digest"):
        assert both[column].equals(both[f"{column}_right"], check_names=False), column


def test_algorithms_are_ranked_and_fewer_users_stand_beside_all(built: dict[str, Submission]) -> None:
    standings = built["algorithms"].entry.standings
    assert [each.rank for each in standings] == [1, 2, 3] and not built["algorithms"].entry.samplers
    first = standings[0].metrics["auc"]
    assert first.low < first.value < first.high and standings[0].metric == "auc"
    (tuned,) = [each for each in standings if each.algorithm == "ease"]
    assert (tuned.points, tuned.finished, tuned.hyper["l2"] in (10.0, 100.0)) == (2, 2, True)
    made = built["synthesisers"].entry
    assert [each.label for each in made.samplers] == ["head", "random[unit=user]"], "those that keep whole users"
    (row,) = [
        each
        for each in made.qualities
        if (each.sampler, each.budget, each.algorithm, each.metric) == ("head", "60users", "ease", "auc")
    ]
    full = next(each.metrics["auc"].value for each in standings if each.algorithm == "ease")
    assert (row.full, row.share) == (pytest.approx(full), pytest.approx(row.value / full))
    assert row.low < row.value < row.high


def at(*path: Any, value: Any) -> Change:
    """Sets one field; callable values are given the old one."""

    def change(content: dict[str, Any]) -> None:
        place: Any = content
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value(place[path[-1]]) if callable(value) else value

    return change


def without(table: str, **those: Any) -> Change:
    """Leaves rows out of a table, and their replicates' count as it is where they have none."""

    def change(content: dict[str, Any]) -> None:
        content[table] = [row for row in content[table] if any(row[name] != value for name, value in those.items())]

    return change


def budgeted(field: str, change: Callable[[int], int]) -> Change:
    """The first sample of a number of users is of another size."""

    def changed(content: dict[str, Any]) -> None:
        sample = next(each for each in content["samples"] if each["budget"].endswith("users"))
        sample[field] = change(sample[field])

    return changed


def skipped(content: dict[str, Any]) -> None:
    """The refused runs take a reason that their sample does not bear out."""
    for cell in content["cells"]:
        if cell["status"] == "skipped":
            cell["reason"] = "too small: 1 user"
    place = ("random", "60users")
    content["samples"].append({**content["samples"][-1], "sampler": place[0], "budget": place[1]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (at("agreements", 0, "tau", value=lambda tau: tau / 2), "'agreements.0.tau'"),
        (at("agreements", 1, "tau_low", value=-0.77), "'agreements.1.tau_low' is -0.77 in the entry, but"),
        (at("agreements", 1, "tau_high", value=0.77), "'agreements.1.tau_high'"),
        (at("agreements", 2, "rank", value=3), "'agreements.2.rank'"),
        (at("agreements", 2, "num_deterministic", value=0), "'agreements.2.num_deterministic'"),
        (at("means", 0, "taus", value=9), "'means.0.taus'"),
        (at("cost", "seconds", value=0.0), "'cost.seconds'"),
        (at("suite_version", value=4), "'suite_version' is 4 in the entry, but 3"),
        (at("suite", value="other"), "'suite' is 'other' in the entry, but 'small'"),
        (at("subset", value="none"), "no subset 'none'"),
        (at("conditions", 0, "checksum", value="0" * 64), "'checksum' of the conditions on synthetic-tiny"),
        (at("conditions", 0, "mask", value="sample"), "'conditions.0.mask' is 'sample' in the entry, but 'full'"),
        (at("conditions", 0, "max_epochs", value=9), "'conditions.0.max_epochs' is 9"),
        (at("conditions", 0, "split", value="given"), "'conditions.0.split'"),
        (at("conditions", 0, "noise", value=0.5), "'conditions.0.noise'"),
        (
            at("conditions", 0, "full_seeds", value=[0]),
            "'conditions.0.full_seeds' is [0] in the entry, but [0, 1] is what the cells have",
        ),
        (at("conditions", 0, "metric_code", value="a" * 64), "'conditions.0.metric_code'"),
        (at("cells", 0, "training_seed", value=7), "'conditions.0.full_seeds' is [0, 1] in the entry, but [0, 1, 7]"),
        (at("cells", 0, "hyper", "l2", value=7.0), "'cells' lacks 1 of"),
        (at("cells", 0, "status", value="timeout"), "(timeout: )"),
        (without("cells", status="skipped"), "'cells' lacks 3 of 25 cells: synthetic-tiny, implicit, random at"),
        (skipped, "status' is 'skipped' (too small: 1 user), but its sample has 60 users"),
        (at("samples", 0, "digest", value="1" * 64), "'samples.0.digest' is '111"),
        (at("samples", 1, "digest", value="1" * 64), "'samples.1.digest' is '111"),
        (at("samples", 1, "users", value=lambda users: users + 1), "'samples.1.users'"),
        (budgeted("users", lambda users: 2 * users), "but the budget"),
        (budgeted("users", lambda users: users // 2), "but the budget"),
        (at("samples", 1, "cold_test_items", value=0.75), "'samples.1.cold_test_items'"),
        (at("samplers", 0, "unit", value="item"), "'samplers.0.unit'"),
        (at("samplers", 1, "parameters", value={"a": 1}), "'samplers.1.parameters.a'"),
    ],
)
def test_forged_digests_do_not_help(desk: Any, change: Change, said: str) -> None:
    table = desk("samplers")
    assert said in table.refusal(table.forged(change))


def test_as_few_users_as_were_asked_for_are_run_on(built: dict[str, Submission]) -> None:
    content = built["synthesisers"].entry.model_dump()
    for each in (*content["samples"], *content["cells"]):
        if each["budget"] == "60users":
            each["budget"] = "10users"
            each |= {"users": 10, "items": 20, "rows": 30} if "users" in each else {}
    check_samples(Entry.model_validate(content))


def test_what_cannot_be_checked_is_said(desk: Any) -> None:
    table = desk("samplers")
    claim = {"dataset": "toy", "feedback": "implicit", "reason": "no such feedback"}
    verdict = table.verify(table.forged(at("left_out", value=[claim])))
    assert verdict.tier == "self-reported" and "whether toy allows implicit feedback" in verdict.notes[0]
    lies = [{**claim, "dataset": "synthetic-tiny", "feedback": "explicit"}]
    assert "'left_out.0' says that synthetic-tiny does not allow" in table.refusal(
        table.forged(at("left_out", value=lies))
    )

    def elsewhere(content: dict[str, Any]) -> None:
        for name in ("conditions", "samples", "cells", "agreements"):
            for row in content[name]:
                row["dataset"] = "my-log"

    verdict = table.verify(table.forged(elsewhere))
    assert verdict.tier == "self-reported" and "give its file with --data" in verdict.notes[0]
    later = table.verify(table.forged(at("conditions", 0, "protocol", value=99)))
    assert later.tier == "self-reported" and "version 99 of recbench's protocol" in later.notes[0]


def test_a_log_of_ones_own_is_found_by_its_content(desk: Any) -> None:
    table = desk("samplers")
    dataset = table.shelf.dataset("synthetic-tiny")
    given = replace(dataset, name="my-file")
    verdict = table.verify(shelf=Shelf(Registry(entry_points=False), {"my-file": given}))
    assert verdict.tier == "recomputed"


def test_only_running_again_proves_a_number(desk: Any) -> None:
    """Who makes up a number, and all that follows from it, is found out by no digest."""
    table = desk("samplers")
    (number,) = chosen_cells(read_submission(table.path).entry, 1, seed=3)
    path = table.forged(at("cells", number, "metrics", "auc", value=0.999), derived=True)
    assert table.verify(path).tier == "recomputed"
    said = table.refusal(path, runs=1, seed=3)
    assert f"'cells.{number}.metrics.auc' is 0.999 in the entry, but 0." in said and "is run again" in said
    honest = table.verify(runs=1, seed=3)
    assert (honest.tier, honest.runs, honest.seed) == ("re-run", 1, 3) and honest.difference < 1e-4


def test_what_is_needed_to_run_again_is_said(desk: Any) -> None:
    table = desk("samplers")
    with pytest.raises(ParameterError, match=r"cannot be run again: the data set 'synthetic-tiny' is not registered"):
        table.verify(runs=1, shelf=Shelf(Registry(entry_points=False)))
    with pytest.raises(UnknownNameError, match="'small' does not come with recbench: give its file with --suite"):
        table.verify(suite=None)


def test_a_verdict_is_of_one_entry(desk: Any) -> None:
    table = desk("samplers")
    assert read_verdict(table.path) is None
    verdict = table.verify()
    assert write_verdict(verdict, table.path) == verdict_path(table.path)
    assert read_verdict(table.path) == verdict
    table.path.write_text(table.path.read_text() + " ")
    assert read_verdict(table.path) is None, "the entry is another now"
    verdict_path(table.path).write_text('{"tier": "gold"}')
    with pytest.raises(VerificationError, match=r"verified\.json is refused"):
        read_verdict(table.path)


def test_a_renamed_entry_is_refused(desk: Any) -> None:
    table = desk("samplers")
    path = table.path.rename(table.path.with_name("20260101-0123456789abcdef.json"))
    assert "is not what its name says: with its content it is called" in table.refusal(path)

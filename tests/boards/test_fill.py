"""From entries to rows: each number in its place, the newest on top, entries with their command."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from recbench.bench.suite import load_suite
from recbench.boards.commands import commands_of
from recbench.boards.files import Submission
from recbench.boards.fill import board_page
from recbench.boards.newest import by_board
from recbench.boards.pages import pages_of
from recbench.boards.verdict import Verdict
from recbench.registry import Registry


@pytest.fixture
def verdict() -> Verdict:
    return Verdict(
        entry="0" * 64, tier="re-run", date=datetime(2026, 2, 3, tzinfo=UTC), recbench="0.2.0", samples=4,
        similar_samples=1, runs=5, seed=7, tolerance=0.01, difference=0.00123, notes=("taken on trust: x",),
    )  # fmt: skip


def test_rows_are_the_newest_lines_of_the_entries(
    make_entry: Any, make_sampler: Any, missing: dict[str, Any], verdict: Verdict
) -> None:
    old = make_entry(make_sampler("random", {"tau": 0.1}), make_sampler("head", {"tau": 0.2}))
    new = make_entry(make_sampler("random", {"tau": 0.9}), make_sampler("head", missing), day=2)
    page = board_page({"old.json": old, "new.json": new}, verdicts={"new.json": verdict})
    assert (page.board.name, page.suite, page.version) == ("samplers", "toys", 2)
    assert [(row.sampler, row.tau, row.entry) for row in page.rows] == [
        ("random", 0.9, "new.json"),
        ("head", 0.2, "old.json"),
    ]
    row = page.rows[0]
    assert (row.dataset, row.feedback, row.metric, row.budget) == ("toy", "implicit", "ndcg@10", "10%")
    assert (row.low, row.high, row.ceiling, row.share) == (0.2, 0.8, 0.8, 0.75)
    assert (row.regret, row.speedup, row.over, row.fixed, row.note) == (0.0125, 4.04, 5, 2, "")
    assert [(each.name, each.date, each.tier) for each in page.entries] == [
        ("old.json", "2026-01-01", "self-reported"),
        ("new.json", "2026-01-02", "re-run"),
    ]
    facts = dict(page.entries[1].facts)
    assert facts["verified"] == (
        "2026-02-03 with recbench 0.2.0: 4 samples drawn again, and 1 alike within what training anew allows; "
        "5 runs made again (seed 7), with metrics that differ by 0.0012 of their value at most, where 0.01 is allowed"
    )
    assert facts["not verified"] == "taken on trust: x" and "verified" not in dict(page.entries[0].facts)


def test_a_missing_tau_has_its_reason(make_entry: Any, make_sampler: Any, missing: dict[str, Any]) -> None:
    (row,) = board_page({"a.json": make_entry(make_sampler("head", missing))}).rows
    assert (row.tau, row.low, row.note) == (None, None, "1 of 5 algorithms are missing: mf (diverged)")


def test_an_entry_says_how_to_make_it_again_and_under_what_conditions(make_entry: Any) -> None:
    entry = make_entry(datasets=("toy", "my data"), subset="quick", submitter="Me", link="https://example.org")
    (shown,) = board_page({"a.json": entry}, source="suites/toys.toml").entries
    run = "recbench run suites/toys.toml --subset quick --algorithm 'mf[latent=8]'"
    assert shown.commands == (
        f"{run} --dataset toy --full-seeds 2 --sample-seeds 1",
        f"{run} --dataset 'my data' --full-seeds 2 --sample-seeds 1",
    ), "what is not of recbench is not of the suite either"
    assert (shown.runs, shown.hours, shown.devices) == (12, 1.0, "cpu")
    assert (shown.submitter, shown.link) == ("Me", "https://example.org")
    facts = dict(shown.facts)
    assert facts["sampler"] == "random: recbench 0.1.0; proxy=mf, share=0.5, deep=True"
    assert facts["1 algorithms"] == f"mf[latent=8] (mine 1.0, code {'b' * 16})"
    assert "split per-user, seed 0; training seeds 0, 1; sample seeds 0" in facts["on toy, implicit"]


def test_an_entry_of_a_part_of_a_suite_names_what_it_is_of(make_entry: Any) -> None:
    entry = make_entry().model_copy(update={"suite": "svp-cf", "suite_version": 2})
    own = [each.model_copy(update={"distribution": "recbench"}) for each in entry.algorithms]
    part = entry.model_copy(update={"algorithms": tuple(own)})
    run = "recbench run svp-cf --sampler random --dataset toy --full-seeds 2 --sample-seeds 1"
    assert commands_of(part) == {"toy": run}
    whole = load_suite("svp-cf").samplers
    named = [entry.samplers[0].model_copy(update={"label": label}) for label in whole]
    assert commands_of(part.model_copy(update={"samplers": tuple(named)})) == {
        "toy": run.replace(" --sampler random", "")
    }
    board = part.model_copy(update={"board": "algorithms", "samplers": ()})
    assert "--algorithm 'mf[latent=8]' --dataset toy" in commands_of(board)["toy"]


def test_an_entry_states_the_means_of_all_its_rows(make_entry: Any, make_sampler: Any) -> None:
    mean = {"sampler": "random", "budget": "10%", "taus": 2, "lines": 2, "tau": 0.5, "tau_low": 0.4, "tau_high": 0.6,
            "ceiling": None, "share_of_ceiling": None, "pair_accuracy": None, "samples_share": None,
            "speedup": None}  # fmt: skip
    made = make_sampler("random", {}, {"metric": "auc", "tau": 0.4})
    gap = {**mean, "budget": "80%", "taus": 1, "tau": None, "tau_low": None, "tau_high": None}
    (found,) = board_page({"a.json": make_entry(made, means=(mean, gap))}).means
    assert (found.contestant, found.level, found.entry, found.rows) == ("random", "10%", "a.json", 2)
    assert (found.value, found.low, found.high) == (0.5, 0.4, 0.6)


def test_a_suite_without_the_usual_metric_starts_in_its_first(make_entry: Any, make_sampler: Any) -> None:
    entry = make_entry(make_sampler("random", {"metric": "auc"}, {"metric": "hr@5"}))
    assert board_page({"a.json": entry}).headlines == {"implicit": "auc"}


@pytest.mark.parametrize("board", ["samplers", "algorithms", "synthesisers"])
def test_every_number_of_real_runs_is_in_its_column(built: dict[str, Submission], board: str) -> None:
    entry = built[board].entry
    page = board_page({"a.json": entry}, registry=Registry())
    assert page.board.name == board and page.rows and not page.lower_is_better
    places = ("dataset", "feedback", "metric", "sampler", "budget", "algorithm")
    shown = {tuple(getattr(row, name, "") for name in places): row for row in page.rows}
    assert len(shown) == len(page.rows)
    renamed = {"tau_low": "low", "tau_high": "high", "share_of_ceiling": "share", "num_algorithms": "over",
               "num_deterministic": "fixed", "sampler_seconds": "drawing", "reason": "note"}  # fmt: skip
    stated = [(row.metric, row, row) for row in (*entry.agreements, *entry.qualities)]
    stated += [(metric, row, found) for row in entry.standings for metric, found in row.metrics.items()]
    assert len(stated) == len(page.rows)
    for metric, row, numbers in stated:
        found = shown[tuple(metric if name == "metric" else getattr(row, name, "") for name in places)]
        known = {**row.model_dump(), **numbers.model_dump(), "metric": metric}
        known = {renamed.get(name, name): value for name, value in known.items()}
        own = {each.name for each in fields(found)} & known.keys()
        assert own >= {each.name for each in fields(found)} - {"entry", "chosen"}
        assert {name: getattr(found, name) for name in own} == {name: known[name] for name in own}


def test_errors_are_better_when_they_are_low(built: dict[str, Submission], make_entry: Any) -> None:
    row = built["algorithms"].entry.standings[0].model_dump()
    best, worst = ({**row, "dataset": "toy", "algorithm": "mf[latent=8]", "feedback": "implicit", "metric": "rmse",
                    "metrics": {"rmse": {"value": value, "low": None, "high": None, "spread": None}}}
                   for value in (0.9, 1.1))  # fmt: skip
    first = make_entry().algorithms[0].model_dump()
    algorithms = (first, {**first, "label": "bias"})
    entry = make_entry(board="algorithms", samplers=(), samples=(), agreements=(), algorithms=algorithms,
                       standings=({**worst, "algorithm": "bias"}, best))  # fmt: skip
    assert board_page({"a.json": entry}).lower_is_better == {"rmse"}
    text = pages_of({"a.json": entry})["README.md"]
    assert text.index("| `mf[latent=8]` | 0.9000 |") < text.index("| `bias` | 1.1000 |")


def test_each_board_has_pages_that_lead_to_the_others(built: dict[str, Submission]) -> None:
    entries = {f"{board}.json": made.entry for board, made in built.items()}
    pages = pages_of(entries, registry=Registry())
    assert list(pages) == [
        "README.md", "index.html", "algorithms.md", "algorithms.html", "synthesisers.md", "synthesisers.html",
    ]  # fmt: skip
    assert (
        "# small v3: samplers\n\nAlso of this suite: [algorithms](algorithms.md), [synthesisers]" in pages["README.md"]
    )
    assert '<a href="algorithms.html">algorithms</a>' in pages["index.html"]
    assert '<a href="index.html">samplers</a>' in pages["synthesisers.html"]
    assert '<a href="synthesisers.md">synthesisers.md</a> has the same' in pages["synthesisers.html"]
    assert "[samplers.json](entries/samplers.json)" not in pages["algorithms.md"]
    alone = pages_of({"a.json": built["algorithms"].entry}, registry=Registry())
    assert list(alone) == ["README.md", "index.html"] and "Also of" not in alone["README.md"]
    assert "<nav" not in alone["index.html"]
    assert list(by_board(entries)) == ["samplers", "algorithms", "synthesisers"]

"""From entries to rows: each number in its place, the newest on top, entries with their command."""

from __future__ import annotations

from typing import Any

from recbench.boards.samplers_page import samplers_page


def test_rows_are_the_newest_lines_of_the_entries(make_entry: Any, make_sampler: Any, missing: dict[str, Any]) -> None:
    old = make_entry(make_sampler("random", {"tau": 0.1}), make_sampler("head", {"tau": 0.2}))
    new = make_entry(make_sampler("random", {"tau": 0.9}), make_sampler("head", missing), day=2)
    page = samplers_page({"old.json": old, "new.json": new}, tiers={"new.json": "re-run"})
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


def test_a_missing_tau_has_its_reason(make_entry: Any, make_sampler: Any, missing: dict[str, Any]) -> None:
    (row,) = samplers_page({"a.json": make_entry(make_sampler("head", missing))}).rows
    assert (row.tau, row.low, row.note) == (None, None, "1 of 5 algorithms are missing: mf (diverged)")


def test_an_entry_says_how_to_make_it_again_and_under_what_conditions(make_entry: Any) -> None:
    entry = make_entry(datasets=("toy", "my data"))
    (shown,) = samplers_page({"a.json": entry}, source="suites/toys.toml").entries
    assert shown.commands == (
        "recbench run suites/toys.toml --dataset toy --full-seeds 2 --sample-seeds 1",
        "recbench run suites/toys.toml --dataset 'my data' --full-seeds 2 --sample-seeds 1",
    )
    assert (shown.runs, shown.hours, shown.devices) == (12, 1.0, "cpu")
    facts = dict(shown.facts)
    assert facts["sampler"] == "random: recbench 0.1.0; proxy=mf, share=0.5, deep=True"
    assert "split per-user, seed 0; training seeds 0, 1; sample seeds 0" in facts["on toy, implicit"]

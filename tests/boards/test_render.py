"""Pages: every number of the entries in its place, gaps as dashes with their reason, the newest entry on top."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recbench.boards.entry import Entry
from recbench.boards.render import render_block, render_board, replace_block
from recbench.boards.tables import tau_tables
from recbench.boards.verdict import TIERS, make_verdict, read_verdicts, write_verdict
from recbench.contracts.errors import ParameterError
from recbench.registry import Registry


def lines_of(page: str, start: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith(start)]


@pytest.fixture
def entries(make_entry: Any, make_sampler: Any, missing: dict[str, Any]) -> dict[str, Entry]:
    """Two samplers and two budgets, one cell missing; a metric that is not the headline."""
    return {
        "one.json": make_entry(
            make_sampler("random", {}, {"budget": "80%", "tau": 0.8}, {"metric": "auc", "tau": -1.0}),
            make_sampler("head", {**missing}, {"budget": "80%", "tau": 1.0}),
            make_sampler("svp-cf[unit=user]", {"tau": 0.7}, {"budget": "80%", "tau": 0.75}),
        )
    }


def test_a_board_has_tau_by_sampler_and_budget(entries: dict[str, Entry]) -> None:
    page = render_board(entries)
    assert "# toys v2: samplers" in page and "Noise pulls tau down" in page
    assert lines_of(page, "| `") == [
        "| `svp-cf[unit=user]` | 0.750 | 0.700 |",
        "| `random` | 0.800 | 0.600 |",
        "| `head` | 1.000 | - |",
    ], "by mean tau; those with a gap last"
    assert lines_of(page, "| 10%") == [
        "| 10% | `svp-cf[unit=user]` | 0.700 | 0.200 to 0.800 | 0.800 | 0.75 | 0.0125 | 4.0 | 5 (2 fixed) |",
        "| 10% | `random` | 0.600 | 0.200 to 0.800 | 0.800 | 0.75 | 0.0125 | 4.0 | 5 (2 fixed) |",
        "| 10% | `head` | - | - | 0.800 | - | - | - | 5 (2 fixed) |",
    ]
    assert lines_of(page, "- `head`") == ["- `head` at 10%: 1 of 5 algorithms are missing: mf (diverged)"]
    assert lines_of(page, "recbench run") == [
        "recbench run toys --algorithm 'mf[latent=8]' --dataset toy --full-seeds 2 --sample-seeds 1"
    ]
    assert (
        lines_of(page, "| [one")[0]
        == "| [one.json](entries/one.json) | 2026-01-01 | self-reported | - | 0.1.0 | 12 | 1.00 | cpu |"
    )


def test_tables_are_markdown_tables(entries: dict[str, Entry]) -> None:
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py comes with rich")
    reader = markdown_it.MarkdownIt("commonmark").enable("table")
    for page, tables in ((render_board(entries), 3), (render_block(entries), 1)):
        assert reader.render(page).count("<table>") == tables
        assert "<p>|" not in reader.render(page) and "\n\n\n" not in page


def test_a_block_is_one_data_set_at_a_tenth(entries: dict[str, Entry]) -> None:
    block = render_block(entries, link="leaderboards/toys v2/README.md")
    assert lines_of(block, "| `") == [
        "| `svp-cf[unit=user]` | 0.70 | 0.20 to 0.80 | 0.80 | 0.75 | 0.0125 | 4.0 | 5 (2 fixed) |",
        "| `random` | 0.60 | 0.20 to 0.80 | 0.80 | 0.75 | 0.0125 | 4.0 | 5 (2 fixed) |",
        "| `head` | - | - | 0.80 | - | - | - | 5 (2 fixed) |",
    ]
    assert "- `head`: 1 of 5 algorithms are missing: mf (diverged)" in block
    assert "[the board](leaderboards/toys%20v2/README.md)" in block and "sit low" in block
    part = {name: entry.model_copy(update={"subset": "few"}) for name, entry in entries.items()}
    assert "recbench board build --suite toys --subset few --dataset toy" in render_block(part)
    with pytest.raises(ParameterError, match="nothing on 'other': it has results on toy"):
        render_block(entries, dataset="other")


def test_what_taus_leave_out_is_noted_once(make_entry: Any, make_sampler: Any, missing: dict[str, Any]) -> None:
    out = {"reason": "ease is not ranked: on the full data, skipped: needs 80 GB"}
    entry = make_entry(make_sampler("random", out, {"budget": "80%", **out}), make_sampler("head", missing))
    for page in (render_board({"a.json": entry}), render_block({"a.json": entry})):
        assert lines_of(page, "Note") == [f"Note: {out['reason']}."] and "\n\n\n" not in page
        assert len(lines_of(page, "- `head`")) == 1


def test_the_newest_tau_counts_and_a_gap_hides_none(
    make_entry: Any, make_sampler: Any, missing: dict[str, Any]
) -> None:
    old = make_entry(make_sampler("random", {"tau": 0.1}), make_sampler("head", {"tau": 0.2}))
    new = make_entry(make_sampler("random", {"tau": 0.9}), make_sampler("head", missing), day=2)
    (table,) = tau_tables({"old.json": old, "new.json": new})
    assert [(x.row.sampler, x.row.tau, x.entry) for x in table.lines] == [
        ("random", 0.9, "new.json"),
        ("head", 0.2, "old.json"),
    ]


def test_feedback_types_and_data_sets_have_tables_of_their_own(make_entry: Any, make_sampler: Any) -> None:
    row = {"dataset": "b", "metric": "auc"}
    entry = make_entry(make_sampler("random", row, {}), datasets=("b", "toy"))
    assert [(t.dataset, t.metric) for t in tau_tables({"a": entry})] == [("b", "auc"), ("toy", "ndcg@10")]


@pytest.mark.parametrize("board", ["algorithms", "synthesisers"])
def test_algorithms_and_synthesisers_have_tables_of_their_values(built: Any, board: str) -> None:
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py comes with rich")
    entry = built[board].entry
    page = render_board({"a.json": entry}, registry=Registry())
    html = markdown_it.MarkdownIt("commonmark").enable("table").render(page)
    assert html.count("<table>") == 2 and "<p>|" not in html and "\n\n\n" not in page
    assert f"# small v3: {board}" in page and page.count("### synthetic-tiny, implicit feedback") == 1
    if board == "algorithms":
        ranked = sorted(entry.standings, key=lambda row: row.rank)
        expected = [f"| `{x.algorithm}` | {x.metrics[x.metric].value:.4f} |" for x in ranked]
    else:
        own = [row for row in entry.qualities if row.metric == "ndcg@10" and row.value is not None]
        ranked = sorted(own, key=lambda row: (row.budget != "60%", -row.value))
        expected = [f"| {x.budget} | `{x.sampler}` | `{x.algorithm}` | {x.value:.4f} |" for x in ranked]
    shown = [line for line in page.splitlines() if line.startswith(tuple(expected))]
    assert expected and all(line.startswith(start) for line, start in zip(shown, expected, strict=True))


def test_an_entry_has_the_tier_of_its_verdict(entries: dict[str, Entry], tmp_path: Path) -> None:
    path = tmp_path / "entries" / "one.json"
    path.parent.mkdir()
    path.write_text("{}")
    for tier in TIERS:
        write_verdict(make_verdict(path, tier=tier), path)
        page = render_board(entries, verdicts=read_verdicts(tmp_path, entries))
        assert f"| 2026-01-01 | {tier} |" in page and f"- **{tier}**: " in page
    path.write_text("{ }")
    assert read_verdicts(tmp_path, entries) == {}, "what was changed since is not what was verified"


def test_what_an_entry_says_is_shown_as_text(make_entry: Any, make_sampler: Any, missing: dict[str, Any]) -> None:
    hostile = "<script>alert(1)</script> | [a](javascript:b) <!-- board:end -->"
    sampler = make_sampler("random[a=<b>|`x`]", {**missing, "reason": hostile}, {"budget": "80%", "reason": hostile})
    for render in (render_board, render_block):
        page = render({"a.json": make_entry(sampler)})
        assert "<script" not in page and "<b>" not in page and "<!-- board:end" not in page and "[a](java" not in page


def test_a_block_is_replaced_between_its_marks_alone() -> None:
    page = "a\n<!-- board:begin -->\nold \\1\n<!-- board:end -->\nb\n"
    new = replace_block(page, "new \\g<0>\n", file="README.md")
    assert new == "a\n<!-- board:begin -->\nnew \\g<0>\n<!-- board:end -->\nb\n"
    for wrong in ("nothing", page * 2, "<!-- board:end -->\n<!-- board:begin -->\n"):
        with pytest.raises(ParameterError, match=r"README\.md needs the lines"):
            replace_block(wrong, "", file="README.md")

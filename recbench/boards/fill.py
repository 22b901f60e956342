"""From entries to what the page of their board shows: the one place where both forms meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from recbench.bench.roster import metric_spec
from recbench.boards.entry import Board as BoardName
from recbench.boards.entry import Entry
from recbench.boards.facts import page_entry, settings_text
from recbench.boards.kinds import ALGORITHMS, SAMPLERS, SYNTHESISERS
from recbench.boards.newest import measure_of, newest_qualities, newest_standings, newest_taus
from recbench.boards.page import AlgorithmRow, BoardPage, PageMean, Row, SamplerRow, SynthesiserRow
from recbench.boards.tables import headline
from recbench.boards.verdict import Verdict
from recbench.contracts.records import FEEDBACK_TYPES, Feedback
from recbench.registry import Registry, default


def board_page(
    entries: Mapping[str, Entry],
    *,
    source: str = "",
    verdicts: Mapping[str, Verdict] | None = None,
    readme: str = "README.md",
    others: Mapping[str, str] | None = None,
    registry: Registry | None = None,
) -> BoardPage:
    """The page of a board.

    Args:
      entries: of one board of one version of one suite, by the names of their files, oldest first; at least one.
      source: what command lines call the suite, as in the path of its file; its name when empty.
      verdicts: on entries, by the names of these; those without one are self-reported.
      readme: the page with the same numbers as Markdown.
      others: the pages of the suite's other boards, by the names of these.

    Raises:
      UnknownNameError: nobody here registered a metric that algorithms are ranked by.
    """
    newest = list(entries.values())[-1]
    rows = tuple(_rows(newest.board, entries))
    return BoardPage(
        board={each.name: each for each in (SAMPLERS, ALGORITHMS, SYNTHESISERS)}[newest.board],
        suite=newest.suite,
        version=newest.suite_version,
        rows=rows,
        entries=tuple(
            page_entry(name, entry, (verdicts or {}).get(name), source=source) for name, entry in entries.items()
        ),
        headlines=_headlines(rows, entries),
        lower_is_better=frozenset() if newest.board == "samplers" else _errors(rows, registry or default()),
        means=tuple(_means(entries)),
        readme=readme,
        others=others or {},
    )


def _rows(board: BoardName, entries: Mapping[str, Entry]) -> Iterator[Row]:
    match board:
        case "samplers":
            return _sampler_rows(entries)
        case "algorithms":
            return _algorithm_rows(entries)
    return _synthesiser_rows(entries)


def _headlines(rows: tuple[Row, ...], entries: Mapping[str, Entry]) -> dict[Feedback, str]:
    """Of algorithms the metric that their entries rank by, else the usual one."""
    ranked = {row.feedback: row.metric for entry in entries.values() for row in entry.standings}
    metrics = {name: list(dict.fromkeys(row.metric for row in rows if row.feedback == name)) for name in FEEDBACK_TYPES}
    return {name: ranked.get(name) or headline(name, found) for name, found in metrics.items() if found}


def _errors(rows: tuple[Row, ...], registry: Registry) -> frozenset[str]:
    metrics = {row.metric for row in rows}
    return frozenset(name for name in metrics if not metric_spec(name, registry).higher_is_better)


def _sampler_rows(entries: Mapping[str, Entry]) -> Iterator[Row]:
    for line in newest_taus(entries):
        row = line.row
        yield SamplerRow(
            sampler=row.sampler,
            dataset=row.dataset,
            feedback=row.feedback,
            metric=row.metric,
            budget=row.budget,
            tau=row.tau,
            low=row.tau_low,
            high=row.tau_high,
            ceiling=row.ceiling,
            share=row.share_of_ceiling,
            regret=row.regret,
            speedup=row.speedup,
            over=row.num_algorithms,
            fixed=row.num_deterministic,
            entry=line.entry,
            note=row.reason,
        )


def _algorithm_rows(entries: Mapping[str, Entry]) -> Iterator[Row]:
    """One row a metric; what has no metric has one of that which it was to be ranked by."""
    for line in newest_standings(entries):
        row = line.row
        for metric in row.metrics or (row.metric,):
            found = measure_of(row, metric)
            yield AlgorithmRow(
                algorithm=row.algorithm,
                dataset=row.dataset,
                feedback=row.feedback,
                metric=metric,
                value=found.value,
                low=found.low,
                high=found.high,
                spread=found.spread,
                seeds=row.seeds,
                seconds=row.seconds,
                chosen=settings_text(row.hyper),
                entry=line.entry,
                note=row.reason,
            )


def _synthesiser_rows(entries: Mapping[str, Entry]) -> Iterator[Row]:
    for line in newest_qualities(entries):
        row = line.row
        yield SynthesiserRow(
            sampler=row.sampler,
            dataset=row.dataset,
            feedback=row.feedback,
            algorithm=row.algorithm,
            metric=row.metric,
            budget=row.budget,
            value=row.value,
            low=row.low,
            high=row.high,
            spread=row.spread,
            full=row.full,
            share=row.share,
            share_low=row.share_low,
            share_high=row.share_high,
            seeds=row.seeds,
            seconds=row.seconds,
            drawing=row.sampler_seconds,
            full_seconds=row.full_seconds,
            entry=line.entry,
            note=row.reason,
        )


def _means(entries: Mapping[str, Entry]) -> Iterator[PageMean]:
    """Those that are over all rows of a sampler at a budget: their intervals come from the replicates."""
    for name, entry in entries.items():
        for mean in entry.means:
            if mean.lines > 1 and mean.tau is not None and mean.tau_low is not None and mean.tau_high is not None:
                yield PageMean(mean.sampler, mean.budget, name, mean.lines, mean.tau, mean.tau_low, mean.tau_high)

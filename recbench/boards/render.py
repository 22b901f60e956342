"""From entries to Markdown: the page of a board of one version of a suite, and the short block of a README."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from recbench.boards.commands import command_line, commands_on
from recbench.boards.entry import Entry
from recbench.boards.facts import settings_text
from recbench.boards.kinds import TIER_TERMS
from recbench.boards.markdown import Markup, code, escape, number, span
from recbench.boards.newest import measure_of
from recbench.boards.outcomes import AgreementEntry
from recbench.boards.tables import tables_of, tau_tables
from recbench.boards.verdict import Verdict
from recbench.contracts.errors import ParameterError
from recbench.registry import Registry, default

BLOCK_SHARE = 0.1
"""The share of the data that a README's block is about."""

_BLOCK = re.compile(r"(<!-- board:begin -->\n).*?(<!-- board:end -->)", re.DOTALL)


def render_board(
    entries: Mapping[str, Entry],
    *,
    source: str = "",
    verdicts: Mapping[str, Verdict] | None = None,
    others: Mapping[str, str] | None = None,
    registry: Registry | None = None,
) -> str:
    """The page of a board.

    Args:
      entries: of one board of one version of one suite, by the names of their files, oldest first; at least one.
      source: what command lines call the suite, as in the path of its file; its name when empty.
      verdicts: on entries, by the names of these; those without one are self-reported.
      others: the pages of the suite's other boards, by the names of these.

    Raises:
      UnknownNameError: nobody here registered the metric that algorithms are ranked by.
    """
    newest = list(entries.values())[-1]
    tables = tables_of(newest.board, entries, registry or default())
    datasets = [(name, list(group)) for name, group in groupby(tables, key=lambda table: table.dataset)]
    return _template(f"{newest.board}.md.j2").render(
        suite=newest.suite,
        version=newest.suite_version,
        board=newest.board,
        entries=entries,
        datasets=datasets,
        commands={name: commands_on(entries, name, source=source) for name, _ in datasets},
        tiers={name: _tier(verdict, entries[name]) for name, verdict in (verdicts or {}).items() if name in entries},
        terms=TIER_TERMS,
        others=others or {},
    )


def render_block(entries: Mapping[str, Entry], *, dataset: str | None = None, link: str = "", source: str = "") -> str:
    """The short block of a README: one data set at the budget nearest to a tenth, one table a feedback type.

    Args:
      entries: of a board of samplers.
      dataset: None: the first that has results.
      link: address of the whole board.
      source: as for :func:`render_board`.

    Raises:
      ParameterError: the board has nothing on the data set.
    """
    tables = tau_tables(entries)
    names = list(dict.fromkeys(table.dataset for table in tables))
    name = names[0] if dataset is None else dataset
    if name not in names:
        raise ParameterError(f"the board has nothing on {name!r}: it has results on {', '.join(names)}")
    newest = [entry for entry in entries.values() if any(each.dataset == name for each in entry.conditions)][-1]
    part = ["--subset", newest.subset] if newest.subset else []
    build = command_line("board", "build", "--suite", source or newest.suite, *part, "--dataset", name)
    return _template("block.md.j2").render(
        suite=newest.suite,
        version=newest.suite_version,
        dataset=name,
        tables=[table.at(BLOCK_SHARE) for table in tables if table.dataset == name],
        commands=[commands_on(entries, name, source=source)[0], build],
        link=link,
    )


def replace_block(text: str, block: str, *, file: str) -> str:
    """A page with a new block between its marks.

    Raises:
      ParameterError: the page has no marks, or has them twice.
    """
    if len(_BLOCK.findall(text)) != 1:
        raise ParameterError(
            f"{file} needs the lines <!-- board:begin --> and <!-- board:end --> once each, in this order: "
            "put them where the table is to stand"
        )
    return _BLOCK.sub(lambda found: f"{found[1]}{block}{found[2]}", text)


def _tier(verdict: Verdict, entry: Entry) -> str:
    return f"{verdict.tier} ({verdict.runs:,} of {entry.cost.runs:,} runs)" if verdict.runs else verdict.tier


def _template(name: str) -> Template:
    pages = Environment(
        loader=PackageLoader("recbench.boards"),
        finalize=escape,  # whatever a template prints is escaped, unless it is Markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters |= {"code": code, "number": number, "line": Markup, "address": _address, "over": _over}
    pages.globals |= {"span": span, "measure": measure_of, "settings": settings_text}
    return pages.get_template(name)


def _over(row: AgreementEntry) -> Markup:
    """Of how many algorithms, and how many of them no seed moves."""
    return Markup(f"{row.num_algorithms}" + (f" ({row.num_deterministic} fixed)" if row.num_deterministic else ""))


def _address(path: str) -> Markup:
    return Markup(quote(path))

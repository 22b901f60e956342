"""From entries to pages: the board of one version of a suite, and the short block of a README."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from recbench.bench.scores import HEADLINES
from recbench.boards.entry import Conditions, Entry
from recbench.boards.markdown import Markup, code, escape, number, span
from recbench.boards.outcomes import AgreementEntry
from recbench.contracts.errors import ParameterError
from recbench.contracts.records import FEEDBACK_TYPES, Budget, Feedback

BLOCK_SHARE = 0.1
"""The share of the data that a README's block is about."""

_BLOCK = re.compile(r"(<!-- board:begin -->\n).*?(<!-- board:end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One sampler at one budget, in the newest entry that has a tau for it."""

    sampler: str
    row: AgreementEntry
    entry: str  # name of its file


@dataclass(frozen=True, slots=True)
class Table:
    """All lines of one data set, feedback type and metric."""

    dataset: str
    feedback: Feedback
    metric: str
    lines: tuple[Line, ...]  # by budget from large to small, then by tau

    @property
    def budgets(self) -> list[str]:
        return list(dict.fromkeys(line.row.budget for line in self.lines))

    @property
    def taus(self) -> dict[str, dict[str, float | None]]:
        """Taus by budget of each sampler, by mean tau over the budgets; those that miss one stand last, by name."""
        taus: dict[str, dict[str, float | None]] = {name: {} for name in sorted({x.sampler for x in self.lines})}
        for line in self.lines:
            taus[line.sampler][line.row.budget] = line.row.tau
        wanted = len(self.budgets)

        def place(name: str) -> tuple[bool, float]:
            known = [tau for tau in taus[name].values() if tau is not None]
            return (len(known) < wanted, 0.0 if len(known) < wanted else -sum(known) / wanted)

        return {name: taus[name] for name in sorted(taus, key=place)}

    @property
    def reasons(self) -> list[tuple[str, list[Line]]]:
        """Why lines have no tau: each reason once."""
        missing = sorted((x for x in self.lines if x.row.tau is None), key=lambda line: line.row.reason)
        return [(reason, list(lines)) for reason, lines in groupby(missing, key=lambda line: line.row.reason)]

    @property
    def remarks(self) -> list[str]:
        """What is to be known of taus that are there, such as algorithms that they leave out."""
        return sorted({line.row.reason for line in self.lines if line.row.tau is not None and line.row.reason})

    def at(self, share: float) -> Table:
        """The lines of the budget that comes nearest to a share of the data."""
        nearest = min(self.budgets, key=lambda text: abs(math.log(_share(text) / share)))
        lines = tuple(line for line in self.lines if line.row.budget == nearest)
        return Table(self.dataset, self.feedback, self.metric, lines)


def render_board(entries: Mapping[str, Entry], *, source: str = "") -> str:
    """The page of a board.

    Args:
      entries: of one version of one suite, by the names of their files, oldest first; at least one.
      source: what command lines call the suite, as in the path of its file; its name when empty.
    """
    newest = list(entries.values())[-1]
    tables = headline_tables(entries)
    datasets = [(name, list(group)) for name, group in groupby(tables, key=lambda table: table.dataset)]
    commands = {name: _commands(entries, name, source) for name, _ in datasets}
    return _template("board.md.j2").render(
        suite=newest.suite, version=newest.suite_version, entries=entries, datasets=datasets, commands=commands
    )


def render_block(entries: Mapping[str, Entry], *, dataset: str | None = None, link: str = "", source: str = "") -> str:
    """The short block of a README: one data set at the budget nearest to a tenth, one table a feedback type.

    Args:
      dataset: None: the first that has results.
      link: address of the whole board.
      source: as for :func:`render_board`.

    Raises:
      ParameterError: the board has nothing on the data set.
    """
    tables = headline_tables(entries)
    names = list(dict.fromkeys(table.dataset for table in tables))
    name = names[0] if dataset is None else dataset
    if name not in names:
        raise ParameterError(f"the board has nothing on {name!r}: it has results on {', '.join(names)}")
    newest = list(entries.values())[-1]
    return _template("block.md.j2").render(
        suite=newest.suite,
        version=newest.suite_version,
        dataset=name,
        tables=[table.at(BLOCK_SHARE) for table in tables if table.dataset == name],
        commands=[_commands(entries, name, source)[0], _line("board", "build", "--suite", source or newest.suite)],
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


def newest_lines(entries: Mapping[str, Entry]) -> list[Line]:
    """The lines of a board: of entries that speak of the same, the newest counts, but a gap hides no tau."""
    newest: dict[tuple[str, str, str, str, str], Line] = {}
    for name, entry in entries.items():
        for row in entry.agreements:
            place = (row.dataset, row.feedback, row.metric, row.sampler, row.budget)
            if row.tau is not None or place not in newest or newest[place].row.tau is None:
                newest[place] = Line(row.sampler, row, name)
    return list(newest.values())


def headline_tables(entries: Mapping[str, Entry]) -> list[Table]:
    """The tables of a board in the order in which entries brought their data sets, one a feedback type."""
    datasets = dict.fromkeys(each.dataset for entry in entries.values() for each in entry.conditions)
    lines: dict[tuple[str, Feedback], list[Line]] = {(name, each): [] for name in datasets for each in FEEDBACK_TYPES}
    for line in newest_lines(entries):
        lines[line.row.dataset, line.row.feedback].append(line)
    return [_table(found) for found in lines.values() if found]


def _table(lines: Sequence[Line]) -> Table:
    first = lines[0].row
    metrics = [line.row.metric for line in lines]
    # The metric whose rankings a board shows; where a suite has none of it, its first.
    metric = HEADLINES[first.feedback] if HEADLINES[first.feedback] in metrics else metrics[0]
    shown = sorted((line for line in lines if line.row.metric == metric), key=_place)
    return Table(first.dataset, first.feedback, metric, tuple(shown))


def _place(line: Line) -> tuple[str, float, bool, float, str]:
    budget, tau = Budget.parse(line.row.budget), line.row.tau
    return budget.of, -budget.amount, tau is None, -(tau or 0.0), line.sampler


def _share(budget: str) -> float:
    """Shares as they are; numbers of rows and users far from any share."""
    parsed = Budget.parse(budget)
    return parsed.amount if parsed.amount <= 1 else 1e6 * parsed.amount


def _commands(entries: Mapping[str, Entry], dataset: str, source: str) -> list[str]:
    """The command lines that make the results on a data set, each once; newest first."""
    found = (commands_of(entry, source=source).get(dataset) for entry in reversed(list(entries.values())))
    return list(dict.fromkeys(command for command in found if command is not None))


def commands_of(entry: Entry, *, source: str = "") -> dict[str, str]:
    """The command line that makes an entry's results on each of its data sets; ``source`` as for the board."""
    datasets = dict.fromkeys(each.dataset for each in entry.conditions)
    return {
        name: _command(source or entry.suite, name, [x for x in entry.conditions if x.dataset == name])
        for name in datasets
    }


def _command(suite: str, dataset: str, conditions: Iterable[Conditions]) -> str:
    words = ["run", suite, "--dataset", dataset]
    for option, field in (("--full-seeds", "full_seeds"), ("--sample-seeds", "sample_seeds")):
        seeds = max((getattr(each, field) for each in conditions), key=len)
        if seeds and seeds == tuple(range(len(seeds))):
            words += [option, str(len(seeds))]
    return _line(*words)


def _line(*words: str) -> str:
    return shlex.join(["recbench", *words])


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
    pages.globals |= {"span": span}
    return pages.get_template(name)


def _over(row: AgreementEntry) -> Markup:
    """Of how many algorithms, and how many of them no seed moves."""
    return Markup(f"{row.num_algorithms}" + (f" ({row.num_deterministic} fixed)" if row.num_deterministic else ""))


def _address(path: str) -> Markup:
    return Markup(quote(path))

"""From entries to what the page of the board of samplers shows: the one place where both forms meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from recbench.bench.scores import HEADLINES
from recbench.boards.entry import Conditions, Entry, SamplerEntry
from recbench.boards.kinds import SAMPLERS
from recbench.boards.page import BoardPage, PageEntry, SamplerRow, Tier
from recbench.boards.render import Line, commands_of, newest_lines


def samplers_page(
    entries: Mapping[str, Entry], *, source: str = "", tiers: Mapping[str, Tier] | None = None
) -> BoardPage:
    """The page of a board of samplers.

    Args:
      entries: of one version of one suite, by the names of their files, oldest first; at least one.
      source: what command lines call the suite, as in the path of its file; its name when empty.
      tiers: how far entries were verified, by name; those that are not named are self-reported.
    """
    newest = list(entries.values())[-1]
    known = tiers or {}
    return BoardPage(
        board=SAMPLERS,
        suite=newest.suite,
        version=newest.suite_version,
        rows=tuple(map(_row, newest_lines(entries))),
        entries=tuple(_entry(name, entry, known.get(name, "self-reported"), source) for name, entry in entries.items()),
        headlines=HEADLINES,
    )


def _row(line: Line) -> SamplerRow:
    row = line.row
    return SamplerRow(
        sampler=line.sampler,
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


def _entry(name: str, entry: Entry, tier: Tier, source: str) -> PageEntry:
    return PageEntry(
        name=name,
        date=f"{entry.created:%Y-%m-%d}",
        tier=tier,
        recbench=entry.recbench,
        runs=entry.cost.runs,
        hours=(entry.cost.seconds + entry.cost.compile_seconds) / 3600,
        devices=", ".join(dict.fromkeys(entry.environment.devices)),
        commands=tuple(commands_of(entry, source=source).values()),
        facts=(
            *(("sampler", _sampler(each)) for each in entry.samplers),
            *((f"on {each.dataset}, {each.feedback}", _conditions(each)) for each in entry.conditions),
            ("python", f"{entry.environment.python} on {entry.environment.platform}, {entry.environment.cpus} CPUs"),
            ("packages", _listed(f"{name} {version}" for name, version in entry.environment.packages.items())),
        ),
    )


def _sampler(sampler: SamplerEntry) -> str:
    code = f", code {sampler.code[:16]}" if sampler.code else ""
    parameters = _listed(f"{name}={value}" for name, value in sampler.parameters.items())
    return f"{sampler.label}: {sampler.distribution} {sampler.distribution_version}{code}; {parameters or 'none'}"


def _conditions(of: Conditions) -> str:
    algorithms = _listed(each.label for each in of.algorithms)
    return (
        f"split {of.split}, seed {of.split_seed}; training seeds {_listed(map(str, of.full_seeds))}; "
        f"sample seeds {_listed(map(str, of.sample_seeds))}; chosen by {of.select}; checksum {of.checksum[:16]}; "
        f"{len(of.algorithms)} algorithms: {algorithms}"
    )


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(texts)

"""What the page of a board says of one entry: who, when, on what, and what was verified of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from recbench.boards.commands import commands_of
from recbench.boards.entry import AlgorithmEntry, Conditions, Entry, SamplerEntry
from recbench.boards.page import PageEntry
from recbench.boards.verdict import Verdict
from recbench.contracts.records import ParameterValue
from recbench.registry.entries import BUILT_IN


def page_entry(name: str, entry: Entry, verdict: Verdict | None, *, source: str = "") -> PageEntry:
    """An entry as its page shows it; ``source`` as for the board."""
    return PageEntry(
        name=name,
        date=f"{entry.created:%Y-%m-%d}",
        tier=verdict.tier if verdict else "self-reported",
        recbench=entry.recbench,
        runs=entry.cost.runs,
        hours=(entry.cost.seconds + entry.cost.compile_seconds) / 3600,
        devices=", ".join(dict.fromkeys(entry.environment.devices)),
        commands=tuple(commands_of(entry, source=source).values()),
        submitter=entry.submitter,
        link=entry.link,
        facts=(*_verified(verdict), *_made(entry)),
    )


def settings_text(values: Mapping[str, ParameterValue]) -> str:
    """Parameters and their values."""
    return _listed(f"{name}={value}" for name, value in values.items())


def _verified(verdict: Verdict | None) -> Iterator[tuple[str, str]]:
    if verdict is None:
        return
    drawn = f"{verdict.samples:,} samples drawn again"
    if verdict.similar_samples:
        drawn += f", and {verdict.similar_samples:,} alike within what training anew allows"
    again = "no runs made again"
    if verdict.runs:
        again = (
            f"{verdict.runs:,} runs made again (seed {verdict.seed}), with metrics that differ by "
            f"{verdict.difference:.2g} of their value at most, where {verdict.tolerance:g} is allowed"
        )
    yield "verified", f"{verdict.date:%Y-%m-%d} with recbench {verdict.recbench}: {drawn}; {again}"
    for text in verdict.notes:
        yield "not verified", text


def _made(entry: Entry) -> Iterator[tuple[str, str]]:
    if entry.subset:
        yield "subset", entry.subset
    for sampler in entry.samplers:
        yield "sampler", f"{sampler.label}: {_origin(sampler)}; {settings_text(sampler.parameters) or 'none'}"
    yield f"{len(entry.algorithms)} algorithms", _listed(map(_algorithm, entry.algorithms))
    for each in entry.conditions:
        yield f"on {each.dataset}, {each.feedback}", _conditions(each)
    for left in entry.left_out:
        yield f"not on {left.dataset}, {left.feedback}", left.reason
    machine = entry.environment
    yield "python", f"{machine.python} on {machine.platform}, {machine.cpus} CPUs"
    yield "packages", _listed(f"{name} {version}" for name, version in machine.packages.items())


def _algorithm(of: AlgorithmEntry) -> str:
    return of.label if of.distribution == BUILT_IN else f"{of.label} ({_origin(of)})"


def _origin(of: SamplerEntry | AlgorithmEntry) -> str:
    code = f", code {of.code[:16]}" if of.code else ""
    return f"{of.distribution} {of.distribution_version}{code}"


def _conditions(of: Conditions) -> str:
    noise = f"; noise {of.noise:g}, seed {of.noise_seed}" if of.noise else ""
    return (
        f"split {of.split}, seed {of.split_seed}{noise}; training seeds {_listed(map(str, of.full_seeds))}; "
        f"sample seeds {_listed(map(str, of.sample_seeds)) or 'none'}; chosen by {of.select}; "
        f"checksum {of.checksum[:16]}"
    )


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(texts)

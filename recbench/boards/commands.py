"""The command lines that make the results of entries again."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from recbench.bench.suite import load_suite
from recbench.boards.entry import AlgorithmEntry, Conditions, Entry, SamplerEntry
from recbench.contracts.errors import RecbenchError


def commands_on(entries: Mapping[str, Entry], dataset: str, *, source: str = "") -> list[str]:
    """The command lines that make the results of a board on a data set, each once; newest first.

    Args:
      source: what command lines call the suite, as in the path of its file; its name when empty.
    """
    found = (commands_of(entry, source=source).get(dataset) for entry in reversed(list(entries.values())))
    return list(dict.fromkeys(command for command in found if command is not None))


def commands_of(entry: Entry, *, source: str = "") -> dict[str, str]:
    """The command line that makes an entry's results on each of its data sets; ``source`` as for the board."""
    words = ["run", source or entry.suite, *(["--subset", entry.subset] if entry.subset else [])]
    samplers, algorithms = _asked_for(source or entry.suite, entry.subset)
    words += _named("--sampler", entry.samplers, samplers)
    words += _named("--algorithm", entry.algorithms, algorithms if entry.board == "algorithms" else ())
    datasets = dict.fromkeys(each.dataset for each in entry.conditions)
    return {
        name: command_line(*words, "--dataset", name, *_seeds(x for x in entry.conditions if x.dataset == name))
        for name in datasets
    }


def command_line(*words: str) -> str:
    """Words as a shell reads them."""
    return shlex.join(["recbench", *words])


@lru_cache(maxsize=64)
def _asked_for(suite: str, subset: str | None) -> tuple[frozenset[str], frozenset[str]]:
    """The samplers and algorithms of a suite, or of a part of it; none where it is not here."""
    try:
        chosen = load_suite(suite).subset(subset)
    except RecbenchError:
        return frozenset(), frozenset()
    return frozenset(chosen.samplers), frozenset(each for table in chosen.algorithms.values() for each in table)


def _named(option: str, contestants: Sequence[SamplerEntry | AlgorithmEntry], usual: Collection[str]) -> list[str]:
    """All of them by name where one is not the suite's, which knows nobody's plugin, or where the suite has more."""
    labels = {each.label for each in contestants}
    if labels.issuperset(usual) and all(each.distribution == "recbench" for each in contestants):
        return []
    return [word for each in contestants for word in (option, each.label)]


def _seeds(conditions: Iterable[Conditions]) -> list[str]:
    known, words = list(conditions), []
    for option, field in (("--full-seeds", "full_seeds"), ("--sample-seeds", "sample_seeds")):
        seeds = max((getattr(each, field) for each in known), key=len)
        if seeds and seeds == tuple(range(len(seeds))):
            words += [option, str(len(seeds))]
    return words

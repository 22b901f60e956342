"""The command lines that make the results of entries again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from recbench.boards.entry import AlgorithmEntry, Conditions, Entry, SamplerEntry


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
    words += [*_foreign("--sampler", entry.samplers), *_foreign("--algorithm", entry.algorithms)]
    datasets = dict.fromkeys(each.dataset for each in entry.conditions)
    return {
        name: command_line(*words, "--dataset", name, *_seeds(x for x in entry.conditions if x.dataset == name))
        for name in datasets
    }


def command_line(*words: str) -> str:
    """Words as a shell reads them."""
    return shlex.join(["recbench", *words])


def _foreign(option: str, contestants: Sequence[SamplerEntry | AlgorithmEntry]) -> list[str]:
    """All of them by name where one is not the suite's: a suite knows nobody's plugin."""
    if all(each.distribution == "recbench" for each in contestants):
        return []
    return [word for each in contestants for word in (option, each.label)]


def _seeds(conditions: Iterable[Conditions]) -> list[str]:
    known, words = list(conditions), []
    for option, field in (("--full-seeds", "full_seeds"), ("--sample-seeds", "sample_seeds")):
        seeds = max((getattr(each, field) for each in known), key=len)
        if seeds and seeds == tuple(range(len(seeds))):
            words += [option, str(len(seeds))]
    return words

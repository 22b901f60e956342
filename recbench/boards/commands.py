"""The command lines that make the results of entries again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from recbench.boards.entry import Conditions, Entry


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
    datasets = dict.fromkeys(each.dataset for each in entry.conditions)
    return {
        name: command_line(*words, "--dataset", name, *_seeds(x for x in entry.conditions if x.dataset == name))
        for name in datasets
    }


def command_line(*words: str) -> str:
    """Words as a shell reads them."""
    return shlex.join(["recbench", *words])


def _seeds(conditions: Iterable[Conditions]) -> list[str]:
    known, words = list(conditions), []
    for option, field in (("--full-seeds", "full_seeds"), ("--sample-seeds", "sample_seeds")):
        seeds = max((getattr(each, field) for each in known), key=len)
        if seeds and seeds == tuple(range(len(seeds))):
            words += [option, str(len(seeds))]
    return words

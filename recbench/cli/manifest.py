"""Manifests: a JSON file beside what a command wrote, with which the same can be made again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recbench import __version__, registry
from recbench.contracts.errors import DataError

_FORM = 1
"""Version of the manifest's form."""


def manifest_of(out: Path) -> Path:
    """Where the manifest of a file stands."""
    return out.with_name(f"{out.name}.manifest.json")


def check_files(source: Path, out: Path, *, overwrite: bool) -> None:
    """Refuses to replace a manifest unasked, and a file by what is made of it.

    Raises:
      DataError: one of both.
    """
    manifest = manifest_of(out)
    if manifest.exists() and not overwrite:
        raise DataError(f"{manifest} exists already: give another name, or --force to replace it")
    if out.exists() and source.exists() and out.samefile(source):
        raise DataError(f"{out} is the file that is read, and would be lost: give another name for what is made of it")


def write_manifest(said: Mapping[str, Any], out: Path, *, command: str) -> str:
    """Writes what a file was made with, and returns it as text.

    Args:
      command: the command line that makes the file again.

    Raises:
      DataError: the disk refuses.
    """
    # Imported here: starting is to stay quick.
    from recbench.bench.parts import publish
    from recbench.data.download import file_sha256

    content = {"manifest": _FORM, "recbench": __version__, "command": command, **said}
    content |= {"file": out.name, "file_sha256": file_sha256(out)}
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    path = manifest_of(out)
    try:
        publish(text.encode(), path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}; {out.name} itself is there") from error
    return text


def plugin_words(sampler: str) -> Iterator[str]:
    """``--plugin FILE`` for the sampler, and for algorithms that its parameters name, where a file brought them."""
    # Imported here: starting is to stay quick.
    from recbench.bench.roster import behind_sampler

    used = behind_sampler(sampler, registry.default())
    files = {str(each.source) for each in used if each.source is not None and each.source.suffix == ".py"}
    for file in sorted(files):
        yield from ("--plugin", file)

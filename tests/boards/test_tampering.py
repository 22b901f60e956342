"""One changed digit, anywhere: the entry is refused and the field is named."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbench.boards.entry import Entry
from recbench.boards.files import read_submission, replicates_content, replicates_path

Path_ = tuple[Any, ...]
METRICS = ("auc", "ndcg@10")
KINDS = {
    "a metric": lambda path: path[0] == "cells" and path[-1] in METRICS,
    "a tau": lambda path: path[0] in ("agreements", "means") and path[-1] == "tau",
    "an interval": lambda path: path[0] in ("agreements", "means") and path[-1] in ("tau_low", "tau_high", "ceiling"),
    "a sample's hash": lambda path: path[0] == "samples" and path[-1] == "digest",
    "a seed": lambda path: "seed" in str(path[-1]) or "seeds" in str(path[-2:]),
    "a size": lambda path: path[0] == "samples" and path[-1] in ("rows", "users", "items", "cold_test_users"),
    "a version": lambda path: path[-1] in ("suite_version", "recbench", "distribution_version", "protocol", "numpy"),
    "anything": lambda path: path[0] not in ("digests", "created"),
    "a digest": lambda path: path[0] == "digests",
}


def leaves(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every number and text with a digit in it, with the way to it."""
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, name))
    elif any(c.isdigit() for c in str(value)):
        yield path, value


def with_another_digit(value: Any, source: random.Random) -> Any:
    """The same text or number with one digit changed, so that it is another."""
    text = value if isinstance(value, str) else json.dumps(value)
    while True:
        place = source.choice([n for n, c in enumerate(text) if c.isdigit()])
        made = text[:place] + source.choice("0123456789") + text[place + 1 :]
        try:
            other = made if isinstance(value, str) else json.loads(made)
        except ValueError:  # 05 is no number
            continue
        if other != value:
            return other


def put(content: Any, path: Path_, value: Any) -> None:
    for step in path[:-1]:
        content = content[step]
    content[path[-1]] = value


CHANGES = [(kind, seed) for kind in KINDS for seed in range(7)]


@pytest.mark.parametrize(("kind", "seed"), CHANGES, ids=[f"{kind}-{seed}" for kind, seed in CHANGES])
def test_a_changed_digit_is_named(desk: Any, kind: str, seed: int, recbench: Any, small_suite: Path) -> None:
    table, source = desk("samplers"), random.Random(f"{kind} {seed}")
    content = table.content()
    path, value = source.choice([(path, value) for path, value in leaves(content) if KINDS[kind](path)])
    put(content, path, with_another_digit(value, source))
    table.path.write_text(json.dumps(content), encoding="utf-8")
    result = recbench("verify", table.path, "--suite", small_suite)
    assert result.code == 3
    named = ".".join(map(str, path))
    named = named.rpartition(".")[0] if kind == "a seed" and path[-2] in ("full_seeds", "sample_seeds") else named
    assert named in result.err, result.err
    assert result.err.count("\n") == 1 and len(result.err) < 1000


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_changed_replicate_is_named(desk: Any, seed: int, renamed: bool) -> None:
    table, source = desk("samplers"), random.Random(seed)
    original = read_submission(table.path)
    entry, replicates = original.entry, original.replicates.copy()
    file = replicates_path(table.path, entry)
    row = source.randrange(len(replicates))
    replicates[row, source.randrange(200)] += np.float32(1e-4)
    written = replicates_content(replicates)
    file.write_bytes(written)
    if renamed:
        digest = hashlib.sha256(written).hexdigest()
        content = table.content()
        content["replicates"]["sha256"] = digest
        table.path.write_text(json.dumps(content), encoding="utf-8")
        file.rename(file.with_name(f"{digest}.parquet"))
        assert "'replicates.sha256' is not what the digests were made of" in table.refusal()
    else:
        number, metric = values_of(entry)[row]
        assert f"'cells.{number}.replicates.{metric}'" in table.refusal()


def values_of(entry: Entry) -> list[tuple[int, str]]:
    return [(number, metric) for number, cell in enumerate(entry.cells) for metric in cell.metrics]


def test_a_byte_of_the_file_beside_it_is_noticed(desk: Any) -> None:
    table = desk("samplers")
    file = replicates_path(table.path, read_submission(table.path).entry)
    content = bytearray(file.read_bytes())
    for place in random.Random(0).sample(range(len(content)), 20):
        changed = content.copy()
        changed[place] ^= 0x10
        file.write_bytes(changed)
        said = table.refusal()
        assert "replicates" in said, said

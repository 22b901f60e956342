"""Hostile submissions: one sentence each, and nothing is written anywhere."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recbench.boards.entry import Entry
from recbench.boards.files import unpacked
from recbench.contracts.errors import VerificationError

RIGHT = np.zeros((3, 200), np.float32)
NASTY = ["<script>", '"><img>', "\u202egnp", "a/b", "..", "../../x", "\x00", "x" * (1 << 20), "${HOME}", "-rf", "a\nb"]


def parquet(values: Any, dtype: Any = None, name: str = "replicates") -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame([pl.Series(name, values, dtype=dtype or pl.Array(pl.Float32, 200))]).write_parquet(buffer)
    return buffer.getvalue()


def with_nan() -> bytes:
    values = RIGHT.copy()
    values[1, 7] = np.nan
    return parquet(values)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read"),
        (b"PAR1" + b"\xff" * 100 + b"PAR1", "cannot be read"),
        (parquet(RIGHT)[:-20], "cannot be read"),
        (parquet(RIGHT, name="other"), "have the columns 'other'"),
        (parquet(RIGHT[:, :100], pl.Array(pl.Float32, 100)), "have the columns 'replicates'"),
        (parquet(RIGHT.astype(np.float64), pl.Array(pl.Float64, 200)), "have the columns"),
        (parquet([["x"] * 200], pl.Array(pl.String, 200)), "have the columns"),
        (parquet(RIGHT.tolist(), pl.List(pl.Float32)), "have the columns"),
        (parquet(np.zeros((100_000, 200), np.float32)), "have 100,000 rows, but 'replicates.rows' is 3"),
        (parquet([None, RIGHT[0].tolist(), None]), "missing or not finite"),
        (with_nan(), "missing or not finite"),
    ],
    ids=str,
)
def test_replicates_that_lie_are_refused(content: bytes, said: str) -> None:
    with pytest.raises(VerificationError) as refused:
        unpacked(content, Path("x.parquet"), rows=3)
    assert said in str(refused.value) and "\n" not in str(refused.value) and len(str(refused.value)) < 800


def tree(folder: Path) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [path, *(found for name, inner in items for found in paths(inner, (*path, name)))]
    return [path]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.data(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(NASTY),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=8,
    ),
)
def test_any_value_in_any_place_is_refused(desk: Callable[[str], Any], data: st.DataObject, value: Any) -> None:
    """One value of a real entry becomes another: the entry is refused, and every file is as it was."""
    table = desk("algorithms")
    original = table.path.read_text(encoding="utf-8")
    content = json.loads(original)
    path = data.draw(st.sampled_from([path for path in paths(content) if path]))
    place = content
    for step in path[:-1]:
        place = place[step]
    if json.dumps(place[path[-1]]) == json.dumps(value):
        return
    place[path[-1]] = value
    table.path.write_text(json.dumps(content), encoding="utf-8")
    folder = table.path.parents[2]
    before = tree(folder)
    try:
        table.refusal()
        assert tree(folder) == before
    finally:
        table.path.write_text(original, encoding="utf-8")


@pytest.mark.parametrize("text", [text for text in NASTY if text not in ("-rf", "${HOME}")])
def test_names_with_markup_or_paths_are_no_names(entry: Entry, text: str) -> None:
    content = entry.model_dump(mode="json")
    for change in ({"suite": text}, {"link": text}, {"subset": text}):
        with pytest.raises(ValueError, match="validation error"):
            Entry.model_validate_json(json.dumps({**content, **change}))
    content["conditions"][0]["dataset"] = text
    with pytest.raises(ValueError, match="validation error"):
        Entry.model_validate_json(json.dumps(content))

"""Entries: written and read back the same, and refused by name of the field when they are not what they should be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recbench.boards.digests import sealed
from recbench.boards.entry import Entry, ReplicatesEntry, entry_schema
from recbench.boards.files import (
    LARGEST,
    Submission,
    board_folder,
    entry_files,
    entry_text,
    read_entries,
    read_entry,
    read_submission,
    replicates_content,
    write_submission,
)
from recbench.contracts.errors import VerificationError

Change = Callable[[dict[str, Any]], None]


def changed(*path: Any, value: Any) -> Change:
    """Sets one field; the name shows in the test's id."""

    def change(content: dict[str, Any]) -> None:
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = value

    return change


def test_an_entry_comes_back_as_it_was(entry: Entry, tmp_path: Path) -> None:
    made = submission(entry)
    folder = board_folder(tmp_path, entry.suite, entry.suite_version)
    path = write_submission(made, folder)
    assert path.parent == tmp_path / "toys-v2" / "entries"
    back = read_submission(path)
    assert back.entry == made.entry and np.array_equal(back.replicates, made.replicates)
    assert back.packed == made.packed
    assert write_submission(made, folder) == path, "equal entries are one file"
    path.with_suffix(".verified.json").write_text("{}")
    assert entry_files(folder) == [path], "what is said of an entry is none"
    assert read_entries(folder) == {path.name: made.entry}
    assert entry_text(read_entry(path)).encode() == path.read_bytes()


def submission(entry: Entry) -> Submission:
    """The entry with random replicates."""
    replicates = np.random.default_rng(0).random((entry.replicates.rows, 200), dtype=np.float32)
    packed = replicates_content(replicates)
    digest = hashlib.sha256(packed).hexdigest()
    named = entry.model_copy(update={"replicates": ReplicatesEntry(sha256=digest, rows=len(replicates))})
    return Submission(sealed(named, replicates), replicates, packed)


def test_the_form_is_published_as_a_schema(repository: Path) -> None:
    schema = entry_schema()
    assert schema["additionalProperties"] is False and {"suite", "samplers", "cost"} <= set(schema["required"])
    published = (repository / "leaderboards" / "entry.schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == schema, "run: recbench submit --schema > leaderboards/entry.schema.json"


ROW = ("agreements", 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed("suite", value="../../etc"), "'suite' is '../../etc'"),
        (changed("suite_version", value=0), "suite_version"),
        (changed("suite_version", value="2"), "suite_version"),
        (changed("format", value=1), "'format' is 1"),
        (changed("created", value="yesterday"), "created"),
        (changed("created", value="2026-01-01T00:00:00"), "created"),
        (changed("extra", value=1), "extra"),
        (changed("conditions", value=[]), "conditions"),
        (changed("samplers", 0, "label", value="random[b=1,a=2]"), "it is written 'random[a=2,b=1]'"),
        (changed("samplers", 0, "label", value="\u202emodnar"), "samplers.0.label"),
        (changed("samplers", 0, "code", value="A" * 64), "samplers.0.code"),
        (changed("samples", 0, "digest", value="0"), "samples.0.digest"),
        (changed("samples", 0, "rows", value=-1), "samples.0.rows"),
        (changed(*ROW, "tau", value=1.5), "agreements.0.tau"),
        (changed(*ROW, "tau", value="0.5"), "agreements.0.tau"),
        (changed(*ROW, "tau", value=True), "agreements.0.tau"),
        (changed(*ROW, "tau", value=float("nan")), "NaN is no number"),
        (changed(*ROW, "speedup", value=float("inf")), "Infinity is no number"),
        (changed(*ROW, "budget", value="0.1"), "it is written '10%'"),
        (changed(*ROW, "budget", value="-10%"), "was not understood"),
        (changed(*ROW, "metric", value="<b>"), "agreements.0.metric"),
        (changed(*ROW, "reason", value="x" * 1001), "agreements.0.reason"),
        (changed(*ROW, "reason", value="two\nlines"), "cannot be printed"),
        (
            changed(*ROW, "dataset", value="elsewhere"),
            "dataset and feedback 'elsewhere, implicit'",
        ),
        (changed(*ROW, "sampler", value="other"), "agreements.0 has the sampler 'other'"),
        (changed("cells", 0, "metrics", value={}), "replicates.rows is 1"),
        (changed("cells", 0, "metrics", value={"../x": 0.5}), "cells.0.metrics"),
        (changed("link", value="http://insecure.example"), "link"),
        (changed("link", value='https://a.example/"onclick="'), "link"),
        (changed("link", value="https://a.example/<b>"), "link"),
        (changed("link", value="javascript:alert(1)"), "link"),
        (changed("submitter", value="x" * (1 << 20)), "submitter"),
        (changed("submitter", value="\u202eevil"), "submitter"),
        (changed("subset", value="../up"), "subset"),
        (changed("replicates", "sha256", value="../../etc/passwd"), "replicates.sha256"),
        (lambda content: content["cells"].extend([{}] * 1_000_000), "'cells' has 1,000,001 rows"),
        (lambda content: content["samples"].extend(content["samples"]), "samples are not all different"),
        (changed("conditions", 0, "dataset", value="<!-- board:end -->"), "conditions.0.dataset"),
        (lambda content: content["samplers"].append(content["samplers"][0]), "samplers are not all different"),
        (lambda content: content.pop("cost"), "'cost'"),
    ],
)
def test_what_is_not_an_entry_is_refused_and_the_field_named(
    entry: Entry, tmp_path: Path, change: Change, said: str
) -> None:
    content = json.loads(entry_text(entry))
    change(content)
    path = tmp_path / "entry.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(VerificationError) as refused:
        read_entry(path)
    assert said in str(refused.value) and str(path) in str(refused.value)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b'{"a": 1, "a": 2}', "a key stands twice"),
        (b"[" * 100_000, "is refused"),
        (b'{"suite": ' + b"[" * 500 + b"]" * 500 + b"}", "is refused"),
        (b'{"suite_version": ' + b"9" * 5000 + b"}", "is refused"),
        (b" " * (LARGEST + 1), "at most"),
        (b"[]", "is refused"),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "entry.json"
    path.write_bytes(content)
    with pytest.raises(VerificationError, match=said):
        read_entry(path)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(sorted(Entry.model_fields)), inner),
    )
)
def test_any_json_is_refused_in_one_way(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "entry.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(VerificationError):
        read_entry(path)


def test_an_entry_on_the_wrong_board_is_refused(entry: Entry, tmp_path: Path) -> None:
    write_submission(submission(entry), tmp_path / "toys-v1")
    with pytest.raises(VerificationError, match="is one of toys v2"):
        read_entries(tmp_path / "toys-v1")

"""Tables: aligned text in a pipe, JSON when asked, rich on a terminal."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from recbench.cli.tables import Column, print_record, print_table

RECORDS = [
    {"name": "a", "tau": 0.123456789, "runs": 12345, "kept": ("x", "y"), "hidden": 1},
    {"name": "longer", "tau": None, "runs": np.int64(7), "kept": (), "hidden": float("nan")},
]


def test_a_pipe_gets_aligned_text(capsys):
    print_table(RECORDS, ["name", Column("tau", digits=2), Column("runs", "number"), "kept"])
    assert capsys.readouterr().out == (
        "name     tau  number  kept\n"
        "a       0.12  12,345  x, y\n"
        "longer     -       7  -\n"
    )  # fmt: skip


def test_json_has_every_field_at_full_precision(capsys):
    print_table(RECORDS, ["name"], as_json=True)
    first, second = json.loads(capsys.readouterr().out)
    assert first == RECORDS[0] | {"kept": ["x", "y"]}
    assert (second["tau"], second["runs"], second["hidden"]) == (None, 7, None)


def test_an_empty_table_has_its_header(capsys):
    print_table([], ["name", "tau"])
    assert capsys.readouterr().out == "name  tau\n"
    print_table([], ["name"], as_json=True)
    assert json.loads(capsys.readouterr().out) == []


def test_a_record_prints_a_field_a_line_without_the_empty_ones(capsys):
    print_record({"name": "a", "source": "", "lines": ["one", "two"], "lambda": 500.0})
    assert capsys.readouterr().out == "name    a\nlines   one\n        two\nlambda  500\n"


@pytest.mark.parametrize(("no_color", "styled"), [("1", False), ("", True)])
def test_a_terminal_gets_a_table_and_no_colour_is_honoured(capsys, monkeypatch, no_color, styled):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("FORCE_COLOR", "" if no_color else "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    print_table(RECORDS, ["name", Column("kept", wraps=True)])
    out = capsys.readouterr().out
    assert "longer" in out
    assert "─" in out
    assert ("\x1b[1m" in out) is styled
    assert "\x1b[3" not in out

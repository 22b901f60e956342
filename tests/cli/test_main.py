"""The entry of the command line: help, errors in one line, exit codes, plugins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from recbench.cli import main as entry
from recbench.contracts.errors import StoreError, VerificationError

PLUGIN = """
import click
from recbench import CommandSpec, hookimpl

@click.command()
def wave():
    click.echo("hello")

@hookimpl
def recbench_commands():
    return [
        CommandSpec(name="wave", load=wave, summary="Say hello."),
        CommandSpec(name="list", load=wave, summary="Not the list."),
        CommandSpec(name="nothing", load=int, summary="No command at all."),
    ]
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    file = tmp_path / "waving.py"
    file.write_text(PLUGIN)
    return file


def test_help_lists_commands_from_their_specs(recbench):
    result = recbench("--help")
    assert result.code == 0
    assert "  describe  Describe one of them: what it does, its source, its parameters.\n" in result.out
    assert result.err == ""
    assert recbench().code == 2


def test_a_plugin_brings_commands_wherever_the_option_stands(recbench, plugin):
    assert recbench("wave", "--plugin", plugin).out == "hello\n"
    assert recbench(f"--plugin={plugin}", "wave").out == "hello\n"
    assert "Say hello." in recbench("--plugin", plugin, "--help").out


def test_a_plugin_cannot_take_a_built_in_command(recbench, plugin):
    result = recbench("--plugin", plugin, "list", "metrics")
    assert "auc" in result.out
    assert "warning: waving.py is in quarantine: the command name 'list' is registered by recbench" in result.err
    assert recbench("--plugin", plugin, "waving.py:list").out == "hello\n"


def test_what_is_no_command_is_said_to_be_none(recbench, plugin):
    result = recbench("--plugin", plugin, "nothing")
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines()[-1] == (
        "error: the command 'nothing' of waving.py - is a type, where a click command is expected"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lst",), "error: no command is called 'lst': did you mean 'list'?"),
        (("list", "sampler"), "error: Invalid value for"),
        (("list",), "error: Missing argument"),
        (("list", "samplers", "--jsn"), "error: No such option"),
        (("describe", "sampler", "svp-fc"), "error: no sampler is called 'svp-fc': did you mean 'svp-cf'?"),
        (("describe", "sampler", "svp-cf[unit"), "error: the label 'svp-cf[unit' was not understood"),
        (("describe", "suite", "quikstart"), "error: no suite is called 'quikstart': did you mean 'quickstart'?"),
        (("--plugin", "no-such-file.py", "plugins"), "error: Invalid value for '--plugin'"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(recbench, arguments, message):
    result = recbench(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(message)
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (StoreError("the disk is full"), 1, "error: the disk is full\n"),
        (VerificationError("tau differs"), 3, "error: tau differs\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (PermissionError(13, "Permission denied", "out.csv"), 2, "error: out.csv: Permission denied\n"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_errors_become_exit_codes(monkeypatch, capfd, error, code, message):
    @click.command("fails")
    def fails() -> None:
        raise error

    monkeypatch.setattr(entry.Commands, "resolve_command", lambda self, ctx, args: ("fails", fails, args[1:]))
    monkeypatch.setattr(entry.os, "dup2", lambda *_: None)
    with pytest.raises(SystemExit) as exited:
        entry.main(["fails"])
    assert exited.value.code == code
    assert capfd.readouterr().err == message


def test_a_fault_of_ours_is_shown_whole(monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(entry.Commands, "resolve_command", broken)
    with pytest.raises(ZeroDivisionError):
        entry.main(["list"])


def test_the_reader_may_close_the_pipe():
    command = (
        f"{{ {sys.executable} -m recbench list metrics --json 2>/dev/null; echo $? >&2; }} | (exec <&-; sleep 0.1)"
    )
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "141\n")

"""The entry of the command line: finds commands, loads one, turns errors into one line and an exit code.

Commands are loaded when they are called, so that ``recbench --help`` imports nothing that computes.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from recbench import __version__, registry
from recbench.builtins import recbench_commands
from recbench.contracts.errors import ContractError, RecbenchError, UnknownNameError
from recbench.contracts.specs import CommandSpec
from recbench.registry import Registered

_BAD_USAGE = 2
_INTERRUPTED = 130
_PIPE_CLOSED = 141  # as of a process that SIGPIPE ended

_BUILT_IN: dict[str, CommandSpec] = {spec.name: spec for spec in recbench_commands()}


class Commands(click.Group):
    """Built-in commands first, then those of plugins: a plugin cannot take the name of a built-in one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_BUILT_IN, *registry.default().all("commands")})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = _entry(cmd_name)
        if entry is None:
            return None
        command = entry.load()
        if not isinstance(command, click.Command):
            raise ContractError(
                f"the command {cmd_name!r} of {entry.distribution} {entry.version} is a {type(command).__name__}, "
                "where a click command is expected"
            )
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and _entry(args[0]) is None:
            raise _unknown(args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Summaries come from the specs: no command is loaded to be listed."""
        entries = ((name, _entry(name)) for name in self.list_commands(ctx))
        rows = [(name, entry.spec.summary) for name, entry in entries if entry is not None and not entry.spec.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Lets ``--plugin FILE`` stand anywhere on the line."""
        end = args.index("--") if "--" in args else len(args)
        plugins: list[str] = []
        others: list[str] = []
        words = iter(args[:end])
        for word in words:
            if word == "--plugin":
                plugins += [word, *([value] if (value := next(words, None)) is not None else [])]
            else:
                (plugins if word.startswith("--plugin=") else others).append(word)
        return super().parse_args(ctx, [*plugins, *others, *args[end:]])


def _entry(name: str) -> Registered | None:
    if name in _BUILT_IN:
        return Registered("commands", name, _BUILT_IN[name], "recbench", __version__, None)
    return registry.default().all("commands").get(name)


def _unknown(name: str, known: Sequence[str]) -> UnknownNameError:
    near = difflib.get_close_matches(name, known, n=1)
    try:
        registry.default().get("commands", name)
    except UnknownNameError as error:
        if not near or "quarantine" in str(error):
            return error
    return UnknownNameError(f"no command is called {name!r}: did you mean {near[0]!r}?")


def _use_plugins(ctx: click.Context, parameter: click.Parameter, files: Sequence[Path]) -> None:
    if not files or ctx.resilient_parsing:
        return
    current = registry.set_default(registry.Registry(plugin_files=files))
    names = {file.name for file in files}
    for problem in current.quarantined:
        if problem.distribution in names and problem.version == "-":
            click.echo(f"warning: {problem.distribution} is in quarantine: {problem.reason}", err=True)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Data go to standard output, everything else to standard error. "
    "Exit codes: 0 ok, 1 some runs failed, 2 bad input, 3 a check failed, 130 interrupted.",
)
@click.option(
    "--plugin",
    multiple=True,
    is_eager=True,
    expose_value=False,
    callback=_use_plugins,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A Python file to use as a plugin; may be repeated, and stand anywhere on the line.",
)
@click.version_option(__version__, prog_name="recbench", message="%(prog)s %(version)s")
def cli() -> None:
    """Does training on a sample still pick the same recommendation algorithm?

    \b
    recbench run quickstart                      a first benchmark, about a minute, no network
    recbench list samplers                       what can be benchmarked
    recbench describe sampler svp-cf             what one of them does
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command line and exits: no error that a user can cause ends in a traceback."""
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    if "_RECBENCH_COMPLETE" in os.environ:  # a shell asks for completions
        cli.main(prog_name="recbench")
    try:
        # Not cli.main: it turns a closed pipe into exit code 1, which here means that runs failed.
        with cli.make_context("recbench", list(sys.argv[1:] if arguments is None else arguments)) as context:
            result = cli.invoke(context)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except RecbenchError as error:
        return _fail(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return _BAD_USAGE
    except click.ClickException as error:
        return _fail(_usage(error), _BAD_USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has closed it; nothing more may be written, not even by the interpreter at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except OSError as error:
        if error.filename is None:  # not about a file that the user named: a fault of ours, to be seen whole
            raise
        return _fail(f"{error.filename}: {error.strerror}", _BAD_USAGE)


def _usage(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message} (see '{context.command_path} --help')" if context is not None else message


def _fail(message: str, code: int) -> int:
    click.echo(f"error: {message}", err=True)
    return code

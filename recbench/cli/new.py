"""``recbench new``: a plugin as a package that can be installed, is tested, and does something real."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import click

from recbench import __version__, registry
from recbench.cli.tables import note
from recbench.contracts.errors import DataError, ParameterError
from recbench.registry.entries import SINGULAR, Kind
from recbench.registry.validation import LONGEST_NAME, is_name

_KINDS: dict[str, Kind] = {"sampler": "samplers", "algorithm": "algorithms", "dataset": "datasets"}
_RUN = {
    "sampler": "recbench run quickstart --sampler random --sampler {name}",
    "algorithm": "recbench run algorithms --dataset synthetic-tiny --algorithm popularity --algorithm {name}",
    "dataset": "recbench run algorithms --dataset {name} --feedback implicit --algorithm popularity --algorithm ease",
}
_SUBMIT = {"sampler": "recbench submit quickstart --sampler {name}"}
"""The command that sends what the run stored to a leaderboard."""


@click.command("new")
@click.argument("kind", type=click.Choice(list(_KINDS)))
@click.argument("name")
@click.option(
    "--to",
    "parent",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    metavar="DIR",
    help="Where the folder NAME is made; by default here.",
)
def new_command(kind: str, name: str, parent: Path) -> None:
    """Make a plugin of a KIND, a sampler, an algorithm or a dataset, as a package in the folder NAME.

    It is complete: it can be installed, keeps its contract, and has the test that shows it. What it does is small and
    real; put your method or your log in its place. The commands to go on with are printed.
    """
    target = parent / name
    _check_name(kind, name)
    if target.exists() or target.is_symlink():
        raise DataError(f"{target} exists already: give another name, or another folder with --to")
    files = _files(kind, name)
    _write(files, target)
    note(f"{target}: {len(files)} files, with a test and a README")
    click.echo("\n".join(_commands(kind, name, target)))


def _check_name(kind: str, name: str) -> None:
    """Refuses what could not be registered, or would be hidden by what is there.

    Raises:
      ParameterError: in one sentence.
    """
    shown = repr(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}...")
    if set(name) & {"/", "\\"} or name in (".", ".."):
        raise ParameterError(f"the name {shown} is a path: give a name alone, and the folder to make it in with --to")
    if not is_name(name):
        near = re.sub(r"[^a-z0-9]+", "-", name[: 2 * LONGEST_NAME].lower())[:LONGEST_NAME].strip("-")
        hint = f"did you mean {near!r}?" if near else "write one such as rare-first"
        raise ParameterError(
            f"the name {shown} is not made of lower-case letters and digits joined by single hyphens, "
            f"{LONGEST_NAME} at most: {hint}"
        )
    what = SINGULAR[_KINDS[kind]]
    if kind == "sampler" and name == "full":
        raise ParameterError("the name 'full' stands for all rows of a log: choose another one")
    known = registry.default().all(_KINDS[kind])
    if name in known:
        owner = f"{known[name].distribution} {known[name].version}".removesuffix(" -")
        raise ParameterError(f"the {what} {name!r} is already registered by {owner}: choose another name")
    if find_spec(_module(name)) is not None:
        raise ParameterError(f"a package {_module(name)!r} is installed already: choose another name for the {what}")


def _module(name: str) -> str:
    return f"recbench_{name.replace('-', '_')}"


def _files(kind: str, name: str) -> dict[str, str]:
    """Path and content of each file of the package."""
    # Imported here: only this command needs it, and starting is to stay quick.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(  # plain text, so nothing is escaped: a name is letters, digits and hyphens
        loader=PackageLoader("recbench.cli", "templates/new"), undefined=StrictUndefined, keep_trailing_newline=True
    )
    fields = _fields(kind, name)
    module = fields["module"]
    sources = {
        "pyproject.toml": "any/pyproject.toml.j2",
        "README.md": "any/README.md.j2",
        f"{module}/__init__.py": f"{kind}/spec.py.j2",
        f"{module}/{kind}.py": f"{kind}/{kind}.py.j2",
        f"tests/test_{fields['identifier']}.py": "any/test.py.j2",
    }
    if kind == "dataset":
        sources[f"{module}/ratings.csv"] = "dataset/ratings.csv"
    return {path: pages.get_template(template).render(fields) for path, template in sources.items()}


def _fields(kind: str, name: str) -> dict[str, str]:
    """What stands in the templates."""
    return {
        "kind": kind,
        "noun": SINGULAR[_KINDS[kind]],
        "name": name,
        "identifier": name.replace("-", "_"),
        "module": _module(name),
        "distribution": f"recbench-{name}",
        "recbench": __version__,
        "said": "licence and counts" if kind == "dataset" else "formula and parameters",
        "run": _RUN[kind].format(name=name),
        "submit": _SUBMIT.get(kind, "").format(name=name),
    }


def _write(files: Mapping[str, str], target: Path) -> None:
    """All files or none: they are written into a folder beside the target, which is then renamed."""
    with tempfile.TemporaryDirectory(prefix=".recbench-new-", dir=target.parent) as scratch:
        made = Path(scratch, target.name)
        for path, content in files.items():
            file = made / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
        os.rename(made, target)


def _commands(kind: str, name: str, target: Path) -> list[str]:
    """What to do next."""
    folder = target if target.is_absolute() else os.path.join(os.curdir, target)  # pip takes a bare name for a project
    submit = _SUBMIT.get(kind, "").format(name=name)
    commands = [
        f"python -m pip install {shlex.quote(str(folder))}",
        f"recbench check {name}",
        _RUN[kind].format(name=name),
        submit,
    ]
    return [command for command in commands if command]

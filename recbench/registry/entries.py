"""What is registered: a spec, who brought it, and the hash of the code behind it."""

from __future__ import annotations

import hashlib
import inspect
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata, util
from pathlib import Path
from typing import Any, Literal, get_args

from recbench.contracts.errors import ContractError

Kind = Literal["datasets", "samplers", "algorithms", "metrics", "executors", "commands"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SINGULAR: dict[Kind, str] = {
    "datasets": "data set",
    "samplers": "sampler",
    "algorithms": "algorithm",
    "metrics": "metric",
    "executors": "executor",
    "commands": "command",
}

BUILT_IN = "recbench"
"""The distribution whose names nobody else can take."""

SESSION = "session"
"""Who registers by calling :func:`recbench.register`."""

_CORE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Registered:
    """A spec and where it comes from."""

    kind: Kind
    name: str  # what to ask for: the spec's name, or "distribution:name" where two distributions offer it
    spec: Any  # of the kind's spec class
    distribution: str  # "recbench" for built-ins, the file's name for --plugin, "session" for recbench.register
    version: str  # "-" where there is none
    source: Path | None  # the plugin's file or package folder; None: registered in a session

    def load(self) -> Any:
        """The implementation: ``spec.load`` as it is, or imported from its path.

        Raises:
          ContractError: it cannot be imported; the message says from which distribution it comes, and why.
        """
        if not isinstance(self.spec.load, str):
            return self.spec.load
        module, _, attribute = self.spec.load.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except Exception as error:
            raise ContractError(
                f"the {SINGULAR[self.kind]} {self.name!r} of {self.distribution} {self.version} cannot be loaded from "
                f"{self.spec.load!r}: {short_reason(error)}"
            ) from error

    def code_hash(self) -> str:
        """sha256 of the code behind the spec: equal code has equal hashes, wherever it is installed.

        It covers the file of a ``--plugin``, the distribution's files (its import package, when installed in editable
        mode) otherwise, and the plugin's package for what is built in. Code that cannot be read, as that typed at a
        prompt, gets a fresh hash in each session: no result is ever taken for that of other code.
        """
        if self.source is None:
            return _hash_of_callable(self.load())
        if self.source == _CORE:  # the core is large and has its protocol version: only the method's own file counts
            return hash_files(_CORE, _files_of_load(self.spec.load))
        files = set(_tree(self.source))
        if self.distribution != BUILT_IN and self.source.suffix != ".py":
            files.update(_files_of_distribution(self.distribution))
        return hash_files(self.source.parent, frozenset(files))


def short_reason(error: BaseException) -> str:
    """One line of at most 200 characters: the error's type, its message and the line that raised it."""
    message = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    text = text if len(text) <= 160 else text[:157] + "..."
    if isinstance(error, SyntaxError) or error.__traceback__ is None:
        return text
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    file = Path(trace.tb_frame.f_code.co_filename).name
    return text if file.startswith("<") else f"{text} ({file[:30]}, line {trace.tb_lineno})"


@cache
def hash_files(root: Path, files: frozenset[Path]) -> str:
    """sha256 of the files' contents and of their paths relative to ``root``; read once in a process."""
    total = hashlib.sha256()
    for name, file in sorted((_relative(file, root), file) for file in files):
        total.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


def _tree(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for file in source.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith("."):
            yield file


def _files_of_distribution(name: str) -> Iterator[Path]:
    try:
        recorded = metadata.files(name) or ()
    except metadata.PackageNotFoundError:
        return
    for path in recorded:
        file = Path(str(path.locate())).resolve()
        inside = ".." not in path.parts and "__pycache__" not in path.parts
        if inside and not path.parts[0].endswith(".dist-info") and file.suffix != ".pth" and file.is_file():
            yield file


def _files_of_load(load: str | Callable[..., Any]) -> frozenset[Path]:
    module = load.partition(":")[0] if isinstance(load, str) else load.__module__
    found = util.find_spec(module)
    return frozenset() if found is None or found.origin is None else frozenset({Path(found.origin)})


@cache
def _hash_of_callable(implementation: Any) -> str:
    try:
        file = inspect.getsourcefile(implementation)
        if file is not None and Path(file).is_file():
            return hash_files(Path(file).parent, frozenset({Path(file)}))
        return hashlib.sha256(inspect.getsource(implementation).encode()).hexdigest()
    except (OSError, TypeError):
        return secrets.token_hex(32)

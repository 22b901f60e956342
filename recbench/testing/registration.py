"""The checks of any plugin: that it can be loaded, and that listing it stays fast."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

from recbench.contracts.errors import ContractError
from recbench.contracts.labels import Label
from recbench.registry import Kind, Registered, Registry, default
from recbench.testing.checks import Check
from recbench.testing.rules import PLUGIN_RULES, broken_by

_HEAVY = ("jax", "flax", "optax", "polars", "pydantic")
_SCRIPT = """
import sys
from recbench.registry import Registry
Registry().all({kind!r})
print("", *(name for name in {heavy!r} if name in sys.modules))
"""


def plugin_checks(kind: Kind, name: str, *, registry: Registry | None = None) -> list[Check]:
    """The checks of what a plugin registers, whatever it is.

    Raises:
      UnknownNameError: no plugin registered it.
    """
    entry = (registry or default()).get(kind, Label.parse(name).name)
    checks = {"loads": _check_loads, "lists-fast": _check_lists_fast}
    return [
        Check(kind, name, "", rule, PLUGIN_RULES[rule], partial(function, entry))
        for rule, function in checks.items()
        if rule != "lists-fast" or _is_installed(entry)
    ]


def can_be_loaded(kind: Kind, name: str, registry: Registry | None = None) -> bool:
    """Whether there is something that the checks of its kind could be tried on."""
    try:
        (registry or default()).get(kind, Label.parse(name).name).load()
    except ContractError:
        return False
    return True


def _is_installed(entry: Registered) -> bool:
    """Whether it came by an entry point: of a file or a session there is no module that only lists it."""
    return entry.source is not None and entry.version != "-"


def _check_loads(entry: Registered) -> None:
    try:
        entry.load()
    except ContractError as error:
        raise _broken(entry, "loads", str(error)) from error


def _check_lists_fast(entry: Registered) -> None:
    """Lists the one plugin in a process of its own, and looks at what came along."""
    environment = {**os.environ, "RECBENCH_PLUGINS": entry.distribution, "PYTHONPATH": os.pathsep.join(sys.path)}
    script = _SCRIPT.format(kind=entry.kind, heavy=_HEAVY)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise _broken(entry, "lists-fast", f"listing it alone ended with {done.stderr.strip().splitlines()[-1:]}")
    if heavy := done.stdout.split():
        found = f"it imports {', '.join(heavy)}: import them in the module that load names, not in the one of the spec"
        raise _broken(entry, "lists-fast", found)


def _broken(entry: Registered, rule: str, found: str) -> ContractError:
    return broken_by(entry.kind, entry.name, rule, PLUGIN_RULES[rule], found)

"""Loading plugins, each alone: what fails goes to quarantine with its reason, everything else goes on.

pluggy by itself drops misspelt hooks and duplicate names silently, and one plugin that raises aborts the call of all.
So each plugin gets a manager of its own, and each of its hooks a call of its own.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import metadata, util
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pluggy

from recbench.contracts import hookspecs
from recbench.registry.entries import KINDS, Kind, Registered, short_reason
from recbench.registry.validation import SPEC_CLASSES, problem_of

GROUP = "recbench"
"""The entry-point group."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something of a plugin that was not let in."""

    distribution: str
    version: str
    stage: str  # environment, import, hooks, call, return, spec or name
    reason: str  # one sentence
    names: tuple[str, ...] = ()  # what would have been registered, where that is known
    kind: Kind | None = None


@dataclass(slots=True)
class Found:
    """What discovery has brought so far, in order."""

    registered: list[Registered] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)


def discover_entry_points(found: Found) -> None:
    """Loads every entry point of the group, or only those that ``RECBENCH_PLUGINS`` names.

    The variable is a comma list of distributions and entry-point names; empty, it lets nothing in.
    """
    wanted = os.environ.get("RECBENCH_PLUGINS")
    names = None if wanted is None else {_normal(name) for name in wanted.split(",") if name.strip()}
    seen: set[str] = set()
    for point in metadata.entry_points(group=GROUP):
        distribution, version = (point.dist.name, point.dist.version) if point.dist else (point.name, "-")
        mine = {_normal(distribution), _normal(point.name)}
        seen |= mine
        if names is None or mine & names:
            _load_plugin(found, point.load, distribution=distribution, version=version)
    for name in sorted((names or set()) - seen):
        reason = "RECBENCH_PLUGINS names it, but no installed distribution or entry point is called so"
        found.quarantined.append(Quarantined(name, "-", "environment", reason))


def discover_file(found: Found, path: Path) -> None:
    """Loads a plugin that is one file, under a module name that nothing else can have."""
    path = path.expanduser().resolve()
    distribution = re.sub(r"[^\w.+-]+", "-", path.name).lstrip("-._+") or "plugin"

    def load() -> ModuleType:
        name = f"_recbench_plugin_{sha256(str(path).encode()).hexdigest()[:16]}"
        spec = util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError("it is not a Python file: its name must end in .py")
        module = util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses and inspect look modules up by name
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module

    _load_plugin(found, load, distribution=distribution, version="-")


def _load_plugin(found: Found, load: Callable[[], object], *, distribution: str, version: str) -> None:
    with contextlib.redirect_stdout(sys.stderr):  # standard output belongs to the command's data
        _Intake(found, distribution, version).take(load)


@dataclass(frozen=True, slots=True)
class _Intake:
    """One plugin on its way in."""

    found: Found
    distribution: str
    version: str

    def take(self, load: Callable[[], object]) -> None:
        try:
            plugin = load()
        except (Exception, SystemExit) as error:
            return self._quarantine("import", short_reason(error))
        manager = _manager()
        try:
            manager.register(plugin)
        except Exception as error:
            return self._quarantine("hooks", _last_line(error))
        for reason in _hook_problems(manager, plugin):
            self._quarantine("hooks", reason)
        for kind in KINDS:
            for spec in self._call(manager, kind):
                self._admit(kind, spec, _source(plugin))
        return None

    def _call(self, manager: pluggy.PluginManager, kind: Kind) -> Iterator[Any]:
        hook = f"recbench_{kind}"
        try:
            answers = getattr(manager.hook, hook)()
        except (Exception, SystemExit) as error:
            return self._quarantine("call", f"{hook} raised {short_reason(error)}", kind)
        for answer in answers:
            if isinstance(answer, str | bytes) or not isinstance(answer, Iterable):
                wanted = f"an iterable of {SPEC_CLASSES[kind].__name__}"
                self._quarantine(
                    "return", f"{hook} returned a {type(answer).__name__}, where {wanted} is expected", kind
                )
                continue
            try:
                specs = list(answer)
            except (Exception, SystemExit) as error:
                self._quarantine("call", f"{hook} raised {short_reason(error)}", kind)
                continue
            yield from specs

    def _admit(self, kind: Kind, spec: Any, source: Path | None) -> None:
        try:
            problem = problem_of(kind, spec)
        except Exception as error:
            problem = f"a {type(spec).__name__} could not be read: {short_reason(error)}"
        if problem:
            stage = "spec" if isinstance(spec, SPEC_CLASSES[kind]) else "return"
            name = getattr(spec, "name", None)
            self._quarantine(stage, problem, kind, (name,) if isinstance(name, str) else ())
        else:
            entry = Registered(kind, spec.name, spec, self.distribution, self.version, source)
            self.found.registered.append(entry)

    def _quarantine(self, stage: str, reason: str, kind: Kind | None = None, names: tuple[str, ...] = ()) -> None:
        self.found.quarantined.append(Quarantined(self.distribution, self.version, stage, reason, names, kind))


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    if os.environ.get("RECBENCH_TRACE"):
        manager.trace.root.setwriter(sys.stderr.write)
        manager.enable_tracing()
    return manager


def _hook_problems(manager: pluggy.PluginManager, plugin: object) -> Iterator[str]:
    """All that ``check_pending`` would complain of, rather than the first, with the nearest hook that exists."""
    callers = manager.get_hookcallers(plugin) or []
    if not callers:
        yield "it implements no hook of recbench: decorate a function such as recbench_samplers with @hookimpl"
    known = [f"recbench_{kind}" for kind in KINDS]
    for caller in callers:
        if not caller.has_spec() and not all(impl.optionalhook for impl in caller.get_hookimpls()):
            near = difflib.get_close_matches(caller.name, known, n=1, cutoff=0)
            yield f"recbench has no hook {caller.name!r}: did you mean {near[0]!r}?"


def _source(plugin: object) -> Path | None:
    module = plugin if isinstance(plugin, ModuleType) else sys.modules.get(type(plugin).__module__)
    top = sys.modules.get(module.__name__.partition(".")[0], module) if module else None
    file = getattr(top, "__file__", None) or getattr(module, "__file__", None)
    if file is None:
        return None
    path = Path(cast(str, file)).resolve()
    return path.parent if path.name == "__init__.py" else path


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    where = next((line for line in lines if " for hook " in line), "")
    hook = re.search(r"for hook '(\w+)'", where)
    return " ".join(filter(None, [f"{hook[1]}:" if hook else "", lines[-1] if lines else short_reason(error)]))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()

"""Asking for what is registered, by kind and name."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from recbench.contracts.errors import ContractError, UnknownNameError
from recbench.contracts.specs import Spec
from recbench.registry.discovery import Found, Quarantined, discover_entry_points, discover_file
from recbench.registry.entries import BUILT_IN, KINDS, SESSION, SINGULAR, Kind, Registered
from recbench.registry.validation import SPEC_CLASSES, problem_of

Index = dict[Kind, dict[str, Registered]]


class Registry:
    """All that plugins brought, and what of them is in quarantine. Discovery happens when it is first asked.

    Args:
      entry_points: look at installed distributions (``RECBENCH_PLUGINS`` narrows that down).
      plugin_files: Python files that are plugins, as given to ``--plugin``.
    """

    def __init__(self, *, entry_points: bool = True, plugin_files: Iterable[str | Path] = ()) -> None:
        self._entry_points = entry_points
        self._plugin_files = list(dict.fromkeys(Path(file).expanduser().resolve() for file in plugin_files))
        self._found: Found | None = None
        self._index: Index = {}
        self._duplicates: list[Quarantined] = []

    def get(self, kind: Kind, name: str) -> Registered:
        """What is registered under a name, or under ``distribution:name``.

        Raises:
          UnknownNameError: nothing is; the message offers the nearest name, or says why the name is in quarantine.
        """
        entry = self.all(kind).get(name)
        if entry is not None:
            return entry
        qualified = [e for e in self._index[kind].values() if name == f"{e.distribution}:{e.spec.name}"]
        if qualified:
            return qualified[0]
        raise UnknownNameError(self._why_unknown(kind, name))

    def all(self, kind: Kind) -> dict[str, Registered]:
        """All of a kind by the name to ask for: bare names, and ``distribution:name`` where several share one."""
        self._discovered()
        return dict(self._index[kind])

    @property
    def quarantined(self) -> list[Quarantined]:
        """What was not let in, in the order in which it was found; duplicate names last."""
        return [*self._discovered().quarantined, *self._duplicates]

    def register(self, spec: Spec, *, distribution: str = SESSION) -> Registered:
        """Adds a spec without packaging. In a session, registering a name again replaces the earlier one.

        Raises:
          ContractError: the spec is invalid, or its name is taken by a plugin.
        """
        kind = next((kind for kind in KINDS if isinstance(spec, SPEC_CLASSES[kind])), None)
        if kind is None:
            raise ContractError(f"recbench.register was given a {type(spec).__name__}, where a spec is expected")
        if problem := problem_of(kind, spec):
            raise ContractError(problem)
        found = self._discovered()
        entry = Registered(kind, spec.name, spec, distribution, "-", None)
        same = [e for e in found.registered if (e.kind, e.spec.name) == (kind, spec.name)]
        others = [e for e in same if e.distribution != distribution]
        if others and distribution != BUILT_IN:
            raise ContractError(
                f"the {SINGULAR[kind]} {spec.name!r} is already registered by {_owners(others)}: choose another name"
            )
        found.registered = [e for e in found.registered if e not in same or e in others] + [entry]
        self._reindex()
        return entry

    def _discovered(self) -> Found:
        if self._found is None:
            self._found = Found()
            if self._entry_points:
                discover_entry_points(self._found)
            for file in self._plugin_files:
                discover_file(self._found, file)
            self._reindex()
        return self._found

    def _reindex(self) -> None:
        """Names anew: built-ins keep theirs, of all others a shared name is nobody's."""
        assert self._found is not None
        groups: dict[tuple[Kind, str], list[Registered]] = defaultdict(list)
        for entry in self._found.registered:
            groups[entry.kind, entry.spec.name].append(entry)
        index: Index = {kind: {} for kind in KINDS}
        self._duplicates = []
        for (kind, name), entries in sorted(groups.items()):
            if len(entries) == 1:
                index[kind][name] = entries[0]
                continue
            built_in = [entry for entry in entries if entry.distribution == BUILT_IN]
            if len(built_in) == 1:
                index[kind][name] = built_in[0]
            for entry in entries if len(built_in) != 1 else (e for e in entries if e not in built_in):
                self._set_aside(index, entry, entries)
        self._index = {kind: dict(sorted(names.items())) for kind, names in index.items()}

    def _set_aside(self, index: Index, entry: Registered, entries: list[Registered]) -> None:
        what = f"the {SINGULAR[entry.kind]} name {entry.spec.name!r} is registered by {_owners(entries)}"
        if sum(other.distribution == entry.distribution for other in entries) > 1:
            reason = f"{what}, by {entry.distribution} more than once: each name may be registered once"
        else:
            qualified = f"{entry.distribution}:{entry.spec.name}"
            index[entry.kind][qualified] = replace(entry, name=qualified)
            reason = f"{what}: ask for {qualified!r} to get this one"
        self._duplicates.append(
            Quarantined(entry.distribution, entry.version, "name", reason, (entry.spec.name,), entry.kind)
        )

    def _why_unknown(self, kind: Kind, name: str) -> str:
        what = SINGULAR[kind]
        aside = [q for q in self.quarantined if name in q.names and q.kind == kind]
        if aside:
            reasons = "; ".join(f"{q.distribution} {q.version}: {q.reason}" for q in aside)
            return f"the {what} {name!r} is in quarantine ({reasons})"
        near = difflib.get_close_matches(name, self._index[kind], n=1)
        listing = "recbench --help" if kind == "commands" else f"recbench list {kind}"
        hint = f"did you mean {near[0]!r}?" if near else f"'{listing}' shows what there is"
        lost = len({(q.distribution, q.version) for q in self.quarantined})
        plugins = "1 plugin has" if lost == 1 else f"{lost} plugins have"
        note = f" ({plugins} something in quarantine: see 'recbench plugins')" if lost else ""
        return f"no {what} is called {name!r}: {hint}{note}"


def _owners(entries: Iterable[Registered]) -> str:
    ordered = sorted(entries, key=lambda entry: (entry.distribution != BUILT_IN, entry.distribution))
    return " and ".join(dict.fromkeys(f"{entry.distribution} {entry.version}" for entry in ordered))


_current: Registry | None = None


def default() -> Registry:
    """The registry of this process: entry points, the environment, and the files given by ``--plugin``."""
    return _current if _current is not None else set_default(Registry())


def set_default(registry: Registry) -> Registry:
    """Makes a registry that of the process: the command line does so once it knows its ``--plugin`` files."""
    global _current
    _current = registry
    return registry


def register(spec: Spec) -> Registered:
    """Registers a spec in this process, as from a notebook; see :meth:`Registry.register`."""
    return default().register(spec)

"""``recbench plugins``: what is loaded, and what is in quarantine and why."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import click

from recbench import registry
from recbench.cli.tables import Column, json_option, note, print_table
from recbench.registry import KINDS


@click.command("plugins")
@json_option
def plugins_command(as_json: bool) -> None:
    """Show which plugins are loaded and what they register, and what is in quarantine with the reason.

    RECBENCH_PLUGINS=a,b loads only these distributions or entry points (empty: none); RECBENCH_TRACE=1 traces
    every hook call to standard error.
    """
    loaded, aside = _loaded(), _quarantined()
    if as_json:
        print_table([*loaded, *aside], (), as_json=True)
        return
    columns = ("distribution", "version", "kind", "count", Column("names", wraps=True))
    print_table(loaded, columns)
    if aside:
        click.echo("\nIn quarantine:")
        print_table(aside, ("distribution", "version", "stage", Column("reason", wraps=True)))
    else:
        note("nothing is in quarantine")


def _loaded() -> list[dict[str, Any]]:
    names: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for kind in KINDS:
        for name, entry in registry.default().all(kind).items():
            names[entry.distribution, entry.version, kind].append(name)
    return [
        {
            "status": "loaded",
            "distribution": distribution,
            "version": version,
            "kind": kind,
            "count": len(registered),
            "names": tuple(registered),
        }
        for (distribution, version, kind), registered in sorted(names.items(), key=lambda pair: pair[0][0])
    ]


def _quarantined() -> list[dict[str, Any]]:
    return [
        {
            "status": "quarantined",
            "distribution": problem.distribution,
            "version": problem.version,
            "stage": problem.stage,
            "reason": problem.reason,
            "kind": problem.kind,
            "names": problem.names,
        }
        for problem in registry.default().quarantined
    ]

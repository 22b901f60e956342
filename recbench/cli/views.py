"""The views of ``recbench report``, and the options that each of them does not look at."""

from __future__ import annotations

import click
from click.core import ParameterSource

_OF_TAU = ("by", "across", "shared", "pairs")
_IDLE = {
    "failed": ("drawn", "algorithms", "quality", *_OF_TAU, "plot", "metrics", "samplers", "labels"),
    "algorithms": ("drawn", "quality", *_OF_TAU, "plot", "samplers", "labels"),
    "drawn": ("quality", *_OF_TAU, "plot", "metrics", "labels"),
    "quality": _OF_TAU,
    "pairs": ("by", "across"),
}
"""What each view does not look at."""
_AGAINST = ("budget", "speedup")
"""What tau may be drawn by."""


def refuse_idle(context: click.Context) -> None:
    """Refuses options that would change nothing: whoever gave one would take the table for something else."""
    given = {
        parameter.name: parameter.opts[0]
        for parameter in context.command.params
        if context.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT
    }
    for view, idle in _IDLE.items():
        if view in given and (useless := [given[name] for name in idle if name in given]):
            raise click.UsageError(f"{given[view]} shows something else: leave out {' and '.join(useless)}")
    if "shared" in given and not {"by", "pairs"} & given.keys():
        raise click.UsageError("--shared is for means: say what they are by, as in --by sampler, or --pairs")
    if "against" in given and "plot" not in given:
        raise click.UsageError("--against is for a drawing: give its file with --plot")
    if "labels" in given and "quality" not in given:
        raise click.UsageError("--algorithm is for --quality: tau is over all algorithms")
    if "quality" not in given and (against := context.params["against"]) not in _AGAINST:
        raise click.UsageError(
            f"tau is drawn against {' or '.join(_AGAINST)}, not {against}: that may be for --quality"
        )

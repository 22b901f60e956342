"""``recbench check``: whether a plugin keeps its contract, rule by rule."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

import click

from recbench import registry
from recbench.cli.tables import Column, json_option, note, print_table
from recbench.contracts.errors import UnknownNameError
from recbench.contracts.labels import Label
from recbench.registry import Kind

if TYPE_CHECKING:
    from recbench.testing import Outcome

PluginKind = Literal["sampler", "algorithm", "dataset"]

_KINDS: dict[PluginKind, Kind] = {"sampler": "samplers", "algorithm": "algorithms", "dataset": "datasets"}
_BROKEN = 3


@click.command("check")
@click.argument("name")
@click.option("--kind", type=click.Choice(list(_KINDS)), help="Which is meant, where several have the name.")
@json_option
def check_command(name: str, kind: PluginKind | None, as_json: bool) -> int:
    """Check whether the sampler, algorithm or dataset NAME keeps its contract, rule by rule.

    Ends with exit code 3 if a rule is broken; what could not be tried because of it is said to be untried. A label
    gives parameters. The logs are tiny, so trained algorithms need small sizes and large steps to learn what is planted
    in them, as in 'mf[batch_size=64,latent=4,learning_rate=0.02]'.
    """
    # Imported here: it brings JAX.
    from recbench.testing import checks_of, run_checks

    with contextlib.redirect_stdout(sys.stderr):  # standard output belongs to the table, whatever a plugin prints
        outcomes = run_checks(checks_of(kind or _kind_of(name), name))
    records = [asdict(each) | ({} if as_json else {"said": each.reason or each.meaning}) for each in outcomes]
    said = Column("said", "what it says, or why it is broken", wraps=True)
    columns: list[Column | str] = ["rule", *_on(outcomes), "status", said]
    print_table(records, columns, as_json=as_json)
    broken = sum(each.status == "failed" for each in outcomes)
    what = f"{len(outcomes)} checks of {name}"
    note(f"all {what} passed" if not broken else f"{broken} of {what} failed")
    return _BROKEN if broken else 0


def _kind_of(name: str) -> PluginKind:
    """The kind of which something is registered under the name.

    Raises:
      UnknownNameError: there is none; of the reasons, the one that says most.
      UsageError: there are several.
    """
    found: list[PluginKind] = []
    reasons = []
    for kind, plural in _KINDS.items():
        try:
            registry.default().get(plural, Label.parse(name).name)
            found.append(kind)
        except UnknownNameError as error:
            reasons.append(error)
    if len(found) > 1:
        raise click.UsageError(f"{name!r} is the name of {' and '.join(found)}: say which with --kind {found[0]}")
    if found:
        return found[0]
    telling = [error for error in reasons if "in quarantine (" in str(error) or "did you mean" in str(error)]
    raise (
        telling[0]
        if telling
        else UnknownNameError(
            f"no sampler, algorithm or data set is called {name!r}: 'recbench plugins' shows what is loaded, "
            "and what is in quarantine"
        )
    )


def _on(outcomes: list[Outcome]) -> list[Column]:
    title = "feedback" if outcomes[0].kind == "algorithms" else "unit"
    return [Column("on", title)] if any(each.on for each in outcomes) else []

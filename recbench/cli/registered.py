"""``recbench list`` and ``recbench describe``: what is registered, from its specs alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from recbench import registry
from recbench.cli.tables import Column, json_option, note, print_record, print_table
from recbench.contracts.labels import Label, allowed, bind
from recbench.contracts.specs import Parameter
from recbench.registry import Kind, Registered

_SUITES = "suites"
_KINDS: dict[str, Kind] = {
    "samplers": "samplers",
    "algorithms": "algorithms",
    "datasets": "datasets",
    "metrics": "metrics",
    "executors": "executors",
}
_LISTED = (*_KINDS, _SUITES)

_FORMS = {
    "order": "scores the train rows, and the highest are kept first: samples are nested",
    "select": "chooses rows for one budget: samples need not be nested",
    "synthesise": "makes fake users",
    "trained": "by gradient steps",
    "solved": "in closed form, or by a fixed number of steps",
    "host": "plain Python, one run at a time",
}
"""What the forms of samplers and algorithms mean."""

_TAIL = ("summary",)
_COLUMNS: dict[str, tuple[str, ...]] = {
    "samplers": ("name", "units", "feedback", *_TAIL),
    "algorithms": ("name", "form", "feedback", *_TAIL),
    "datasets": ("name", "users", "items", "rows", "licence", *_TAIL),
    "metrics": ("name", "of", "columns", *_TAIL),
    "executors": ("name", *_TAIL),
    _SUITES: ("name", "version", "datasets", "feedback", *_TAIL),
}


@click.command("list")
@click.argument("kind", type=click.Choice(_LISTED))
@json_option
def list_command(kind: str, as_json: bool) -> None:
    """List what is registered of one KIND.

    What comes from a plugin shows its distribution; `recbench plugins` shows what could not be loaded.
    """
    current = registry.default()
    records = _suites() if kind == _SUITES else [_record(entry) for entry in current.all(_KINDS[kind]).values()]
    columns: list[Column | str] = [name for name in _COLUMNS[kind] if name != "summary"]
    if any(record.get("distribution", "recbench") != "recbench" for record in records):
        columns.append(Column("distribution", "plugin"))
    print_table(records, [*columns, Column("summary", wraps=True)], as_json=as_json)
    if lost := len(current.quarantined):
        note(f"{lost} {'registration is' if lost == 1 else 'registrations are'} in quarantine: see 'recbench plugins'")


@click.command("describe")
@click.argument("kind", type=click.Choice([*(kind[:-1] for kind in _LISTED), *_LISTED]), metavar="KIND")
@click.argument("name")
@json_option
def describe_command(kind: str, name: str, as_json: bool) -> None:
    """Describe one sampler, algorithm, dataset, suite, metric or executor: KIND and NAME.

    What it computes and where that is from, its parameters with defaults and bounds, what it can do, who brings it.
    """
    kind = kind if kind.endswith("s") else f"{kind}s"
    if kind == _SUITES:
        print_record(_suite(name), as_json=as_json)
        return
    label = Label.parse(name)
    entry = registry.default().get(_KINDS[kind], label.name)
    _check_overrides(label, entry)
    print_record(_record(entry) if as_json else _in_words(entry), as_json=as_json)


def _record(entry: Registered) -> dict[str, Any]:
    """The fields of a spec, without how it is loaded, and who registered it."""
    fields = {key: value for key, value in asdict(entry.spec).items() if key not in ("load", "interface", "finish")}
    fields["name"] = entry.name
    if entry.kind == "metrics":
        fields["columns"] = tuple(entry.spec.columns)
    return fields | {"distribution": entry.distribution, "version": entry.version}


def _check_overrides(label: Label, entry: Registered) -> None:
    """Refuses a label that nothing could be run with; a unit may stand in that of every sampler."""
    free = ("unit",) if entry.kind == "samplers" else ()
    given = tuple(each for each in label.overrides if each[0] not in free)
    bind(Label(label.name, given), getattr(entry.spec, "parameters", getattr(entry.spec, "hyper", ())))


def _in_words(entry: Registered) -> dict[str, Any]:
    """The fields as they are best read: what it does, what it takes, what it can do, who brings it."""
    record = _record(entry)
    for field in ("parameters", "hyper"):
        record[field] = [_parameter_line(parameter) for parameter in getattr(entry.spec, field, ())]
    if "form" in record:
        record["form"] = f"{record['form']}: {_FORMS[record['form']]}"
    if record.get("draws") is False:
        record["draws"] = "no: the seed only breaks ties"
    if "history" in record:
        record["history"] = _history(record["history"])
    first = ("name", "summary", "formula", "source", "parameters", "hyper")
    return {field: record[field] for field in (*first, *record) if field in record}


def _history(need: int | str | None) -> str:
    """What an algorithm scores a user by."""
    match need:
        case None:
            return "none: a user is scored by what was learned of it"
        case "all":
            return "all rows of a user"
        case str():
            return f"the last rows of a user, as many as {need} says"
        case _:
            return f"the last {need} rows of a user"


def _parameter_line(parameter: Parameter) -> str:
    default = str(parameter.default).lower() if isinstance(parameter.default, bool) else parameter.default
    takes = f" (one of {', '.join(map(str, parameter.choices))})" if parameter.choices else ""
    if not parameter.choices and (parameter.minimum, parameter.maximum) != (None, None):
        takes = f" ({allowed(parameter)})"
    return f"{parameter.name}={default}{takes}: {parameter.doc}"


def _suites() -> list[dict[str, Any]]:
    # Imported here: suites are read by pydantic, and listing anything else does without it.
    from recbench.bench.suite import suites

    return [_suite(name) for name in suites()]


def _suite(name: str) -> dict[str, Any]:
    from recbench.bench.suite import load_suite

    return _flat(load_suite(name).model_dump(mode="json"))


def _flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Tables inside tables become lines of their own: ``algorithms.implicit.mf``; an empty one means the defaults."""
    flat: dict[str, Any] = {}
    for key, value in fields.items():
        if value == {}:
            flat[key] = "defaults"
        elif isinstance(value, Mapping) and any(isinstance(part, Mapping | Sequence) for part in value.values()):
            flat |= {f"{key}.{inner}": part for inner, part in _flat(value).items()}
        else:
            flat[key] = tuple(value) if isinstance(value, list) else value
    return flat

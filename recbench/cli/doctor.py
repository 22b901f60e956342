"""``recbench doctor``: what is installed and where things are, and what to mend."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from recbench import registry
from recbench.cli.tables import json_option, note, print_record
from recbench.registry import KINDS
from recbench.registry.entries import short_reason

_BROKEN = 3
_BLAS_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

Facts = dict[str, Any]
Problems = list[str]


@click.command("doctor")
@json_option
def doctor_command(as_json: bool) -> int:
    """Show versions, devices, folders and plugins, and what is broken, with what to do about it.

    Ends with exit code 3 if something is broken. Nothing is written or fetched.
    """
    facts: Facts = {}
    problems: Problems = []
    for look in (_versions, _devices, _programs, _store, _plugins, _data, _threads):
        facts |= _looked(look, problems)
    print_record({**facts, "problems": problems}, as_json=as_json)
    note("nothing is broken" if not problems else f"{len(problems)} to mend: see problems")
    return _BROKEN if problems else 0


def _looked(look: Callable[[Problems], Facts], problems: Problems) -> Facts:
    try:
        return look(problems)
    except Exception as error:  # a broken installation must not keep the rest from being seen
        what = look.__name__.removeprefix("_")
        problems.append(f"the {what} could not be looked at ({short_reason(error)}): install recbench anew")
        return {}


def _versions(problems: Problems) -> Facts:
    from recbench.bench.environment import packages

    found = packages()
    problems += [
        f"{name} is not installed: run 'pip install recbench' again" for name, version in found.items() if not version
    ]
    return {
        "recbench": found.pop("recbench"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": found,
    }


def _devices(problems: Problems) -> Facts:
    from recbench.bench.environment import devices
    from recbench.engine.devices import memory_budget

    try:
        found = devices()
    except Exception as error:  # of any type: JAX and its plugins raise what they like
        problems.append(
            f"JAX finds no device ({short_reason(error)}): unset JAX_PLATFORMS to compute on the CPU, "
            "or install a driver and 'recbench[cuda]'"
        )
        return {"devices": []}
    try:
        return {"devices": list(found), "memory_budget": memory_budget()}
    except ValueError:
        asked = os.environ.get("RECBENCH_MEMORY")
        problems.append(f"RECBENCH_MEMORY is {asked!r}, but a number of bytes is needed: set one, or unset it")
        return {"devices": list(found)}


def _programs(problems: Problems) -> Facts:
    from recbench.bench.environment import programs_folder

    folder = programs_folder()
    if reason := _unwritable(folder):
        problems.append(
            f"compiled programs cannot be kept in {folder} ({reason}): set RECBENCH_CACHE to another folder"
        )
    return {"compiled_programs": str(folder)}


def _store(problems: Problems) -> Facts:
    from recbench.bench.store import Store

    store = Store()
    if reason := _unwritable(store.path):
        problems.append(f"results cannot be written to {store.path} ({reason}): set RECBENCH_STORE to another folder")
    cells = store.rows(["cell"])["cell"].n_unique()
    problems += [f"{store.path / each.file} is no part of the store: {each.reason}" for each in store.unreadable]
    return {"store": str(store.path.absolute()), "stored_cells": cells}


def _plugins(problems: Problems) -> Facts:
    known = registry.default()
    owners = {f"{entry.distribution} {entry.version}" for kind in KINDS for entry in known.all(kind).values()}
    aside = [f"{each.distribution} {each.version}" for each in known.quarantined]
    problems += [
        f"{each.distribution} {each.version} is in quarantine ({each.reason}): mend it or uninstall it"
        for each in known.quarantined
    ]
    return {"plugins": sorted(owners), "quarantined": sorted(set(aside))}


def _data(problems: Problems) -> Facts:
    from recbench.data.download import cache_folder

    folder = os.environ.get("RECBENCH_DATA")
    if folder and not Path(folder).expanduser().is_dir():
        problems.append(f"RECBENCH_DATA is {folder!r}, but there is no such folder: name the one that holds data sets")
    cache = cache_folder() / "data"
    if reason := _unwritable(cache):
        problems.append(f"data sets cannot be kept in {cache} ({reason}): set RECBENCH_CACHE to another folder")
    return {"data_folder": folder, "data_cache": str(cache)}


def _threads(problems: Problems) -> Facts:
    import numpy as np

    from recbench.bench.environment import available_cpus

    built: dict[str, Any] = dict(np.show_config(mode="dicts"))
    blas = built.get("Build Dependencies", {}).get("blas", {})
    asked = next((f"{name}={os.environ[name]}" for name in _BLAS_VARIABLES if os.environ.get(name)), None)
    cpus = available_cpus()
    return {
        "cpus": cpus,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "blas_threads": asked or f"{cpus}, one a processor: set {_BLAS_VARIABLES[0]} for fewer",
    }


def _unwritable(folder: Path) -> str:
    """Why files could not be made in a folder that may not be there yet; empty when they can. Leaves nothing behind."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return ""
    except OSError as error:
        return error.strerror or str(error)

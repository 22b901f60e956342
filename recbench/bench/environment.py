"""What results are computed with: versions, devices, processors, and the folder of compiled programs."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from recbench.data.download import cache_folder

_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Environment:
    """A machine and what is installed on it."""

    python: str
    platform: str  # operating system and processor, as in Linux-x86_64
    cpus: int  # that this process may use
    devices: tuple[str, ...]  # kind of each device that JAX computes on
    packages: dict[str, str]  # version of recbench and of each of its dependencies


def environment() -> Environment:
    """The environment of this process; looking at the devices brings JAX up.

    Raises:
      RuntimeError: JAX finds no device.
    """
    found = {name: version for name, version in packages().items() if version is not None}
    where = f"{platform.system()}-{platform.machine()}"
    return Environment(platform.python_version(), where, available_cpus(), devices(), found)


def packages() -> dict[str, str | None]:
    """Version of recbench and of each of its dependencies; None: it is not installed."""
    required = [each for each in metadata.requires("recbench") or () if "extra ==" not in each]
    names = [found[0] for each in required if (found := _NAME.match(each)) is not None]
    return {name: _version(name) for name in ("recbench", *names)}


def devices() -> tuple[str, ...]:
    """Kind of each device that JAX computes on.

    Raises:
      RuntimeError: there is none, as when JAX_PLATFORMS asks for what is not here.
    """
    import jax  # looking at the rest needs no JAX

    return tuple(device.device_kind for device in jax.devices())


def available_cpus() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def programs_folder() -> Path:
    """Where compiled programs are kept from one process to the next."""
    return cache_folder() / "programs"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

"""Who offers what: discovery of plugins one at a time, quarantine of what fails, look-up with did-you-mean."""

from __future__ import annotations

from recbench.registry.discovery import Quarantined
from recbench.registry.entries import KINDS, Kind, Registered
from recbench.registry.lookup import Registry, default, register, set_default

__all__ = ["KINDS", "Kind", "Quarantined", "Registered", "Registry", "default", "register", "set_default"]

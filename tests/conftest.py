"""What all tests share: strict JAX, no plugins of strangers, the folder of real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before anything imports JAX: a wrong shape or type must fail here rather than broadcast or promote quietly.
os.environ.setdefault("JAX_NUMPY_RANK_PROMOTION", "raise")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Only the built-in plugins: what else is installed must not change a test. A test that wants more says so itself.
os.environ["RECBENCH_PLUGINS"] = "recbench"
os.environ.pop("RECBENCH_TRACE", None)
os.environ.pop("RECBENCH_STORE", None)

ROOT = Path(__file__).parents[1]


@pytest.fixture
def registry():
    """A fresh registry with the built-in plugins, made that of the process for the length of the test."""
    from recbench.registry import Registry, lookup

    before = lookup._current
    yield lookup.set_default(Registry())
    lookup._current = before


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public data sets: ``RECBENCH_DATA``, or ``shared/data`` beside the repository."""
    folder = Path(os.environ.get("RECBENCH_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no folder of real data: set RECBENCH_DATA (looked at {folder})")
    return folder

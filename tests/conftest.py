"""What all tests share: strict JAX, no plugins of strangers, the folder of real data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

# Before anything imports JAX: a wrong shape or type must fail here rather than broadcast or promote quietly.
os.environ.setdefault("JAX_NUMPY_RANK_PROMOTION", "raise")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# What is compiled once is found again, by other processes and the next time: compilers take most of the time of tests.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "programs"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # a program of a test takes longer to compile than to run
# Only the built-in plugins: what else is installed must not change a test. A test that wants more says so itself.
os.environ["RECBENCH_PLUGINS"] = "recbench"
os.environ.pop("RECBENCH_TRACE", None)
os.environ.pop("RECBENCH_STORE", None)

ROOT = Path(__file__).parents[1]

SMALL_SUITE = """
name = "small"
version = 3
summary = "Three algorithms that need no training."
datasets = ["synthetic-tiny"]
feedback = ["implicit"]
samplers = ["random", "head", "random[unit=user]"]
budgets = ["60%", "60users"]
[protocol]
select = { implicit = "auc" }
[seeds]
full = [0, 1]
[metrics]
implicit = ["auc", "ndcg@10"]
[algorithms.implicit]
popularity = {}
ease = { l2 = [10.0, 100.0] }
item-knn = {}
[subsets.part]
samplers = ["random"]
"""


class CommandResult(NamedTuple):
    """What a command line left behind."""

    code: int
    out: str
    err: str


def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="rewrite the generated blocks of README.md")


def pytest_sessionfinish(session, exitstatus):
    """A run in which everything was skipped shows nothing: it fails."""
    reports = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == pytest.ExitCode.OK and reports is not None:
        stats = reports.stats
        if stats.get("skipped") and not any(stats.get(outcome) for outcome in ("passed", "xfailed")):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def registry():
    """A fresh registry with the built-in plugins, made that of the process for the length of the test."""
    from recbench.registry import Registry, default, set_default

    before = default()
    yield set_default(Registry())
    set_default(before)


@pytest.fixture
def recbench(registry, capsys, monkeypatch):
    """Runs a command line in this process: ``recbench("list", "samplers")`` gives its exit code, output and errors."""
    from recbench.cli.main import main

    monkeypatch.setenv("COLUMNS", "80")  # help wraps at the width of the terminal

    def run(*arguments: object) -> CommandResult:
        with pytest.raises(SystemExit) as exited:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return CommandResult(int(exited.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def shell(tmp_path):
    """Runs a line in a shell, in a folder of its own, as the author of the package recbench-mine would.

    What pip installs lies in that folder and is found; pip fetches nothing, and takes what is here to build with.
    """
    home = tmp_path / "home"
    home.mkdir()
    installed = str(tmp_path / "installed")
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(filter(None, [installed, os.environ.get("PYTHONPATH")])),
        "RECBENCH_PLUGINS": "recbench,recbench-mine",
        "PIP_TARGET": installed,
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip takes the option's name for what it sets: 0 is without isolation
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }

    def run(line: str, folder: str = ".") -> CommandResult:
        done = subprocess.run(
            ["sh", "-c", line], cwd=home / folder, env=environment, capture_output=True, text=True, check=False
        )
        return CommandResult(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def small_suite(tmp_path_factory) -> Path:
    """A suite's file, ``small.toml``, with a store of its results beside it in ``store``."""
    from recbench.bench.runner import run_suite
    from recbench.registry import Registry

    folder = tmp_path_factory.mktemp("small")
    (folder / "small.toml").write_text(SMALL_SUITE)
    run_suite(folder / "small.toml", store=folder / "store", registry=Registry())
    return folder / "small.toml"


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

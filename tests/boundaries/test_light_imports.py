"""What registering and listing need stays light."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("jax", "jaxlib", "flax", "optax", "polars", "pydantic", "scipy", "rich", "pooch", "pandas")

SCRIPT = "import sys; {code}; print(' '.join(sorted(set({heavy!r}) & set(sys.modules))))"


def heavy_after(code: str) -> str:
    command = [sys.executable, "-c", SCRIPT.format(code=code, heavy=HEAVY)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "code",
    [
        "from recbench import hookimpl, SamplerSpec",
        "from recbench import registry; r = registry.default(); [r.all(kind) for kind in registry.KINDS]",
        "import recbench.cli.main",
        "import recbench.cli.registered, recbench.cli.plugins, recbench.cli.tables",
    ],
)
def test_entry_points_and_the_command_line_import_nothing_heavy(code):
    assert heavy_after(code) == ""


def test_listing_imports_nothing_heavy():
    code = "from click.testing import CliRunner; from recbench.cli.main import cli; " + "; ".join(
        f"assert CliRunner().invoke(cli, {arguments!r}).exit_code == 0"
        for arguments in (["--help"], ["list", "samplers"], ["describe", "metric", "auc"], ["plugins"])
    )
    assert heavy_after(code) == ""


def test_the_engine_runs_without_polars_and_pydantic():
    """A machine with an accelerator may hold JAX, Flax and Optax alone."""
    block = "import sys; sys.modules.update(dict.fromkeys(('polars', 'pydantic', 'click', 'pooch')))"
    code = (
        f"{block}; import recbench.engine.run, recbench.engine.recommend; from recbench.engine.tables import UserTable"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

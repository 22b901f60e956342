"""``recbench doctor``: what is here, and what to mend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECBENCH_CACHE", str(tmp_path / "cache"))
    for name in ("RECBENCH_DATA", "RECBENCH_MEMORY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_sound_installation(recbench: Any, folders: Path) -> None:
    result = recbench("doctor", "--json")
    found = json.loads(result.out)
    assert (result.code, result.err, found["problems"]) == (0, "nothing is broken\n", [])
    assert found["packages"].keys() >= {"jax", "flax", "polars", "pydantic"} and all(found["packages"].values())
    assert found["recbench"] and found["devices"] == ["cpu"] and found["memory_budget"] > 0 and found["cpus"] >= 1
    assert found["store"] == str(folders / "recbench-results") and found["stored_cells"] == 0
    assert found["data_cache"] == str(folders / "cache" / "data")
    assert any(name.startswith("recbench ") for name in found["plugins"])
    assert not list(folders.iterdir()), "looking writes nothing"
    assert "devices" in recbench("doctor").out


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("RECBENCH_MEMORY", "lots", "RECBENCH_MEMORY is 'lots', but a number of bytes is needed"),
        ("RECBENCH_DATA", "nowhere", "RECBENCH_DATA is 'nowhere', but there is no such folder"),
        ("RECBENCH_STORE", "file/store", "results cannot be written to file/store"),
        ("RECBENCH_CACHE", "file/cache", "set RECBENCH_CACHE to another folder"),
    ],
)
def test_what_is_broken_is_named_and_ends_in_exit_code_3(
    recbench: Any, folders: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    (folders / "file").write_text("no folder")
    monkeypatch.setenv(variable, value)
    result = recbench("doctor", "--json")
    problems = json.loads(result.out)["problems"]
    assert result.code == 3
    assert problems and all(said in problem and "\n" not in problem for problem in problems)


def test_plugins_in_quarantine_and_damaged_parts(recbench: Any, folders: Path, repository: Path) -> None:
    (folders / "recbench-results").mkdir()
    (folders / "recbench-results" / "part-0.parquet").write_text("damaged")
    plugin = repository / "tests" / "bad_plugins" / "import_error.py"
    result = recbench("doctor", "--plugin", plugin, "--json")
    found = json.loads(result.out)
    assert result.code == 3 and len(found["problems"]) == 2
    assert "part-0.parquet is no part of the store" in found["problems"][0]
    assert "import_error.py" in found["problems"][1] and "quarantine" in found["problems"][1]
    assert found["quarantined"] == ["import_error.py -"]


def test_a_device_that_is_not_there(folders: Path) -> None:
    command = [sys.executable, "-m", "recbench", "doctor"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "JAX_PLATFORMS": "abacus"}, check=False
    )
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert "JAX finds no device" in done.stdout and "unset JAX_PLATFORMS" in done.stdout

"""The wheel has what a clone has: the catalogue, the suites, the templates of pages, the plugins, the licence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, repository: Path) -> ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    script = f"import hatchling.build as b; b.build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", script], cwd=repository, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    with ZipFile(file) as opened:
        yield opened


def test_the_catalogue_the_suites_and_the_templates_travel_in_the_wheel(wheel, repository):
    names = set(wheel.namelist())
    assert wheel.read("recbench/data/datasets.toml") == (repository / "datasets.toml").read_bytes()
    assert {f"recbench/suites/{file.name}" for file in (repository / "recbench/suites").glob("*.toml")} <= names
    templates = (repository / "recbench/boards/templates").iterdir()
    assert {f"recbench/boards/templates/{file.name}" for file in templates} <= names
    made = [file for file in (repository / "recbench/cli/templates").rglob("*") if file.is_file()]
    assert {file.relative_to(repository).as_posix() for file in made} <= names
    assert "recbench/cli/templates/new/dataset/ratings.csv" in names
    assert {"recbench/boards/templates/board.md.j2", "recbench/boards/templates/main.js"} <= names
    assert "recbench/py.typed" in names


def test_the_wheel_has_all_code_of_the_packages_and_nothing_of_the_tests(wheel, repository):
    packages = [repository / "recbench", *(repository / "plugins").iterdir()]
    code = {file.relative_to(package.parent).as_posix() for package in packages for file in package.rglob("*.py")}
    names = {name for name in wheel.namelist() if not name.split("/")[0].endswith(".dist-info")}
    assert code <= names
    assert {name.split("/")[0] for name in names} == {package.name for package in packages}


def test_the_entry_points_name_modules_that_are_there(wheel):
    (points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    text = wheel.read(points).decode()
    assert "recbench = recbench.cli.main:main" in text
    modules = [line.partition(" = ")[2] for line in text.partition("[recbench]")[2].splitlines() if " = " in line]
    for module in modules:
        path = module.replace(".", "/")
        assert {f"{path}.py", f"{path}/__init__.py"} & set(wheel.namelist())

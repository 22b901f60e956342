"""A plugin that is installed as a package is found by its entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from recbench.registry import KINDS, Registry

SAMPLER = """
from recbench import SamplerSpec, hookimpl

@hookimpl
def recbench_samplers():
    return [SamplerSpec(name="{name}", load="stranger.method:order", summary="A stranger's.")]
"""


def install(folder: Path, *, name: str = "newest-first", distribution: str = "stranger", version: str = "2.1") -> None:
    """What an installer leaves behind: an import package, and a dist-info folder that declares the entry point."""
    package = folder / distribution
    package.mkdir()
    (package / "__init__.py").write_text(SAMPLER.format(name=name))
    (package / "method.py").write_text("def order(train, context):\n    return train.timestamp\n")
    info = folder / f"{distribution}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[recbench]\n{distribution} = {distribution}\n")
    (info / "RECORD").write_text(f"{distribution}/__init__.py,,\n{distribution}/method.py,,\n")


def recbench(*arguments: str, folder: Path, plugins: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "RECBENCH_PLUGINS"}
    environment["PYTHONPATH"] = str(folder)
    if plugins is not None:
        environment["RECBENCH_PLUGINS"] = plugins
    command = [sys.executable, "-m", "recbench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_an_installed_plugin_is_found_named_and_can_be_left_out(tmp_path):
    install(tmp_path)
    listed = json.loads(recbench("list", "samplers", "--json", folder=tmp_path).stdout)
    (mine,) = [record for record in listed if record["name"] == "newest-first"]
    assert (mine["distribution"], mine["version"]) == ("stranger", "2.1")

    without = json.loads(recbench("list", "samplers", "--json", folder=tmp_path, plugins="recbench").stdout)
    assert {record["distribution"] for record in without} == {"recbench"}
    only = json.loads(recbench("list", "samplers", "--json", folder=tmp_path, plugins="Stranger").stdout)
    assert [record["name"] for record in only] == ["newest-first"]


def test_a_built_in_keeps_its_name_against_an_installed_plugin(tmp_path):
    install(tmp_path, name="random")
    described = json.loads(recbench("describe", "sampler", "random", "--json", folder=tmp_path).stdout)
    assert described["distribution"] == "recbench"
    described = json.loads(recbench("describe", "sampler", "stranger:random", "--json", folder=tmp_path).stdout)
    assert (described["distribution"], described["name"]) == ("stranger", "stranger:random")
    shown = recbench("plugins", folder=tmp_path).stdout
    assert "the sampler name 'random' is registered by recbench 0.1.0 and stranger 2.1" in shown


def test_the_hash_covers_all_files_of_the_distribution(tmp_path):
    install(tmp_path)
    script = "from recbench import registry; print(registry.default().get('samplers', 'newest-first').code_hash())"

    def hashed() -> str:
        environment = os.environ | {"PYTHONPATH": str(tmp_path), "RECBENCH_PLUGINS": "stranger"}
        command = [sys.executable, "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    before = hashed()
    assert before == hashed()
    (tmp_path / "stranger" / "method.py").write_text("def order(train, context):\n    return -train.timestamp\n")
    assert before != hashed()


def test_built_in_methods_are_found_again_once_they_are_loaded(registry):
    for kind in KINDS:
        for entry in registry.all(kind).values():
            entry.load()
    again = Registry()
    assert {kind: list(again.all(kind)) for kind in KINDS} == {kind: list(registry.all(kind)) for kind in KINDS}
    assert not again.quarantined

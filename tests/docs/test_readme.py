"""What the README shows is what recbench does."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from recbench import Interactions
from recbench.registry import Registry


@pytest.fixture
def readme(repository: Path) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


def python_of(readme: str, heading: str) -> str:
    """The one block of Python under a heading."""
    section = readme.split(f"## {heading}\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return code


@pytest.fixture
def plugin(readme: str, tmp_path: Path) -> Path:
    code = python_of(readme, "Write a sampler")
    file = tmp_path / "rare_first.py"
    file.write_text(code)
    return file


@pytest.fixture
def check_block(repository: Path, request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``check_block(name, expected)``: what stands between the marks of a block, or with ``--update`` puts it there."""

    def check(name: str, expected: str) -> None:
        readme = (repository / "README.md").read_text(encoding="utf-8")
        shown = re.search(rf"(<!-- {name}:begin -->\n)(.*?)(<!-- {name}:end -->)", readme, re.DOTALL)
        assert shown, name
        if request.config.getoption("--update"):
            text = readme.replace(shown[0], f"{shown[1]}{expected}{shown[3]}")
            (repository / "README.md").write_text(text, encoding="utf-8")
        else:
            assert shown[2] == expected, "run: .venv/bin/python -m pytest tests/docs --update"

    return check


def test_the_help_is_the_command_lines_own(recbench, check_block):
    check_block("help", f"```\n$ recbench --help\n{recbench('--help').out}```\n")


def table_of(titles: list[str], rows: list[list[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    table = [f"| {' | '.join(cells)} |" for cells in lines]
    assert all(line.count("|") == len(titles) + 1 for line in table)
    return "\n".join(table) + "\n"


def test_the_algorithms_are_those_that_are_registered(registry, check_block):
    specs = {name: entry.spec for name, entry in registry.all("algorithms").items()}
    rows = [[f"`{name}`", ", ".join(spec.feedback), spec.summary, spec.source] for name, spec in specs.items()]
    check_block("algorithms", table_of(["algorithm", "feedback", "what it is", "source"], rows))


def test_the_samplers_are_those_that_are_registered(registry, check_block):
    specs = {name: entry.spec for name, entry in registry.all("samplers").items()}
    rows = [[f"`{name}`", ", ".join(spec.units), spec.summary, spec.source] for name, spec in specs.items()]
    check_block("samplers", table_of(["sampler", "keeps whole", "what it keeps", "source"], rows))


def test_the_sampler_has_at_most_thirty_lines_and_is_listed(recbench, plugin):
    assert len(plugin.read_text().splitlines()) <= 30
    result = recbench("list", "samplers", "--plugin", plugin, "--json")
    (mine,) = [record for record in json.loads(result.out) if record["name"] == "rare-first"]
    assert mine["distribution"] == "rare_first.py"
    described = recbench("describe", "sampler", "rare-first[strength=1.0]", "--plugin", plugin).out
    assert "strength=0.5: exponent of the item's count" in described


def test_the_sampler_keeps_rare_items_first(plugin):
    item = np.repeat(np.arange(3, dtype=np.int32), [1000, 100, 10])
    ones = np.ones(len(item), dtype=np.float32)
    train = Interactions(np.arange(len(item), dtype=np.int32), item, ones, None, len(item), 3)

    context = SimpleNamespace(parameters={"strength": 1.0}, rng=np.random.default_rng(0))
    order = Registry(entry_points=False, plugin_files=[plugin]).get("samplers", "rare-first").load()
    score = order(train, context)
    assert (score.shape, score.dtype) == ((len(item),), np.float32)
    means = [score[item == number].mean() for number in range(3)]
    assert means == sorted(means)


def test_the_notebook_runs_and_its_comments_are_true(readme, registry):
    code = python_of(readme, "In a notebook")
    made: dict[str, Any] = {}
    exec(code, made)
    for name in ("metrics", "by_user", "lists"):
        (comment,) = re.findall(rf"^{name} = .*# .*: (.*)$", code, re.MULTILINE)
        named = comment.removesuffix(", ...").split(", ")
        names = list(made[name]) if name == "metrics" else made[name].columns
        assert names[: len(named)] == named
    assert {"auc", "hr@10", "ndcg@10"} < set(made["metrics"])
    assert made["by_user"]["hr@10"].mean() == pytest.approx(made["metrics"]["hr@10"])
    for column in set(made["metrics"]) - {"auc"}:
        assert made["elsewhere"][column] == pytest.approx(made["metrics"][column], abs=1e-6), column


def test_fake_users_are_learned_and_trained_on(readme, recbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    lines = [f"{user},{item}" for user in range(80) for item in random.permutation(15)[:8] + 15 * (user % 2)]
    Path("my.csv").write_text("\n".join(["user,item", *lines]))
    (line,) = re.findall(r"^recbench (distill .*)$", readme, re.MULTILINE)
    assert recbench(*line.replace("500", "8").split()).code == 0
    made: dict[str, Any] = {}
    exec(python_of(readme, "Distil fake users"), made)
    assert made["fake"].rows.shape == (8, 30) and made["metrics"]["auc"] > 0.6, "the groups are found"


def test_the_markers_of_the_generated_board_are_there(readme):
    assert re.search(r"<!-- board:begin -->\n.*?<!-- board:end -->\n", readme, re.DOTALL)


def test_files_and_folders_that_documents_name_exist(readme, repository):
    contributing = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(contributing.splitlines()) <= 60
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", readme + contributing):
        assert (repository / target).exists(), target
    layout = readme.split("## Where things are")[1].split("```")[1]
    for line in layout.strip().splitlines():
        name = line.split()[0]
        folder = repository / "recbench" if line.startswith("  ") else repository
        assert (folder / name).exists(), name


def test_make_knows_the_targets_that_documents_name(readme, repository):
    contributing = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for target in set(re.findall(r"make (quickstart|test|lint|bench)\b", readme + contributing)):
        done = subprocess.run(["make", "-n", target], cwd=repository, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

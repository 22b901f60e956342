"""The tutorial of the README, line by line: what it tells an author to type does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


@pytest.fixture
def tutorial(repository: Path) -> str:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    return readme.split("## Write a sampler in five minutes\n")[1].split("\n## ")[0]


@pytest.mark.slow
def test_its_commands_run_as_they_stand(tutorial, shell):
    (block,) = re.findall(r"```\n(.*?)```", tutorial, re.DOTALL)
    lines = block.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [
        ["recbench", "new"],
        ["python", "-m"],
        ["recbench", "check"],
    ]
    outputs = {}
    for line in lines:
        done = shell(line)
        assert done.code == 0, f"{line}\n{done.err}"
        outputs[line.split()[1]] = done.out
    assert outputs["new"].splitlines()[:2] == lines[1:3]
    assert " failed " not in outputs["check"]
    tau = [line.split() for line in outputs["run"].splitlines() if " mine " in line]
    assert len(tau) == 2, "a line for each budget of the suite"


def test_its_test_is_the_one_that_is_written(tutorial, recbench, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", tutorial, re.DOTALL)
    assert recbench("new", "sampler", "mine", "--to", tmp_path).code == 0
    assert (tmp_path / "mine" / "tests" / "test_mine.py").read_text().endswith(code)

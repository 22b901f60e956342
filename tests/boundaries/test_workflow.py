"""The workflow that verifies entries runs trusted code only, without secrets and without rights to write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML comes with flax")


@pytest.fixture
def text(repository: Path) -> str:
    return (repository / ".github" / "workflows" / "verify.yml").read_text(encoding="utf-8")


@pytest.fixture
def workflow(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_it_is_triggered_by_pull_requests_that_touch_boards(workflow: dict[str, Any]) -> None:
    assert workflow[True] == {"pull_request": {"paths": ["leaderboards/**"]}}, "YAML reads 'on' as true"


def test_it_may_read_and_nothing_else(workflow: dict[str, Any], text: str) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert "secrets" not in text.replace("no secrets", "") and "pull_request_target" not in text
    assert "github.token" not in text and "GITHUB_TOKEN" not in text


def test_the_code_is_that_of_the_base_branch(workflow: dict[str, Any]) -> None:
    (job,) = workflow["jobs"].values()
    checkouts = [step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert [each["ref"] for each in checkouts] == ["${{ github.event.pull_request.base.sha }}"]
    assert checkouts[0]["persist-credentials"] is False
    assert job["timeout-minutes"] <= 60 and job["env"]["RECBENCH_PLUGINS"] == "recbench"
    order = [step.get("name", "") for step in job["steps"]]
    installed = next(n for n, name in enumerate(order) if name.startswith("Install"))
    assert installed < order.index("Only entries, of the pull request"), "nothing of the pull request is there yet"
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert sum("pip install" in command for command in commands) == 1


def test_what_a_pull_request_says_reaches_no_shell(workflow: dict[str, Any]) -> None:
    """Expressions stand in env, where they are values; in a script they would be code."""
    (job,) = workflow["jobs"].values()
    for step in job["steps"]:
        assert "${{" not in step.get("run", "")
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)

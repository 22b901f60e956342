"""``recbench check``: a line a rule, exit code 3 where one is broken."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

PLUGIN = """
import numpy as np
from recbench import AlgorithmSpec, DatasetSpec, SamplerSpec, hookimpl

def short(train, context):
    print("I am here")
    return context.rng.random(len(train))[1:]

@hookimpl
def recbench_samplers():
    return [
        SamplerSpec(name="short", load=short, summary="Too short."),
        SamplerSpec(name="lost", load="no_such_module:order", summary="Not there."),
        SamplerSpec(name="both", load=short, summary="Two kinds."),
    ]

@hookimpl
def recbench_datasets():
    return [DatasetSpec(name="both", load=dict, summary="Two kinds.")]
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    file = tmp_path / "several.py"
    file.write_text(PLUGIN)
    return file


def test_a_kept_contract_is_a_line_a_rule(recbench):
    result = recbench("check", "random[unit=user]")
    assert result.code == 0
    head, *lines = result.out.splitlines()
    assert head.split()[:3] == ["rule", "unit", "status"]
    assert all(" passed  " in line for line in lines)
    assert any(line.startswith("nested") and "a larger budget keeps all" in line for line in lines)
    assert result.err == f"all {len(lines)} checks of random[unit=user] passed\n"


def test_a_data_set_is_found_by_its_name(recbench):
    records = json.loads(recbench("check", "synthetic-tiny", "--json").out)
    assert {record["status"] for record in records} == {"passed"}
    assert {record["rule"] for record in records} >= {"loads", "lists-fast", "canonical", "counts", "splits"}
    assert set(records[0]) == {"kind", "name", "on", "rule", "meaning", "status", "reason"}


def test_a_broken_rule_ends_with_3_and_says_why(recbench, plugin):
    result = recbench("check", "short", "--plugin", plugin, "--json")
    assert result.code == 3
    by_rule = {record["rule"]: record for record in json.loads(result.out)}
    failed = [rule for rule, record in by_rule.items() if record["status"] == "failed"]
    assert failed == ["order-length"]
    assert "the sampler 'short' broke the rule 'order-length'" in by_rule["order-length"]["reason"]
    assert by_rule["nested"]["status"] == "untried"
    assert "I am here" in result.err
    assert result.err.endswith(f"1 of {len(by_rule)} checks of short failed\n")
    table = recbench("check", "short", "--plugin", plugin).out
    assert re.search(r" failed +the sampler 'short' broke the rule", table)
    assert re.search(r" untried +not tried, because 'order-length' is broken", table)


def test_what_cannot_be_loaded_fails_its_check(recbench, plugin):
    result = recbench("check", "lost", "--plugin", plugin)
    assert result.code == 3
    assert "No module named 'no_such_module'" in result.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("randon",), "no sampler is called 'randon': did you mean 'random'?"),
        (("synthetic-tinny",), "no data set is called 'synthetic-tinny': did you mean 'synthetic-tiny'?"),
        (("what-is-this",), "no sampler, algorithm or data set is called 'what-is-this': 'recbench plugins' shows"),
        (("random[strength=1]",), "'random' has no parameter 'strength'"),
        (("both",), "'both' is the name of sampler and dataset: say which with --kind sampler"),
        (("random", "--kind", "algorithm"), "no algorithm is called 'random'"),
        (("random", "--kind", "metric"), "Invalid value for '--kind'"),
        (("svp-cf[",), "was not understood"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(recbench, plugin, arguments, said):
    result = recbench("check", *arguments, "--plugin", plugin)
    assert (result.code, result.out) == (2, "")
    assert said in result.err and result.err.count("\n") == 1


def test_the_kind_decides_between_two_of_one_name(recbench, plugin):
    result = recbench("check", "both", "--kind", "dataset", "--plugin", plugin)
    assert result.code == 3
    assert "loaded as dict, but a recbench.Dataset is expected" in result.out

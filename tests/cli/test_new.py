"""``recbench new``: what it makes is whole, installs and passes its own tests; bad names make nothing."""

from __future__ import annotations

import os
import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbench.cli import new
from recbench.contracts.errors import ParameterError
from recbench.registry.validation import is_name

KINDS = ("sampler", "algorithm", "dataset")


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_is_whole_and_says_what_is_next(recbench, tmp_path, kind):
    result = recbench("new", kind, "my-own", "--to", tmp_path)
    assert result.code == 0
    folder = tmp_path / "my-own"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "recbench-my-own"
    assert project["entry-points"]["recbench"] == {"my-own": "recbench_my_own"}
    test = (folder / "tests" / "test_my_own.py").read_text()
    assert test.endswith(f'\ntest_my_own = conformance("{kind}", "my-own")\n')
    spec = (folder / "recbench_my_own" / "__init__.py").read_text()
    assert re.findall(r"^(?:import|from) (\w+)", spec, re.MULTILINE) == ["recbench"]
    assert all(len(line) <= 120 for file in folder.rglob("*.py") for line in file.read_text().splitlines())
    commands = result.out.splitlines()
    assert commands[:2] == [f"python -m pip install {folder}", "recbench check my-own"]
    assert commands[2].startswith("recbench run ") and "my-own" in commands[2]
    readme = (folder / "README.md").read_text()
    assert all(command in readme for command in commands[1:])
    assert os.listdir(tmp_path) == ["my-own"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_package_installs_and_passes_its_own_tests(shell, kind):
    assert shell(f"recbench new {kind} mine").code == 0
    installed = shell("python -m pip install ./mine")
    assert installed.code == 0, installed.err
    tested = shell("python -m pytest -q -p no:cacheprovider", "mine")
    assert tested.code == 0, tested.out
    passed = re.search(r"^(\d+) passed in", tested.out, re.MULTILINE)
    assert passed and int(passed[1]) >= 9
    described = shell(f"recbench describe {kind} mine").out
    assert re.search(r"^distribution +recbench-mine$", described, re.MULTILINE)


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("sampler", "a/b", "the name 'a/b' is a path: give a name alone, and the folder to make it in with --to"),
        ("sampler", "..", "the name '..' is a path"),
        ("sampler", "a\\b", "is a path"),
        (
            "sampler",
            "My Sampler",
            "letters and digits joined by single hyphens, 64 at most: did you mean 'my-sampler'?",
        ),
        ("sampler", "rare_first", "did you mean 'rare-first'?"),
        ("dataset", "my.csv", "did you mean 'my-csv'?"),
        ("sampler", "", "write one such as rare-first"),
        ("sampler", "-", "write one such as rare-first"),
        ("algorithm", "x" * 65, f"did you mean '{'x' * 64}'?"),
        ("sampler", "x" * 1_000_000, "64 at most"),
        ("sampler", "random", "the sampler 'random' is already registered by recbench "),
        ("algorithm", "ease", "the algorithm 'ease' is already registered by recbench "),
        ("dataset", "ml-100k", "the data set 'ml-100k' is already registered by recbench "),
        ("sampler", "full", "the name 'full' stands for all rows of a log: choose another one"),
        ("sampler", "samplers", "a package 'recbench_samplers' is installed already: choose another name"),
        ("metric", "mine", "Invalid value for '{sampler|algorithm|dataset}'"),
    ],
)
def test_a_bad_name_is_refused_in_one_sentence_and_makes_nothing(recbench, tmp_path, kind, name, said):
    result = recbench("new", kind, "--to", tmp_path, "--", name)
    assert (result.code, result.out) == (2, "")
    assert said in result.err and result.err.count("\n") == 1 and len(result.err) < 400
    assert os.listdir(tmp_path) == []


def test_names_of_another_kind_are_free(recbench, tmp_path):
    assert recbench("new", "sampler", "ease", "--to", tmp_path).code == 0


@given(name=st.text())
def test_whatever_is_no_name_is_refused(name):
    if is_name(name):
        return
    with pytest.raises(ParameterError) as refused:
        new._check_name("sampler", name)
    assert "\n" not in str(refused.value)


def test_what_is_there_stays_as_it_is(recbench, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("mine")
    result = recbench("new", "sampler", "mine", "--to", tmp_path)
    assert (result.code, result.out) == (2, "")
    assert f"{tmp_path / 'mine'} exists already: give another name, or another folder with --to" in result.err
    assert (tmp_path / "mine" / "notes").read_text() == "mine"
    assert recbench("new", "sampler", "mine", "--to", tmp_path / "nowhere").code == 2


def test_nothing_is_left_half_written(recbench, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(new.os, "rename", full)
    result = recbench("new", "sampler", "mine", "--to", tmp_path)
    assert result.code == 2
    assert result.err == f"error: {tmp_path / 'mine'}: No space left on device\n"
    assert os.listdir(tmp_path) == []

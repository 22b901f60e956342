"""``recbench distill``: fake users as a file, its manifest, and work that was stopped."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import recbench as library
from recbench.cli import progress

LABEL = "distill-cf[batch_users=32,samples=10,steps=12,temperature=1.0]"
STOPPING = """
import numpy as np
from recbench import SamplerSpec, Synthesis, hookimpl

def synthesise(train, budget, context):
    done = int(context.checkpoint.read_text()) if context.checkpoint.exists() else 0
    while done < 4:
        done += 1
        context.checkpoint.write_text(str(done))
        context.progress(done, 4, "counting")
        if done == 2:
            raise KeyboardInterrupt
    return Synthesis(np.full((int(budget.amount), train.num_items), done, "float32"), "", budget, 0)

@hookimpl
def recbench_samplers():
    return [SamplerSpec(name="stopping", load=synthesise, summary="Stops once.", form="synthesise", units=("user",))]
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    rows = [(user, f"i{item}") for user in range(60) for item in random.permutation(24)[:10]]
    pl.DataFrame(rows, schema=["user", "item"], orient="row").write_csv("log.csv")
    return Path("log.csv")


def split_of(log: Path, **options: Any) -> library.Split:
    return library.make_split(library.load_dataset(log), feedback="implicit", **options)


def test_the_file_holds_what_the_library_makes(recbench: Any, log: Path) -> None:
    result = recbench("distill", "--data", log, "--users", 5, "--sampler", LABEL, "-o", "fake.safetensors")
    assert (result.code, result.out) == (0, "")
    *steps, written, best = result.err.splitlines()
    assert len(steps) == 1 and steps[0].startswith("[12/12] loss ")
    assert written == "5 fake users of 24 items written to fake.safetensors; fake.safetensors.manifest.json says how"
    assert best.startswith("the best had l2 ")
    split = split_of(log)
    read, made = library.load_synthesis("fake.safetensors", split), library.draw_sample(LABEL, split, "5users")
    assert np.array_equal(read.rows, made.rows) and read.facts == made.facts
    assert (read.sampler, str(read.budget), read.seed) == (made.sampler, "5users", 0)
    assert not list(Path().glob("*.checkpoint")) and not list(Path().glob(".*"))
    fitted = library.fit("ease", split, sample=read)
    assert 0 < library.evaluate(fitted, metrics=["hr@10"])["hr@10"] <= 1


def test_the_command_of_the_manifest_makes_the_same_file(recbench: Any, log: Path) -> None:
    options = ("--users", "10%", "--sampler", LABEL, "--seed", 3, "--split", "per-user", "--k-core", 2)
    first = recbench("distill", "--dataset", log, *options, "-o", "fake.safetensors", "--json")
    said = json.loads(first.out)
    assert said == json.loads(Path("fake.safetensors.manifest.json").read_text())
    assert said["fake_users"] == 6 and said["budget"] == "10%users" and said["split"] == "per-user"
    assert said["facts"]["step"] in range(13) and said["checksum"] == split_of(log).checksum
    content = Path("fake.safetensors").read_bytes()
    words = shlex.split(said["command"])[1:]
    refused = recbench(*words)
    assert refused.code == 2 and "exists already" in refused.err
    assert recbench(*words, "--force").code == 0 and Path("fake.safetensors").read_bytes() == content


def test_stopped_work_goes_on(recbench: Any, log: Path) -> None:
    Path("mine.py").write_text(STOPPING)
    words = (
        "distill",
        "--data",
        log,
        "--users",
        3,
        "--sampler",
        "stopping",
        "-o",
        "x.safetensors",
        "--plugin",
        "mine.py",
    )
    assert recbench(*words).code == 130
    assert Path("x.safetensors.checkpoint").read_text() == "2" and not Path("x.safetensors").exists()
    again = recbench(*words)
    assert again.code == 0 and "[4/4] counting" in again.err
    assert (library.load_synthesis("x.safetensors").rows == 4).all()
    assert not Path("x.safetensors.checkpoint").exists()


def test_lines_about_steps_are_few_and_say_how_long(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.stepping() as report:
        for step in range(1, 11):
            report(step, 10, "going")
    assert capsys.readouterr().err.splitlines() == [
        "[3/10] going, 28 s left at most", "[6/10] going, 16 s left at most", "[9/10] going, 4 s left at most",
        "[10/10] going",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--users", "0"), "a budget of 0 users was given, but a whole number from 1 is needed"),
        (("--users", "many"), "the budget 'many users' was not understood"),
        (("--users", "9", "--sampler", "random"), "'random' makes no fake users"),
        (("--users", "9", "-o", "x.npy"), "x.npy has the suffix '.npy', but .safetensors is expected"),
        (("--users", "9", "-o", "no/x.safetensors"), "there is no folder no"),
        (("--users", "9", "--split", "given"), "split"),
        (("--users", "9", "--sampler", "distill-cf[step=3]"), "steps"),
    ],
)
def test_bad_input_gets_one_sentence(recbench: Any, log: Path, options: tuple[str, ...], sentence: str) -> None:
    result = recbench("distill", "--data", log, "-o", "x.safetensors", *options)
    assert result.code == 2 and sentence in result.err and len(result.err.splitlines()) == 1
    assert os.listdir() == ["log.csv"], "nothing is written"

"""The table of quality, and its plots."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recbench.bench.quality import Quality
from recbench.cli.plot_quality import plot_qualities
from recbench.cli.qualities import print_qualities
from recbench.contracts.errors import ParameterError
from recbench.registry import Registry

ONE = Quality(
    dataset="toy", feedback="implicit", noise=0.0, metric="auc", algorithm="ease", sampler="random", budget="100users",
    value=0.6, low=0.5, high=0.7, spread=None, full=0.8, full_low=0.7, full_high=0.9, share=0.75, share_low=2 / 3,
    share_high=0.8, kept=None, kept_low=None, kept_high=None, seeds=1, seconds=0.5, sampler_seconds=3.0,
    full_seconds=2.0, reason="",
)  # fmt: skip
FULL = replace(ONE, sampler="full", budget="100%", value=0.8, low=0.7, high=0.9, share=1.0, share_low=1.0, share_high=1)
LOST = replace(ONE, budget="500users", value=None, share=None, reason="skipped: too many")
NOISY = [replace(each, noise=0.1, value=0.4, kept=0.5, kept_low=0.4, kept_high=0.625) for each in (FULL, ONE)]
DEPTHS = [
    replace(FULL, algorithm="infinite-ae"),
    replace(FULL, algorithm="infinite-ae[depth=3]", value=0.7),
    replace(FULL, algorithm="infinite-ae[depth=3,repeats=counted]", value=0.6),
]


def test_shares_have_their_intervals_and_columns_that_say_nothing_are_left_out(capsys: Any) -> None:
    print_qualities([FULL, ONE], as_json=False)
    head, _, line = capsys.readouterr().out.splitlines()
    assert "noise" not in head and "+-" not in head and "of clean" not in head and "reason" not in head
    assert " ".join(line.split()) == (
        "toy implicit auc ease random 100users 1 0.6000 0.5000 0.7000 0.750 [0.667, 0.800] 0.50 3.00 2.00"
    )
    print_qualities([FULL, LOST, *NOISY], as_json=False)
    shown = capsys.readouterr()
    head, full, lost, noisy, _ = shown.out.splitlines()
    assert "noise" in head and "of clean" in head and "of clean: as a share of" in shown.err
    assert lost.endswith("skipped: too many") and "0.500 [0.400, 0.625]" in noisy and full.split()[2] == "0.00"


def test_json_has_every_field_at_full_precision(capsys: Any) -> None:
    print_qualities([ONE, LOST], as_json=True)
    one, lost = json.loads(capsys.readouterr().out)
    assert (one["share"], one["share_low"], one["kept"], lost["value"]) == (0.75, 2 / 3, None, None)


def drawn(found: list[Quality], tmp_path: Path, against: str = "budget") -> list[str]:
    """The words of a plot."""
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    target = tmp_path / "quality.svg"
    with matplotlib.rc_context({"svg.fonttype": "none"}):  # text stays text
        plot_qualities(found, target, against=against, registry=Registry())
    return re.findall(r"<text[^>]*>([^<]+)</text>", target.read_text())


def test_against_the_budget_there_is_a_panel_an_algorithm_and_a_line_a_sampler(tmp_path: Path) -> None:
    found = [FULL, ONE, replace(ONE, budget="10users"), replace(ONE, sampler="head"), LOST, NOISY[1]]
    words = drawn([*found, *(replace(each, algorithm="mvae", full=None) for each in found)], tmp_path)
    titles = [word for word in words if word.startswith("toy")]
    assert titles == [
        "toy, implicit, auc, ease", "toy, implicit, auc, mvae",
        "toy, implicit, noise 0.1, auc, ease", "toy, implicit, noise 0.1, auc, mvae",
    ]  # fmt: skip
    assert {"random", "head", "full data", "users", "10", "100", "auc"} <= set(words)
    assert "500" not in words, "it has no value there"
    assert words.count("random") == words.count("full data") == 1, "one legend"


def test_budgets_of_several_kinds_stand_side_by_side(tmp_path: Path) -> None:
    words = drawn([ONE, replace(ONE, budget="10%"), replace(ONE, budget="5%users")], tmp_path)
    assert {"kept", "100users", "10%", "5%users"} <= set(words)


def test_against_noise_the_full_data_stand_beside_every_budget(tmp_path: Path) -> None:
    large = [replace(each, budget="1000users") for each in (ONE, NOISY[1])]
    words = drawn([FULL, *large, ONE, *NOISY], tmp_path, "noise")
    assert [word for word in words if word.startswith("toy")] == [
        "toy, implicit, auc, 100users", "toy, implicit, auc, 1000users",
    ]  # fmt: skip
    assert {"full data, ease", "random, ease", "0%", "10%", "train rows with a random item"} <= set(words)
    alone = drawn([FULL, NOISY[0]], tmp_path, "noise")
    assert "toy, implicit, auc" in alone and "full data, ease" in alone and "random, ease" not in alone


def test_against_a_hyper_parameter_labels_say_its_value_or_mean_its_default(tmp_path: Path) -> None:
    words = drawn([FULL, *DEPTHS], tmp_path, "depth")
    assert {"depth", "1", "3", "infinite-ae", "toy, implicit, auc"} <= set(words)
    assert "infinite-ae[repeats=counted]" not in words, "there is one depth of it"
    by_name = drawn(DEPTHS, tmp_path, "repeats")
    assert {"once", "counted", "infinite-ae[depth=3]"} <= set(by_name) and "infinite-ae" not in by_name
    sampled = [replace(each, sampler="head", budget="50users") for each in DEPTHS]
    assert {"infinite-ae", "infinite-ae, head 50users"} <= set(drawn([*DEPTHS, *sampled], tmp_path, "depth"))


@pytest.mark.parametrize(
    ("found", "against", "said"),
    [
        ([LOST], "budget", "there is nothing to draw against budget"),
        ([FULL], "budget", "no algorithm has finished all its runs on a sample"),
        ([LOST], "noise", "there is nothing to draw against noise"),
        (DEPTHS[:1], "depth", "there are no results that differ in 'depth'"),
        (DEPTHS, "width", "there are no results that differ in 'width'"),
        ([replace(FULL, algorithm="gone[depth=2]"), *DEPTHS[:1]], "depth", "no results that differ in 'depth'"),
        ([replace(ONE, dataset=str(number)) for number in range(61)], "budget", "61 panels are too many"),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path: Path, found: list[Quality], against: str, said: str) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    with pytest.raises(ParameterError, match=said):
        plot_qualities(found, tmp_path / "a.png", against=against, registry=Registry())
    assert not list(tmp_path.iterdir())

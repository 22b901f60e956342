"""Tables and plots of agreements."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recbench.bench.agreement import Measured
from recbench.bench.averages import averages
from recbench.cli.agreements import best_first, print_agreements, print_averages
from recbench.cli.plot import plot_agreements
from recbench.contracts.errors import ParameterError
from recbench.contracts.records import Agreement

ONE = Agreement(
    dataset="toy", feedback="implicit", metric="auc", sampler="random", budget="10%", num_algorithms=5, tau=0.8,
    tau_low=0.4, tau_high=1.0, ceiling=0.9, num_deterministic=2, share_of_ceiling=0.8 / 0.9, regret=0.01,
    pair_accuracy=1.0, significant_pairs=7, samples_share=0.1, speedup=4.0,
)  # fmt: skip
MANY = [
    ONE,
    replace(ONE, budget="40%", tau=1.0),
    replace(ONE, sampler="head", tau=-0.2),
    replace(ONE, sampler="head", budget="40%", tau=None, reason="cells are missing"),
]


def test_the_table_has_a_line_each_and_reasons_only_where_there_are_any(capsys: pytest.CaptureFixture[str]) -> None:
    print_agreements(MANY, as_json=False)
    head, *lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and "reason" in head and lines[3].endswith("cells are missing")
    words = " ".join(lines[0].split())
    assert words == "toy implicit auc 10% random 5 (2 fixed) 0.800 0.400 1.000 0.900 0.89 0.0100 0.10 4.0 -"
    print_agreements([replace(ONE, num_deterministic=0)], as_json=False)
    head, line = capsys.readouterr().out.splitlines()
    assert "reason" not in head and "5 0.800" in " ".join(line.split())


def test_noise_has_a_column_where_there_is_some(capsys: pytest.CaptureFixture[str]) -> None:
    print_agreements(MANY, as_json=False)
    assert "noise" not in capsys.readouterr().out
    print_agreements([ONE, replace(ONE, noise=0.2)], as_json=False)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[2] == "noise" and [line.split()[2] for line in lines] == ["0.00", "0.20"]


def test_the_best_sampler_of_each_budget_comes_first_and_a_missing_tau_last() -> None:
    ordered = best_first(MANY, ["0.4", "10%"])
    assert [(each.budget, each.sampler) for each in ordered] == [
        ("40%", "random"),
        ("40%", "head"),
        ("10%", "random"),
        ("10%", "head"),
    ]


def test_json_has_everything_at_full_precision(capsys: pytest.CaptureFixture[str]) -> None:
    print_agreements([ONE], as_json=True)
    (record,) = json.loads(capsys.readouterr().out)
    assert record["share_of_ceiling"] == 0.8 / 0.9 and record["significant_pairs"] == 7


def test_averages_say_over_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    print_averages(averages([Measured(each, None) for each in MANY], ["sampler"]), ["sampler"], as_json=True)
    random, head = json.loads(capsys.readouterr().out)
    assert (random["sampler"], random["taus"], random["tau"]) == ("random", "2/2", pytest.approx(0.9))
    assert (head["sampler"], head["taus"], head["tau"]) == ("head", "1/2", None), "averaging leaves nothing out"
    assert (random["ceiling"], head["ceiling"], head["regret"]) == (pytest.approx(0.9), pytest.approx(0.9), None)


@pytest.mark.parametrize(
    ("against", "words", "elsewhere"),
    [
        ("budget", ("kept", "10%", "40%"), "times faster"),
        ("speedup", ("times faster than on full data", "4", "16"), "kept"),
    ],
)
def test_a_plot_says_what_tau_is_drawn_against(tmp_path: Path, against: Any, words: Any, elsewhere: str) -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    target = tmp_path / "tau.svg"
    found = [
        *MANY,
        replace(ONE, sampler="tail", speedup=16.0),
        replace(ONE, metric="hr@10", tau_low=None, ceiling=None),
    ]
    with matplotlib.rc_context({"svg.fonttype": "none"}):  # text stays text
        plot_agreements(found, target, against=against)
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", target.read_text())
    assert {"random", "head", "tail", "noise ceiling", "Kendall's tau", *words} <= set(texts)
    assert not any(elsewhere in each for each in texts)
    assert sum("auc" in each for each in texts) == sum("hr@10" in each for each in texts) == 1, "a panel each"


def test_a_plot_may_be_pixels(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    plot_agreements(MANY, tmp_path / "tau.png")
    assert (tmp_path / "tau.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("found", "name", "said"),
    [
        ([MANY[3]], "a.png", "no tau to draw"),
        (MANY, "a.xyz", "end it in .png"),
        ([replace(ONE, metric=str(number)) for number in range(61)], "a.png", "61 panels are too many"),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path: Path, found: list[Agreement], name: str, said: str) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    with pytest.raises(ParameterError, match=said):
        plot_agreements(found, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ParameterError, match=r"recbench\[plot\]"):
        plot_agreements(MANY, tmp_path / "a.png")


class Terminal:
    """Standard error that says it is a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return True


def test_progress_is_lines_in_a_pipe_and_a_bar_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from recbench.bench.runner import Progress
    from recbench.cli.progress import reporting

    steps = [Progress("split", "toy: 4 cells", 0, 4), Progress("group", "mf[latent=8]", 2, 4)]
    steps.append(Progress("note", "[bold]beware", 2, 4))

    def show() -> None:
        with reporting() as report:
            for step in steps:
                report(step)

    show()
    assert capsys.readouterr().err.splitlines() == ["toy: 4 cells", "[2/4] mf[latent=8]", "[bold]beware"]
    terminal: Any = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    show()
    assert "toy: 4 cells" in terminal.text and "[bold]beware" in terminal.text and "2/4" in terminal.text

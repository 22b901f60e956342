"""``recbench run`` and ``recbench report``, whole, on a small suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recbench.bench.store import Store

SUITE = """
name = "small"
version = 1
summary = "Two algorithms that need no training."
datasets = ["synthetic-tiny"]
feedback = ["implicit"]
samplers = ["random", "random[unit=user]"]
budgets = ["60%"]
[protocol]
select = { implicit = "auc" }
[seeds]
full = [0, 1]
[metrics]
implicit = ["auc", "hr@10"]
[algorithms.implicit]
popularity = {}
ease = { l2 = [1.0, 10.0] }
"""
BROKEN = """
from recbench import AlgorithmSpec, hookimpl

class Broken:
    def fit(self, train, *, hyper, key):
        raise ZeroDivisionError("not today")
    def score(self, state, query):
        return state

@hookimpl
def recbench_algorithms():
    return [AlgorithmSpec(name="broken", load=Broken, summary="Broken.", form="solved")]
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    file = tmp_path / "small.toml"
    file.write_text(SUITE)
    return file


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the whole suite in it."""
    from recbench.bench.runner import run_suite
    from recbench.registry import Registry

    folder = tmp_path_factory.mktemp("run")
    (folder / "small.toml").write_text(SUITE)
    run_suite(folder / "small.toml", store=folder / "store", registry=Registry())
    return folder / "store"


def test_it_resumes_and_ends_in_the_table_of_samplers(recbench: Any, suite: Path, filled: Path) -> None:
    result = recbench("run", suite, "--store", filled)
    assert result.code == 0
    head, *lines = result.out.splitlines()
    assert head.split()[:6] == ["dataset", "feedback", "metric", "budget", "sampler", "over"]
    assert [line.split()[2:6] for line in lines] == [
        ["auc", "60%", "random", "2"],
        ["auc", "60%", "random[unit=user]", "2"],
    ], "one line a sampler, in the headline metric"
    assert "nothing to do; 9 stored before" in result.err and "results are in" in result.err
    assert "auc" not in result.err, "data go to standard output"


def test_a_run_reports_its_steps_and_stores_them(recbench: Any, suite: Path, tmp_path: Path) -> None:
    result = recbench("run", suite, "--store", tmp_path / "s", "--algorithm", "popularity", "--full-seeds", 1, "--json")
    assert result.code == 0
    records = json.loads(result.out)
    assert {record["metric"] for record in records} == {"auc", "hr@10"}
    assert {record["reason"] for record in records} == {"a ranking needs at least two algorithms"}
    assert (
        "synthetic-tiny, implicit: 3 cells" in result.err and "[3/3] synthetic-tiny, implicit: popularity" in result.err
    )
    assert "3 ok; 0 stored before" in result.err
    assert Store(tmp_path / "s").frame()["cell"].n_unique() == 3


def without_samplers(suite: Path) -> Path:
    """The suite on full data alone."""
    suite.write_text(SUITE.replace('["random", "random[unit=user]"]', "[]").replace('budgets = ["60%"]\n', ""))
    return suite


def test_a_suite_without_samplers_ends_in_the_table_of_algorithms(recbench: Any, suite: Path, tmp_path: Path) -> None:
    without_samplers(suite)
    (plan,) = json.loads(recbench("run", suite, "--store", tmp_path / "s", "--dry-run", "--json").out)
    assert (plan["cells"], plan["runs"]) == (5, 3)
    result = recbench("run", suite, "--store", tmp_path / "s")
    title, head, first, second = result.out.splitlines()
    assert title.startswith(
        "synthetic-tiny, implicit feedback: by auc on the test rows of the per-user split, tuned by"
    )
    assert title.endswith("auc on its validation rows, 2 training seeds")
    assert head.split() == ["rank", "algorithm", "auc", "2.5%", "97.5%", "+-", "lead", "p", "hr@10", "grid", "tuned",
                            "seconds"]  # fmt: skip
    assert first.split()[:2] == ["1", "ease"] and first.split()[-3:-2] == ["2"] and "l2=1" in first
    assert second.split()[:2] == ["2", "popularity"] and second.split()[-3:-1] == ["1", "-"]
    assert "recbench report --algorithms" in result.err and "p: of that lead" in result.err
    best, last = json.loads(recbench("report", "--store", tmp_path / "s", "--algorithms", "--json").out)
    auc, hit_rate = best["metrics"]["auc"], best["metrics"]["hr@10"]
    assert auc["low"] < auc["value"] < auc["high"] and hit_rate["low"] < hit_rate["value"] < hit_rate["high"]
    assert (best["rank"], best["search"]["points"], best["search"]["tuned"]) == (1, 2, ["l2"])
    assert best["lead"] == pytest.approx(auc["value"] - last["metrics"]["auc"]["value"]) and 0 <= best["p_value"] < 1
    narrow = recbench("report", "--store", tmp_path / "s", "--algorithms", "--metric", "hr@10", "--suite", suite)
    assert narrow.out.splitlines()[1].split()[2] == "hr@10" and " auc " not in narrow.out.splitlines()[1]
    agreement = recbench("report", "--store", tmp_path / "s")
    assert agreement.code == 0 and "--algorithms shows those on full data" in agreement.err
    assert recbench("report", "--store", tmp_path / "s", "--algorithms", "--by", "metric").code == 2
    board = recbench("board", "build", "--suite", suite, "--store", tmp_path / "s", "--to", tmp_path / "boards")
    assert board.code == 0 and "2 algorithms, 3 runs" in board.err
    assert "ease" in (tmp_path / "boards" / "small-v1" / "README.md").read_text(encoding="utf-8")


def test_what_does_not_fit_into_memory_is_in_the_table_with_the_reason(
    recbench: Any, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recbench.engine import devices

    monkeypatch.setattr(devices, "memory_limit", lambda: 300_000)  # between what the two need
    plan = recbench("run", suite, "--store", tmp_path / "s", "--dry-run")
    assert "synthetic-tiny, implicit: 'ease' would be skipped: needs about" in plan.err
    sampled = recbench("run", suite, "--store", tmp_path / "s", "--sampler", "random", "--json")
    assert sampled.code == 0, "what is skipped had a reason to be"
    assert {each["reason"].partition(" GB")[0] for each in json.loads(sampled.out)} == {
        "a ranking needs at least two algorithms; ease is not ranked: on the full data, skipped: needs about 0.0"
    }
    result = recbench("run", without_samplers(suite), "--store", tmp_path / "s")
    assert result.code == 0
    *_, first, last = result.out.splitlines()
    assert first.split()[:2] == ["1", "popularity"]
    assert last.split()[:2] == ["-", "ease"] and "2 of 2 points of the grid skipped: needs about" in last


def test_hyper_parameters_tuned_anew_for_each_sample(recbench: Any, suite: Path, tmp_path: Path) -> None:
    grid = "[1.0, 30.0, 900.0]"
    text = SUITE.replace("[1.0, 10.0]", grid).replace("[protocol]", '[protocol]\ntuning = "sample"')
    suite.write_text(text.replace('["60%"]', '["60%", "30%"]'))
    (plan,) = json.loads(recbench("run", suite, "--store", tmp_path / "s", "--dry-run", "--json").out)
    assert (plan["cells"], plan["copied"]) == (4 * (2 + 2 * 2), 4), "the grid on every sample; no seed changes the two"
    result = recbench("run", suite, "--store", tmp_path / "s", "--json")
    assert result.code == 0
    runs = Store(tmp_path / "s").frame().filter(metric="auc")
    places = ["sampler", "budget", "training_seed", "algorithm"]
    tried = runs.filter(algorithm="ease").group_by(places).agg(pl.col("hyper").n_unique())
    assert tried["hyper"].to_list() == [3] * 6, "every point, on the full data and on every sample, is in the store"
    chosen = runs.sort("validation").unique(places, keep="last")
    assert chosen.filter(algorithm="ease")["hyper"].n_unique() > 1, "the choices differ"
    best = {tuple(place): value for *place, value in chosen.select(*places, "value").iter_rows()}
    for each in json.loads(result.out):
        if each["metric"] == "auc":
            loss = best["full", "100%", 0, "ease"] - best["full", "100%", 0, "popularity"]
            place = each["sampler"], each["budget"], 0
            kept = (best[*place, "ease"] > best[*place, "popularity"]) == (loss > 0)
            assert (each["tau"], each["regret"]) == (1.0 if kept else -1.0, pytest.approx(0 if kept else abs(loss)))


def test_shares_of_noise_are_lines_of_their_own(recbench: Any, suite: Path, tmp_path: Path) -> None:
    suite.write_text(SUITE.replace("[protocol]", "[protocol]\nnoise = [0.0, 0.3]"))
    options = ["--store", tmp_path / "s", "--sampler", "random"]
    head, *plans = recbench("run", suite, *options, "--dry-run").out.splitlines()
    assert head.split()[2] == "noise" and [line.split()[2] for line in plans] == ["0.00", "0.30"]
    result = recbench("run", suite, *options)
    head, *lines = result.out.splitlines()
    assert head.split()[2] == "noise" and [line.split()[2] for line in lines] == ["0.00", "0.30"]
    assert "implicit, noise 0.3: 7 cells" in result.err
    means = json.loads(recbench("report", "--store", tmp_path / "s", "--by", "noise", "--json").out)
    assert [each["noise"] for each in means] == [0.0, 0.3]
    titles = recbench("report", "--store", tmp_path / "s", "--algorithms").out.splitlines()[::5]
    assert [title.partition(":")[0] for title in titles] == [
        "synthetic-tiny, implicit feedback",
        "synthetic-tiny, implicit feedback, noise 0.3",
    ]
    board = recbench("board", "build", "--suite", suite, "--store", tmp_path / "s", "--to", tmp_path / "boards")
    assert board.code == 2 and "several shares of noise" in board.err


def test_a_seed_is_the_first_of_all(recbench: Any, suite: Path, tmp_path: Path) -> None:
    options = ["--algorithm", "popularity", "--sampler", "random", "--sample-seeds", 2, "--seed", 5]
    assert recbench("run", suite, "--store", tmp_path / "s", *options).code == 0
    frame = Store(tmp_path / "s").frame().filter(metric="auc").sort("sampler", "training_seed")
    assert frame.select("sampler", "training_seed", "sample_seed").rows()[2:] == [("random", 5, 5), ("random", 6, 6)]
    assert frame["training_seed"].to_list()[:2] == [5, 6] and set(frame["split_seed"]) == {0}


def test_a_dry_run_writes_nothing(recbench: Any, suite: Path, tmp_path: Path, filled: Path) -> None:
    result = recbench("run", suite, "--store", tmp_path / "s", "--dry-run", "--json")
    (plan,) = json.loads(result.out)
    assert (plan["cells"], plan["stored"], plan["copied"], plan["runs"]) == (9, 0, 2, 7), "no seed changes the two"
    assert (plan["programs"], plan["seconds"]) == (2, None)
    assert "it has none of ease, popularity" in result.err and "nothing was run" in result.err
    assert plan["memory"] > 0 and not (tmp_path / "s").exists()
    again = recbench("run", suite, "--store", filled, "--dry-run", "--budget", "50%")
    assert again.code == 0 and again.out.split()[-2:] != ["unknown", "1"], "earlier runs tell how long it takes"
    assert "it has none" not in again.err
    more = recbench("run", suite, "--store", filled, "--dry-run", "--budget", "50%", "--feedback", "implicit",
                    "--algorithm", "ease", "--algorithm", "item-knn")  # fmt: skip
    assert " and more " in more.out and "it has none of item-knn" in more.err


def test_a_run_that_fails_ends_in_exit_code_1(recbench: Any, suite: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "broken.py"
    plugin.write_text(BROKEN)
    options = ["--store", tmp_path / "s", "--algorithm", "broken", "--full-seeds", 1, "--sampler", "random"]
    result = recbench("run", suite, "--plugin", plugin, *options)
    assert result.code == 1
    assert "2 failed" in result.err and "recbench report --failed" in result.err
    assert "on the full data, failed: ZeroDivisionError: not today" in result.out, "the table says why it is empty"
    *_, line = recbench("report", "--store", tmp_path / "s", "--algorithms").out.splitlines()
    assert line.split()[:2] == ["-", "broken"] and "failed: ZeroDivisionError: not today" in line
    failed = recbench("report", "--store", tmp_path / "s", "--failed", "--json")
    assert {record["status"] for record in json.loads(failed.out)} == {"failed"}
    assert all("ZeroDivisionError: not today" in record["reason"] for record in json.loads(failed.out))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sampler", "randm"], "did you mean 'random'?"),
        (["--sampler", "random[unit=week]"], "unit=week"),
        (["--keep", "-10%"], "the budget '-10%' was not understood"),
        (["--keep", "0"], "a budget of 0 as a share was given"),
        (["--algorithm", "eease"], "did you mean 'ease'?"),
        (["--dataset", "synthetic-tinny"], "did you mean 'synthetic-tiny'?"),
        (["--data", "missing.csv"], "missing.csv"),
        (["--feedback", "tacit"], "'tacit'"),
        (["--dataset", "synthetic-tiny", "--data", "a.csv"], "give one of them"),
        (["--name", "mine"], "--name 'mine' names nothing: it is for the log that --data brings"),
        (["--executor", "cloud"], "no executor is called 'cloud'"),
        (["--timeout", "0"], "--timeout"),
        (["--full-seeds", "0"], "--full-seeds"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    recbench: Any, suite: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    result = recbench("run", suite, "--store", tmp_path / "s", *options)
    assert result.code == 2 and result.out == ""
    assert said in result.err and result.err.startswith("error: ") and "Traceback" not in result.err
    assert not (tmp_path / "s").exists()


def test_a_suite_that_is_not_there(recbench: Any) -> None:
    assert "did you mean 'quickstart'?" in recbench("run", "quikstart").err
    assert recbench("run", "nowhere.toml").code == 2


def test_a_full_disk_is_exit_code_1(
    recbench: Any, suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from recbench.bench import store

    def full(content: bytes, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "publish", full)
    result = recbench("run", suite, "--store", tmp_path / "s", "--algorithm", "popularity")
    assert result.code == 1 and "No space left on device" in result.err and "--store" in result.err


def test_a_long_table_has_a_line_a_sampler(
    recbench: Any, suite: Path, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recbench.cli.run._LONG", 1)
    result = recbench("run", suite, "--store", filled)
    head, *lines = result.out.splitlines()
    assert head.split() == ["dataset", "feedback", "metric", "sampler", "60%"] and len(lines) == 2
    assert all("[" in line for line in lines) and "ceilings, regret, cost and reasons" in result.err
    assert "2 of 2 taus: no " in result.err, "why there is no ceiling, which the short table says in a column"


def test_a_report_filters_and_averages(recbench: Any, suite: Path, filled: Path) -> None:
    everything = json.loads(recbench("report", "--store", filled, "--json").out)
    assert len(everything) == 2 * 2
    one = json.loads(recbench("report", "--store", filled, "--metric", "hr@10", "--sampler", "random", "--json").out)
    assert [(each["metric"], each["sampler"]) for each in one] == [("hr@10", "random")]
    assert len(json.loads(recbench("report", "--store", filled, "--suite", suite, "--json").out)) == 4
    means = json.loads(recbench("report", "--store", filled, "--by", "sampler", "--json").out)
    assert [each["taus"] for each in means] == ["2/2", "2/2"]
    assert json.loads(recbench("report", "--store", filled, "--failed", "--json").out) == []


def test_a_report_has_a_column_for_each_value_of_a_field(recbench: Any, filled: Path) -> None:
    table = recbench("report", "--store", filled, "--by", "sampler", "--across", "metric")
    head, *lines = table.out.splitlines()
    assert head.split() == ["sampler", "auc", "hr@10"] and len(lines) == 2
    assert all("[" in line for line in lines), "means with their intervals"
    long = json.loads(recbench("report", "--store", filled, "--by", "sampler", "--across", "metric", "--json").out)
    assert [(each["sampler"], each["metric"]) for each in long][:2] == [("random", "auc"), ("random[unit=user]", "auc")]
    for wrong in (("--across", "metric"), ("--across", "metric", "--by", "metric")):
        assert "--across metric needs another field" in recbench("report", "--store", filled, *wrong).err


def test_a_report_compares_samplers_on_what_they_share(recbench: Any, filled: Path) -> None:
    result = recbench("report", "--store", filled, "--pairs", "--shared")
    said = "4 of 4 lines are of what all samplers have a tau of", "of 1 pairs of samplers differ in tau"
    assert result.code == 0 and all(each in result.err for each in said)
    (pair,) = json.loads(recbench("report", "--store", filled, "--pairs", "--json").out)
    assert {pair["first"], pair["second"]} == {"random", "random[unit=user]"} and pair["over"] == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--pairs --by sampler", "--pairs shows something else: leave out --by"),
        ("--failed --plot a.png --metric auc", "--failed shows something else: leave out --plot and --metric"),
        ("--samples --algorithms", "--algorithms shows something else: leave out --samples"),
        ("--algorithms --sampler random", "leave out --sampler"),
        ("--shared", "--shared is for means"),
        ("--against speedup", "give its file with --plot"),
        ("--quality --by sampler --pairs", "--quality shows something else: leave out --by and --pairs"),
        ("--algorithms --quality", "--algorithms shows something else: leave out --quality"),
        ("--failed --quality --plot a.png", "--failed shows something else: leave out --quality and --plot"),
        ("--samples --algorithm ease", "--samples shows something else: leave out --algorithm"),
        ("--algorithm ease", "--algorithm is for --quality"),
        ("--plot a.png --against noise", "tau is drawn against budget or speedup, not noise"),
    ],
)
def test_options_that_would_change_nothing_are_refused(recbench: Any, filled: Path, options: str, said: str) -> None:
    result = recbench("report", "--store", filled, *options.split())
    assert result.code == 2 and said in result.err


def test_means_have_the_best_sampler_first(recbench: Any, filled: Path) -> None:
    for fields in (("--by", "sampler"), ("--by", "metric", "--by", "sampler")):
        means = json.loads(recbench("report", "--store", filled, *fields, "--json").out)
        grounds: dict[str, list[float]] = {}
        for each in means:
            grounds.setdefault(each.get("metric", ""), []).append(each["tau"])
        assert all(taus == sorted(taus, reverse=True) and len(taus) == 2 for taus in grounds.values())


def test_a_report_says_what_samples_are_like(recbench: Any, filled: Path) -> None:
    rows = json.loads(recbench("report", "--store", filled, "--samples", "--json").out)
    assert [(each["sampler"], each["budget"]) for each in rows] == [("random", "60%"), ("random[unit=user]", "60%")]
    by_row, by_user = rows
    assert by_row["cold_test_users"] < 0.05 and by_user["cold_test_users"] == pytest.approx(0.4, abs=0.05)
    assert abs(by_row["popularity_shift"]) < 0.1 and 0 < by_row["time_span"] <= 1
    one = json.loads(recbench("report", "--store", filled, "--samples", "--sampler", "random", "--json").out)
    assert one == [by_row]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--metric", "hr@01"), "there are no results of the metric 'hr@01': did you mean 'hr@10'?"),
        (("--metric", "nope"), "there are no results of the metric 'nope': there are results of auc, hr@10"),
        (("--dataset", "synthetic-tinny"), "did you mean 'synthetic-tiny'?"),
        (("--feedback", "explicit"), "did you mean 'implicit'?"),
        (("--sampler", "randm"), "did you mean 'random'?"),
        (("--sampler", "random["), "'random['"),
    ],
)
def test_a_report_refuses_what_the_store_does_not_know(
    recbench: Any, filled: Path, options: tuple[str, ...], said: str
) -> None:
    result = recbench("report", "--store", filled, *options)
    assert (result.code, result.out) == (2, "") and said in result.err and result.err.count("\n") == 1


def test_filters_that_leave_nothing_are_said(recbench: Any, tmp_path: Path) -> None:
    empty = recbench("report", "--store", tmp_path, "--dataset", "other", "--json")
    assert json.loads(empty.out) == [] and "no stored results of samplers match" in empty.err


def test_of_a_log_that_was_edited_the_last_state_counts(recbench: Any, suite: Path, tmp_path: Path) -> None:
    from recbench.bench.store import load_results

    log, store = tmp_path / "log.csv", tmp_path / "s"
    text = "".join(f"{user},{item}\n" for user in range(60) for item in range(20) if (user * item + user) % 3)
    options = ["--store", store, "--full-seeds", 1, "--sampler", "random", "--keep", "80%", "--algorithm", "popularity"]
    for content in (text, text + "0,0\n"):
        log.write_text("user,item\n" + content)
        assert recbench("run", suite, "--data", log, *options).code == 0
    assert load_results(store)["data"].n_unique() == 2
    result = recbench("report", "--store", store, "--json")
    assert result.code == 0 and {each["dataset"] for each in json.loads(result.out)} == {"log"}
    assert result.err.startswith("only the latest results on 'log' are shown: ") and result.err.count("\n") == 1
    other = recbench("run", suite, "--data", log, "--name", "mine", "--store", store, "--full-seeds", 1, "--dry-run")
    assert other.out.splitlines()[1].split()[0] == "mine"


def test_a_report_draws(recbench: Any, filled: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    assert recbench("report", "--store", filled, "--plot", tmp_path / "tau.png").code == 0
    assert (tmp_path / "tau.png").read_bytes()[:4] == b"\x89PNG"


def test_a_report_of_quality_filters_and_draws(recbench: Any, suite: Path, filled: Path, tmp_path: Path) -> None:
    everything = json.loads(recbench("report", "--store", filled, "--quality", "--json").out)
    assert len(everything) == 2 * 2 * 3, "two metrics, two algorithms, all rows and two samplers"
    options = ["--quality", "--suite", suite, "--metric", "auc", "--algorithm", "ease"]
    narrow = recbench("report", "--store", filled, *options)
    head, full, *samples = narrow.out.splitlines()
    assert head.split()[:6] == ["dataset", "feedback", "metric", "algorithm", "sampler", "budget"]
    assert full.split()[3:6] == ["ease", "full", "100%"] and len(samples) == 2 and "2.5%" in narrow.err
    one = json.loads(recbench("report", "--store", filled, *options, "--sampler", "random", "--json").out)
    assert [each["sampler"] for each in one] == ["random"] and one[0]["share_low"] <= one[0]["share"]
    assert one[0]["full"] == next(each["value"] for each in everything if each["sampler"] == "full"
                                  and (each["algorithm"], each["metric"]) == ("ease", "auc"))  # fmt: skip
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    plot = recbench("report", "--store", filled, *options, "--plot", tmp_path / "quality.png")
    assert plot.code == 0 and (tmp_path / "quality.png").read_bytes()[:4] == b"\x89PNG" and "drawn in" in plot.err
    wrong = recbench("report", "--store", filled, *options, "--plot", tmp_path / "no.png", "--against", "depth")
    assert wrong.code == 2 and "differ in 'depth'" in wrong.err and not (tmp_path / "no.png").exists()
    assert "did you mean 'ease'?" in recbench("report", "--store", filled, "--quality", "--algorithm", "eaze").err


def test_a_report_without_a_store_says_where_it_looked(recbench: Any, tmp_path: Path) -> None:
    result = recbench("report", "--store", tmp_path / "nothing")
    assert result.code == 2 and "there are no results at" in result.err and result.err.count("\n") == 1


def test_a_damaged_part_is_a_warning(recbench: Any, suite: Path, tmp_path: Path) -> None:
    options = ["--store", tmp_path / "s", "--algorithm", "popularity", "--full-seeds", 1]
    recbench("run", suite, *options)
    part = next((tmp_path / "s").glob("part-*.parquet"))
    part.write_bytes(part.read_bytes()[:-10])
    result = recbench("run", suite, *options)
    assert result.code == 0 and f"{part.name} was left out" in result.err and "3 ok" in result.err
    report = recbench("report", "--store", tmp_path / "s")
    assert report.code == 0 and f"{part.name} was left out" in report.err

"""Running a suite, on an engine that makes numbers up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from recbench.bench.cells import AXES, cell_id
from recbench.bench.executor import LocalExecutor
from recbench.bench.plan import Group
from recbench.bench.runner import Benchmark, Progress, run_suite
from recbench.bench.selection import of_suite
from recbench.bench.store import Store, load_results
from recbench.bench.suite import Suite
from recbench.contracts.errors import DataError, RecbenchError, StoreError, UnknownNameError
from recbench.contracts.records import RunRecord, Synthesis
from recbench.contracts.specs import ExecutorSpec, SamplerSpec
from recbench.data.noise import corrupt
from recbench.data.split import make_split
from recbench.registry import KINDS, Registry

# plain 1 + deep 4 on the grid; then for both: 1 more seed of full data, 2 samplers x 2 budgets
GRID, LATER = 5, 2 * (1 + 4)


def counts(frame: pl.DataFrame) -> Counter[str]:
    return Counter(frame.unique("cell")["status"])


def test_a_suite_runs_and_a_second_call_has_nothing_to_do(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    first = run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys)
    assert first.statuses == {"ok": GRID + LATER} and first.complete and first.stored == 0
    assert first.runs == GRID + LATER and first.runs_per_minute > 0 and first.compilations == len(engine.groups)
    calls = len(engine.groups)
    again = run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys)
    assert len(engine.groups) == calls and again.stored == GRID + LATER and not again.statuses
    assert again.cells == first.cells == set(load_results(tmp_path)["cell"])


def test_what_is_stored_says_how_it_was_made(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys)
    frame = load_results(tmp_path)
    assert set(frame["metric"]) == {"auc", "hr@10"}
    assert set(frame["sampler"]) == {"full", "shuffle", "first[unit=user]"}
    assert frame.select("suite", "suite_version", "dataset").unique().rows() == [("toy", 1, "toy-data")]
    full = frame.filter(pl.col("sampler") == "full")
    assert set(full["budget"]) == {"100%"} and set(full["training_seed"]) == {0, 1}
    half = frame.filter(sampler="first[unit=user]", budget="50%").row(0, named=True)
    assert half["unit"] == "user" and half["kept_rows"] == pytest.approx(full["kept_rows"][0] / 2, abs=20)
    assert half["cold_test_users"] == pytest.approx(0.5, abs=0.02) and half["sampler_seconds"] > 0
    assert half["cell"] == cell_id({name: half[name] for name in AXES})
    assert vars(engine.training) == {
        "mask": "full", "history": "sample", "select": "auc", "epochs": 100, "validate_every": 5, "patience": 5,
    }  # fmt: skip


def test_hyper_parameters_are_chosen_by_validation_on_full_data(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys)
    deep = load_results(tmp_path).filter(algorithm="deep")
    sampled = deep.filter(pl.col("sampler") != "full")
    assert set(sampled["hyper"]) == {'{"rate":0.2,"width":16}'}, "the fake engine likes large values"
    assert set(deep.filter(sampler="full", training_seed=1)["hyper"]) == {'{"rate":0.2,"width":16}'}


def test_tuning_anew_for_each_sample_runs_the_grid_everywhere(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    anew = toy_suite.model_copy(update={"protocol": toy_suite.protocol.model_copy(update={"tuning": "sample"})})
    summary = run_suite(anew, data=toy_data, store=tmp_path, registry=toys)
    assert summary.statuses == {"ok": 5 * (2 + 4)}


def test_groups_share_algorithm_and_static_hyper_parameters_and_go_by_size(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys)
    for _, runs in engine.groups:
        assert len({run.hyper.get("width") for run in runs}) == 1
        sizes = [len(run.sample.rows) for run in runs]
        assert sizes == sorted(sizes) and len(runs) <= 16
    assert len(engine.groups) == 2 + 2, "two widths of deep; then plain, which has no grid, and the chosen deep"
    assert engine.placed == 1


def test_an_algorithm_that_raises_becomes_rows_and_everything_goes_on(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    engine.raises["deep"] = ZeroDivisionError("too deep")
    summary = run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys)
    assert summary.statuses == {"ok": 6, "failed": 4} and not summary.complete
    assert summary.notes == ["toy-data, implicit: 'deep' finished no point of its grid, so its other runs are left out"]
    reasons = load_results(tmp_path).filter(status="failed")["reason"].to_list()
    assert all("ZeroDivisionError: too deep" in reason for reason in reasons)
    assert run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys).stored == 10, "failures stay as they are"
    engine.raises.clear()
    retried = run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys, retry_failed=True)
    assert retried.statuses == {"ok": 4 + 5} and retried.stored == 6
    assert counts(load_results(tmp_path)) == {"ok": GRID + LATER}


def test_what_no_seed_changes_is_trained_once_on_full_data(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    for name in ("plain", "deep"):
        toys.register(replace(toys.get("algorithms", name).spec, deterministic=True), distribution="recbench")

    def trained() -> Counter[str]:
        size = max(len(run.sample.rows) for _, runs in engine.groups for run in runs)
        return Counter(name for name, runs in engine.groups for run in runs if len(run.sample.rows) == size)

    suite = toy_suite.override(full_seeds=3)
    bench = Benchmark(suite, data=toy_data, store=tmp_path, registry=toys)
    (before,) = bench.estimates()
    summary = bench.run()
    assert trained() == {"plain": 1, "deep": 4}, "the grid; its best point stands for the other seeds too"
    assert (before.copied, before.runs) == (2 * 2, GRID + 2 * 4) == (summary.copied, summary.runs)
    full = load_results(tmp_path).filter(sampler="full", algorithm="plain", metric="auc").sort("training_seed")
    assert full["training_seed"].to_list() == [0, 1, 2] and full["value"].n_unique() == 1
    assert full["seconds"].n_unique() == 1 and full["replicates"].list.len().to_list() == [200] * 3
    assert full["cell"].to_list() == [cell_id({name: row[name] for name in AXES}) for row in full.to_dicts()]
    more = run_suite(toy_suite.override(full_seeds=5), data=toy_data, store=tmp_path, registry=toys)
    assert (more.copied, more.runs) == (2 * 2, 0) and trained() == {"plain": 1, "deep": 4}
    assert run_suite(suite, data=toy_data, store=tmp_path, registry=toys).stored == GRID + 2 * 2 + 2 * 4


def test_divergence_is_one_runs_own(tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any) -> None:
    engine.diverging.add(0.2)
    summary = run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys)
    assert summary.statuses == {"ok": GRID + LATER - 2, "diverged": 2}
    sampled = load_results(tmp_path).filter((pl.col("sampler") != "full") & (pl.col("algorithm") == "deep"))
    assert set(sampled["hyper"]) == {'{"rate":0.1,"width":16}'}, "what diverged is not chosen"


def test_small_samples_are_skipped_with_a_reason(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    suite = toy_suite.override(samplers=["first[unit=user]"], budgets=["50%", "10%"])
    summary = run_suite(suite, data=toy_data, store=tmp_path, registry=toys)
    assert summary.statuses == {"ok": GRID + 4, "skipped": 2} and summary.complete
    skipped = load_results(tmp_path).filter(status="skipped").row(0, named=True)
    assert skipped["reason"].startswith("too small: 30 users") and skipped["kept_users"] == 30
    assert run_suite(suite, data=toy_data, store=tmp_path, registry=toys, retry_failed=True).stored == GRID + 6


def test_what_a_spec_rules_out_is_skipped_before_anything_is_drawn(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    refusing = SamplerSpec(name="picky", load=lambda *given: 1 / 0, summary="Picky.", feedback=("explicit",))
    toys.register(refusing, distribution="recbench")
    suite = toy_suite.override(feedback=["sequential"], samplers=["picky"], algorithms=["plain", "deep"])
    content = {**suite.model_dump(), "algorithms": {"sequential": {"plain": {}, "deep": {}}}}
    summary = run_suite(Suite.model_validate(content), data=toy_data, store=tmp_path, registry=toys)
    assert summary.statuses == {"ok": 2, "skipped": 2 + 2 * 2}
    reasons = set(load_results(tmp_path).filter(status="skipped")["reason"])
    assert reasons == {
        "'deep' works on implicit feedback, not on sequential",
        "'picky' works on explicit feedback, not on sequential",
    }


def test_a_sampler_that_raises_or_breaks_its_contract_fails_its_own_rows(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    for name, function in (("raising", lambda *given: 1 / 0), ("short", lambda train, context: train.rating[1:])):
        toys.register(SamplerSpec(name=name, load=function, summary="Broken."), distribution="recbench")
    suite = toy_suite.override(samplers=["raising", "short", "shuffle"], algorithms=["plain"])
    summary = run_suite(suite, data=toy_data, store=tmp_path, registry=toys)
    assert summary.statuses == {"ok": 2 + 2, "failed": 4}
    frame = load_results(tmp_path)
    assert "ZeroDivisionError" in frame.filter(sampler="raising")["reason"][0]
    assert "'short'" in frame.filter(sampler="short")["reason"][0]


def test_other_code_of_a_plugin_is_another_cell(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    suite = toy_suite.override(samplers=["mine"], algorithms=["plain"], full_seeds=1)
    for count, source in enumerate(("rating", "user"), start=1):
        file = tmp_path / f"mine_{source}.py"
        text = "from recbench import SamplerSpec, hookimpl\n"
        text += f"def order(train, context):\n    return train.{source}.astype('float32')\n"
        text += (
            "@hookimpl\ndef recbench_samplers():\n    return [SamplerSpec(name='mine', load=order, summary='Mine.')]\n"
        )
        file.write_text(text)
        registry = type(toys)(entry_points=False, plugin_files=[file])
        for kind in ("algorithms", "metrics"):
            for entry in toys.all(kind).values():
                registry.register(entry.spec, distribution="recbench")
        run_suite(suite, data=toy_data, store=tmp_path / "store", registry=registry)
        assert load_results(tmp_path / "store").filter(sampler="mine")["sampler_code"].n_unique() == count


METRIC = """
from recbench import MetricSpec, hookimpl

def mine(test, k):
    return {result}

@hookimpl
def recbench_metrics():
    return [MetricSpec(name="mine", load=mine, summary="Mine.")]
"""


def with_metric(toys: Any, file: Path, result: str) -> Registry:
    """The toys and a plugin's metric of this source."""
    file.write_text(METRIC.format(result=result))
    registry = Registry(entry_points=False, plugin_files=[file])
    for kind in KINDS:
        for entry in toys.all(kind).values():
            registry.register(entry.spec, distribution="recbench")
    return registry


def test_an_edited_metric_is_computed_anew_and_built_in_ones_do_not_mind(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    def run(columns: Sequence[str], registry: Any) -> Any:
        suite = toy_suite.model_copy(update={"metrics": {"implicit": columns}})
        return run_suite(suite, data=toy_data, store=tmp_path / "store", registry=registry)

    old, new = (with_metric(toys, tmp_path / f"{name}.py", name) for name in ("test", "k"))
    assert run(("auc", "mine"), old).statuses == {"ok": GRID + LATER}
    assert run(("auc", "mine"), old).stored == GRID + LATER
    assert run(("auc", "mine"), new).statuses == {"ok": GRID + LATER}, "other code is another value"
    assert run(("auc",), new).statuses == {"ok": GRID + LATER}
    built_in = load_results(tmp_path / "store").filter(metric_code="")
    assert built_in["cell"].n_unique() == GRID + LATER
    assert run(("auc", "hr@10"), toys).stored == 0, "more columns of the same cells"
    assert load_results(tmp_path / "store").filter(metric_code="")["cell"].n_unique() == GRID + LATER


class Interrupting(LocalExecutor):
    """Stops after a number of groups, as Ctrl-C would."""

    def __init__(self, registry: Any, groups: int) -> None:
        super().__init__(registry)
        self.left = groups

    def run(self, groups: Iterable[Group], /) -> Iterator[Sequence[RunRecord]]:
        for records in super().run(groups):
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            yield records


@pytest.mark.parametrize("groups", [0, 1, 3])
def test_interrupted_it_keeps_what_is_done_and_goes_on_from_there(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any, groups: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_suite(toy_suite, data=toy_data, store=tmp_path / "a", registry=toys, executor=Interrupting(toys, groups))
    finished = Store(tmp_path / "a").done()
    summary = run_suite(toy_suite, data=toy_data, store=tmp_path / "a", registry=toys)
    assert summary.stored == len(finished) and summary.statuses == {"ok": GRID + LATER - len(finished)}
    rows = Store(tmp_path / "a").rows()
    assert rows.height == rows.unique(["cell", "metric"]).height, "nothing is computed twice"
    run_suite(toy_suite, data=toy_data, store=tmp_path / "b", registry=toys)
    values = [load_results(tmp_path / x).select("cell", "metric", "value").sort("cell", "metric") for x in "ab"]
    assert values[0].equals(values[1])


def test_a_full_disk_ends_the_run_and_keeps_the_rest(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = Store.append, []

    def append(self: Store, records: Any, **more: Any) -> Any:
        if len(written) == 2:
            raise StoreError("results could not be written: No space left on device")
        written.append(len(records))
        return real(self, records, **more)

    monkeypatch.setattr(Store, "append", append)
    with pytest.raises(StoreError):
        run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys)
    assert len(Store(tmp_path).done()) == sum(written)


def test_progress_counts_cells(tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any) -> None:
    seen: list[Progress] = []
    run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys, progress=seen.append)
    assert seen[0].kind == "split" and seen[0].text == f"toy-data, implicit: {GRID + LATER} cells"
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert (seen[-1].done, seen[-1].total) == (GRID + LATER, GRID + LATER)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"samplers": ["shufle"]}, "did you mean 'shuffle'?"),
        ({"samplers": ["shuffle[speed=1]"]}, "no parameter 'speed'"),
        ({"samplers": ["shuffle[unit=item]"]}, "unit=item"),
        ({"algorithms": ["plane"]}, "did you mean 'plain'?"),
        ({"algorithms": ["deep[width=x]"]}, "width=x"),
        ({"datasets": ["zzz"]}, "no data set is called 'zzz'"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_read_or_written(
    tmp_path: Path, toys: Any, toy_suite: Suite, engine: Any, options: Any, said: str
) -> None:
    with pytest.raises(RecbenchError) as raised:
        run_suite(toy_suite, store=tmp_path / "store", registry=toys, **options)
    assert said in str(raised.value) and raised.value.exit_code == 2
    assert not (tmp_path / "store").exists() and not engine.groups


@pytest.mark.parametrize("column", ["hr", "auc@10", "hr@x", "mse", "huge"])
def test_metrics_are_checked(toys: Any, toy_suite: Suite, column: str) -> None:
    suite = toy_suite.model_copy(update={"metrics": {"implicit": (column,)}})
    with pytest.raises(RecbenchError, match=column):
        Benchmark(suite, registry=toys)


def test_data_that_allow_nothing_are_an_error_and_data_that_allow_something_a_note(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    content = toy_suite.model_dump()
    content["protocol"]["select"]["explicit"] = "mse"
    content["metrics"]["explicit"] = ["mse"]
    content["algorithms"]["explicit"] = {"plain": {}}
    content["feedback"] = ["explicit"]
    with pytest.raises(DataError, match="no ratings"):
        run_suite(Suite.model_validate(content), data=toy_data, store=tmp_path, registry=toys)
    assert not list(tmp_path.iterdir())
    content["feedback"] = ["explicit", "implicit"]
    summary = run_suite(Suite.model_validate(content), data=toy_data, store=tmp_path, registry=toys)
    assert summary.statuses == {"ok": GRID + LATER} and "explicit feedback is left out" in summary.notes[0]


def test_a_missing_file_does_not_stop_the_other_data(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    file = tmp_path / "log.csv"
    rows = toy_data.interactions
    pl.DataFrame({"user": rows.user, "item": rows.item}).write_csv(file)
    missing = str(tmp_path / "missing.csv")
    with pytest.raises(DataError, match=r"missing\.csv"):
        run_suite(toy_suite, datasets=[missing], store=tmp_path / "store", registry=toys)
    both = run_suite(toy_suite, datasets=[missing, str(file)], store=tmp_path / "store", registry=toys)
    assert both.lost == [missing] and not both.complete and both.statuses == {"ok": GRID + LATER}


def test_an_executor_is_found_by_name(tmp_path: Path, toys: Any, toy_suite: Suite) -> None:
    with pytest.raises(UnknownNameError, match="no executor is called 'cloud'"):
        Benchmark(toy_suite, registry=toys, executor="cloud")


def test_an_executor_of_a_name_knows_the_registry_and_the_time_limit(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    toys.register(ExecutorSpec(name="here", load="recbench.bench.executor:LocalExecutor", summary="Here."))
    run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys, executor="here", timeout=1000)
    assert engine.deadline is not None and 0 < engine.deadline - time.monotonic() <= 1000


def test_a_metric_asked_for_later_is_computed_then(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys)
    more = toy_suite.model_copy(update={"metrics": {"implicit": ("auc", "hr@100")}})
    assert run_suite(more, data=toy_data, store=tmp_path, registry=toys).statuses == {"ok": GRID + LATER}
    assert set(load_results(tmp_path)["metric"]) == {"auc", "hr@10", "hr@100"}


def test_the_same_contestant_twice_is_refused(toys: Any, toy_suite: Suite) -> None:
    with pytest.raises(RecbenchError, match="'deep' twice"):
        Benchmark(toy_suite.override(algorithms=["deep", "deep[width=8]"]), registry=toys)


def test_an_estimate_counts_without_running(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    bench = Benchmark(toy_suite, data=toy_data, store=tmp_path / "store", registry=toys)
    (before,) = bench.estimates()
    assert (before.cells, before.stored, before.runs) == (GRID + LATER, 0, GRID + LATER)
    assert (before.programs, before.seconds, before.untimed) == (3, None, ("deep", "plain"))
    assert before.memory == 20 * before.rows + 7 * 8_000, "the first point's grid, seed and samples"
    assert (before.split, before.algorithms, before.too_large) == ("per-user", 2, {})
    assert not engine.groups and not (tmp_path / "store").exists()
    bench.run()
    (after,) = bench.estimates()
    assert (after.stored, after.runs, after.groups, after.seconds) == (GRID + LATER, 0, 0, 0)
    (more,) = Benchmark(
        toy_suite.override(budgets=["30%"]), data=toy_data, store=tmp_path / "store", registry=toys
    ).estimates()
    assert (more.stored, more.runs) == (GRID + 2, 4) and more.seconds is not None and 0 < more.seconds < 60
    toys.register(replace(toys.get("algorithms", "plain").spec, name="fresh"), distribution="recbench")
    engine.refusing["deep"] = "needs 80 GB"
    suite = toy_suite.override(budgets=["30%"], algorithms=["plain", "deep", "fresh"])
    (mixed,) = Benchmark(suite, data=toy_data, store=tmp_path / "store", registry=toys).estimates()
    assert mixed.untimed == ("fresh",) and 0 < mixed.seconds < more.seconds, "plain alone"
    assert (mixed.too_large, mixed.skipped, mixed.runs) == ({"deep": "needs 80 GB"}, 2, 2 + 2 + 2)


def test_an_estimate_passes_over_what_breaks_and_leaves_that_to_its_runs(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    toys.register(replace(toys.get("algorithms", "plain").spec, load="nowhere:Nothing"), distribution="recbench")
    suite = toy_suite.override(algorithms=["plain"])
    (found,) = Benchmark(suite, data=toy_data, store=tmp_path, registry=toys).estimates()
    assert (found.runs, found.skipped, found.memory) == (2 + 4, 0, 20 * found.rows)


def fake_users(train: Any, budget: Any, context: Any) -> Synthesis:
    rows = np.ones((int(budget.amount), train.num_items), np.float32)
    return Synthesis(rows, "dream", budget, 0)


def test_fake_users_train_what_can_learn_from_them(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    toys.register(
        SamplerSpec(name="dream", load=fake_users, summary="Fake users.", form="synthesise", units=("user",)),
        distribution="recbench",
    )
    plain = toys.get("algorithms", "plain").spec
    toys.register(replace(plain, fake_users=True), distribution="recbench")
    suite = toy_suite.override(samplers=["dream", "shuffle"], budgets=["60users", "50%"])
    run_suite(suite, data=toy_data, store=tmp_path, registry=toys)
    frame = load_results(tmp_path).unique("cell")
    states = {
        (row["sampler"], row["budget"], row["algorithm"]): (row["status"], row["reason"])
        for row in frame.filter(pl.col("sampler") != "full").iter_rows(named=True)
    }
    assert states["dream", "60users", "plain"][0] == states["shuffle", "50%", "deep"][0] == "ok"
    assert states["dream", "60users", "deep"][1] == "'deep' cannot train on fake users, and 'dream' makes them"
    assert "makes fake users: ask for a number" in states["dream", "50%", "plain"][1]
    assert frame.filter(sampler="dream", status="ok")["cold_test_users"].to_list() == [1.0]
    kinds = [{type(run.sample) for run in runs} for _, runs in engine.groups]
    assert all(len(kind) == 1 for kind in kinds), "fake users and train rows share no device program"


def test_under_noise_samplers_see_wrong_train_rows_and_right_validation_rows(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    seen: list[tuple[Any, Any]] = []

    def fake(train: Any, budget: Any, context: Any) -> Synthesis:
        seen.append((train, context.validation))
        return Synthesis(np.ones((int(budget.amount), train.num_items), np.float32), "", budget, 0)

    toys.register(SamplerSpec(name="fake", load=lambda *given: fake(*given), summary="Fake users.", form="synthesise"))
    toys.register(replace(toys.get("algorithms", "plain").spec, fake_users=True), distribution="recbench")
    content = toy_suite.model_dump() | {"samplers": ["fake"], "budgets": ["60users"]}
    content["protocol"] |= {"noise": [0.0, 0.2], "tuning": "sample"}
    suite = Suite.model_validate(content).override(algorithms=["plain"])
    assert run_suite(suite, data=toy_data, store=tmp_path, registry=toys).complete
    split = make_split(toy_data, feedback="implicit")
    (clean, valid), (noisy, still) = seen
    assert np.array_equal(clean.item, split.train.item)
    assert np.array_equal(noisy.item, corrupt(split, share=0.2).train.item)
    assert 0 < (noisy.item != clean.item).sum() <= round(0.2 * len(clean))
    for part in (valid, still):
        assert np.array_equal(part.item, split.validation.item) and np.array_equal(part.user, split.validation.user)


def test_more_users_than_there_are_are_skipped_with_the_reason(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    suite = toy_suite.override(samplers=["first[unit=user]"], budgets=["10users", "1000users"], algorithms=["plain"])
    summary = run_suite(suite, data=toy_data, store=tmp_path, registry=toys)
    assert summary.statuses == {"ok": 3, "skipped": 1} and summary.complete
    skipped = load_results(tmp_path).filter(status="skipped").row(0, named=True)
    assert skipped["reason"] == "the budget 1000users asks for more than the 300 users of the train set"


def test_noise_is_a_step_after_the_split_and_an_axis_of_the_cell(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    content = toy_suite.model_dump()
    content["protocol"] |= {"noise": 0.2, "noise_seed": 3}
    noisy = Suite.model_validate(content)
    for suite in (toy_suite, noisy):
        run_suite(suite, data=toy_data, store=tmp_path, registry=toys)
    found = load_results(tmp_path).unique("cell").group_by("noise", "noise_seed").len().sort("noise").rows()
    assert found == [(0.0, 0, GRID + LATER), (0.2, 3, GRID + LATER)]
    content["protocol"]["noise"] = [0.0, 0.2]
    both = Suite.model_validate(content)
    assert run_suite(both, data=toy_data, store=tmp_path, registry=toys).stored == 2 * (GRID + LATER)
    assert of_suite(load_results(tmp_path), both, toys)["cell"].n_unique() == 2 * (GRID + LATER)
    assert of_suite(load_results(tmp_path), noisy, toys)["noise"].unique().to_list() == [0.2]


def test_a_given_split_is_taken_where_the_suite_prefers_it(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    content = toy_suite.override(algorithms=["plain"], full_seeds=1, budgets=["50%"]).model_dump()
    content["protocol"]["split"] = {"implicit": ["given", "per-user"]}
    suite = Suite.model_validate(content)
    given = replace(toy_data, given_split=np.resize(np.array([0, 0, 0, 1, 2], np.int8), 6000))
    run_suite(suite, data=given, store=tmp_path / "given", registry=toys)
    run_suite(suite, data=toy_data, store=tmp_path / "none", registry=toys)
    splits = {name: load_results(tmp_path / name)["split"].unique().to_list() for name in ("given", "none")}
    assert splits == {"given": ["given"], "none": ["per-user"]}
    content["protocol"]["split"] = {}
    usual = Suite.model_validate(content)
    run_suite(usual, data=given, store=tmp_path / "given", registry=toys)
    both = load_results(tmp_path / "given")
    assert of_suite(both, suite, toys)["split"].unique().to_list() == ["given"]
    assert of_suite(both, usual, toys)["split"].unique().to_list() == ["per-user"]


def test_where_there_is_nothing_to_choose_by_that_is_said(
    tmp_path: Path, toys: Any, toy_suite: Suite, engine: Any
) -> None:
    users = np.repeat(np.arange(100), 4)  # a tenth of four rows is none
    log = pl.DataFrame({"user": users, "item": np.random.default_rng(0).permutation(400) % 60})
    suite = toy_suite.model_copy(update={"samplers": (), "budgets": ()})
    said = "frame, implicit: there are no validation rows to choose hyper-parameters by: they are taken as they come"
    assert run_suite(suite, data=log, store=tmp_path, registry=toys).notes == [said]
    assert run_suite(suite.override(algorithms=["plain"]), data=log, store=tmp_path, registry=toys).notes == []


def test_a_time_limit_reaches_the_engine(
    tmp_path: Path, toys: Any, toy_suite: Suite, toy_data: Any, engine: Any
) -> None:
    run_suite(toy_suite, data=toy_data, store=tmp_path, registry=toys, timeout=1000)
    assert engine.deadline is not None and 0 < engine.deadline - time.monotonic() <= 1000

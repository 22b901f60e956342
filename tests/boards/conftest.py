"""An entry made by hand, and one of real runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from recbench.bench.store import Store
from recbench.bench.suite import Suite, load_suite
from recbench.boards.build import build_submission
from recbench.boards.derive import derive
from recbench.boards.digests import sealed
from recbench.boards.entry import Board, Entry
from recbench.boards.files import Submission, read_submission, write_submission
from recbench.boards.kinds import ALGORITHMS, SAMPLERS, SYNTHESISERS
from recbench.boards.page import AlgorithmRow, BoardPage, PageEntry, PageMean, SamplerRow, SynthesiserRow
from recbench.boards.runs import entry_frame
from recbench.boards.shelf import Shelf
from recbench.boards.verdict import Verdict
from recbench.boards.verify import verify
from recbench.contracts.errors import VerificationError
from recbench.registry import Registry

ROW: dict[str, Any] = {
    "dataset": "toy", "feedback": "implicit", "metric": "ndcg@10", "budget": "10%", "num_algorithms": 5, "rank": 1,
    "tau": 0.6, "tau_low": 0.2, "tau_high": 0.8, "ceiling": 0.8, "num_deterministic": 2, "share_of_ceiling": 0.75,
    "regret": 0.0125, "pair_accuracy": 1.0, "significant_pairs": 7, "samples_share": 0.1, "speedup": 4.04, "reason": "",
}  # fmt: skip
MISSING = dict.fromkeys(
    ("rank", "tau", "tau_low", "tau_high", "share_of_ceiling", "regret", "pair_accuracy", "speedup")
)


class Made(NamedTuple):
    """Parts of an entry that are about one sampler."""

    sampler: dict[str, Any]
    sample: dict[str, Any]
    agreements: list[dict[str, Any]]


def made_sampler(label: str, *rows: dict[str, Any]) -> Made:
    """A sampler with agreements that differ from ``ROW`` as given."""
    sampler = {"label": label, "parameters": {"proxy": "mf", "share": 0.5, "deep": True}, "unit": "interaction",
               "form": "order", "distribution": "recbench", "distribution_version": "0.1.0", "code": ""}  # fmt: skip
    sample = {"dataset": "toy", "feedback": "implicit", "sampler": label, "budget": "10%", "seed": 0,
              "digest": "0" * 64, "rows": 10, "users": 5, "items": 4, "cold_test_users": 0.5, "cold_test_items": 0.0,
              "popularity_shift": 0.1, "time_span": None, "sketch": (1, 2)}  # fmt: skip
    return Made(sampler, sample, [{**ROW, "sampler": label, **row} for row in rows])


def made_entry(*samplers: Made, day: int = 1, datasets: tuple[str, ...] = ("toy",), **changes: Any) -> Entry:
    """An entry of a suite ``toys``, with two full-data seeds; its digests are left out."""
    made = samplers or (made_sampler("random", {}),)
    conditions = {"feedback": "implicit", "checksum": "a" * 64, "split": "per-user", "split_seed": 0, "noise": 0.0,
                  "noise_seed": 0, "mask": "full", "history": "sample", "tuning": "full", "select": "auc",
                  "metric_code": "", "max_epochs": 100, "validate_every": 5, "patience": 5, "protocol": 1,
                  "full_seeds": (0, 1), "sample_seeds": (0,)}  # fmt: skip
    algorithm = {"label": "mf[latent=8]", "parameters": {"latent": 8}, "deterministic": False,
                 "distribution": "mine", "distribution_version": "1.0", "code": "b" * 64}  # fmt: skip
    cell = {"feedback": "implicit", "sampler": "full", "budget": "100%", "sample_seed": 0, "algorithm": "mf[latent=8]",
            "hyper": {"latent": 8}, "training_seed": 0, "status": "ok", "reason": "", "validation": 0.5,
            "metrics": {"ndcg@10": 0.25}, "seconds": 1.0, "compile_seconds": 0.0, "sampler_seconds": 0.0,
            "samples_processed": 1000, "epochs": 5}  # fmt: skip
    content = {
        "format": 2,
        "board": "samplers",
        "suite": "toys",
        "suite_version": 2,
        "subset": "",
        "created": datetime(2026, 1, day, tzinfo=UTC),
        "recbench": "0.1.0",
        "submitter": "",
        "link": "",
        "environment": {"python": "3.11.1", "platform": "Linux", "cpus": 2, "devices": ("cpu",), "packages": {}},
        "conditions": tuple({**conditions, "dataset": name} for name in datasets),
        "left_out": (),
        "samplers": tuple(each.sampler for each in made),
        "algorithms": (algorithm,),
        "samples": tuple({**each.sample, "dataset": datasets[0]} for each in made),
        "cells": tuple({**cell, "dataset": name} for name in datasets),
        "replicates": {"sha256": "c" * 64, "rows": len(datasets)},
        "agreements": tuple(row for each in made for row in each.agreements),
        "means": (),
        "standings": (),
        "qualities": (),
        "cost": {"runs": 12, "seconds": 3600.0, "compile_seconds": 0.0, "samples_processed": 1000},
        "digests": {},
    }
    return Entry.model_validate({**content, **changes})


@pytest.fixture
def entry() -> Entry:
    return made_entry()


@pytest.fixture
def make_entry() -> Any:
    return made_entry


@pytest.fixture
def make_sampler() -> Any:
    return made_sampler


@pytest.fixture
def missing() -> dict[str, Any]:
    """What a row without a tau has."""
    return {**MISSING, "reason": "1 of 5 algorithms are missing: mf (diverged)"}


@dataclass(frozen=True)
class Desk:
    """An entry of real runs in a folder of its own, to be changed and verified."""

    path: Path
    suite: Suite
    registry: Registry
    shelf: Shelf

    def content(self) -> Any:
        return json.loads(self.path.read_text(encoding="utf-8"))

    def verify(self, path: Path | None = None, **options: Any) -> Verdict:
        at_hand = {"suite": self.suite, "shelf": self.shelf, "registry": self.registry}
        return verify(path or self.path, **{**at_hand, **options})

    def refusal(self, path: Path | None = None, **options: Any) -> str:
        """The sentence that the entry is refused with."""
        with pytest.raises(VerificationError) as refused:
            self.verify(path, **options)
        said = str(refused.value)
        assert "\n" not in said and len(said) < 1500
        return said

    def forged(self, change: Callable[[dict[str, Any]], object], *, derived: bool = False) -> Path:
        """An entry with changed content and digests that fit it, under the name that fits it.

        With ``derived``, what follows from the runs follows from the changed ones.
        """
        original = read_submission(self.path)
        content = original.entry.model_dump(mode="json")
        change(content)
        made = Entry.model_validate_json(json.dumps(content))
        if derived:
            fixed = {each.label for each in made.algorithms if each.deterministic}
            frame = entry_frame(made, original.replicates)
            outcomes = derive(made.board, frame, fixed=fixed, registry=self.registry)
            made = Entry.model_validate({**made.model_dump(), **outcomes})
        forged = replace(original, entry=sealed(made, original.replicates))
        return write_submission(forged, self.path.parents[1])


@pytest.fixture(scope="session")
def built(small_suite: Path) -> dict[str, Submission]:
    """What the small suite's store says, by board."""
    suite, registry = load_suite(small_suite), Registry()
    results = Store(small_suite.parent / "store").frame()
    boards: tuple[Board, ...] = ("samplers", "algorithms", "synthesisers")
    return {board: build_submission(results, suite, board=board, registry=registry) for board in boards}


@pytest.fixture
def desk(built: dict[str, Submission], small_suite: Path, tmp_path: Path) -> Callable[[str], Desk]:
    """``desk(board)``: the entry of one board."""
    registry = Registry()
    shelf = Shelf(registry)
    suite = load_suite(small_suite)
    return lambda board: Desk(write_submission(built[board], tmp_path / "small-v3"), suite, registry, shelf)


ENTRY = PageEntry(
    name="20260101-aa.json", date="2026-01-01", tier="self-reported", recbench="0.1.0", runs=1200, hours=0.5,
    devices="cpu", commands=("recbench run toys --dataset 'my data' --full-seeds 2",),
)  # fmt: skip
PROVED = replace(
    ENTRY, name="20260301-bb.json", date="2026-03-01", tier="re-run", submitter="A. Person",
    link="https://example.org/mine", facts=(("sampler", "s0: mine 1.0; none"),),
)  # fmt: skip
BUDGETS = (80, 60, 40, 20, 10, 1)


def _sampler_row(number: int, percent: int, dataset: str, feedback: str, metric: str) -> SamplerRow:
    """The higher the number and the smaller the budget, the worse; the last one has nothing at 1%."""
    gap = number == 11 and percent == 1
    tau = None if gap else 0.9 - 0.05 * number - 0.002 * (80 - percent)
    return SamplerRow(
        sampler=f"s{number}[unit=user]" if number % 2 else f"s{number}", dataset=dataset, feedback=feedback,
        metric=metric, budget=f"{percent}%", tau=tau, low=None if tau is None else tau - 0.1,
        high=None if tau is None else tau + 0.05, ceiling=0.8, share=None if tau is None else tau / 0.8,
        regret=None if gap else 0.001 * (number * 7 % 12), speedup=None if gap else 80 / percent, over=5, fixed=2,
        entry=(PROVED if number < 3 else ENTRY).name, note="skipped: too small" if gap else "",
    )  # fmt: skip


@pytest.fixture(scope="session")
def samplers_board() -> BoardPage:
    """Twelve samplers at six budgets, on two data sets, in three metrics; three of them in an entry that was re-run."""
    metrics = (("implicit", "ndcg@10"), ("implicit", "auc"), ("explicit", "rmse"))
    rows = [
        _sampler_row(number, percent, dataset, feedback, metric)
        for number in range(12)
        for dataset in ("toy", "other")
        for feedback, metric in metrics
        for percent in BUDGETS
    ]
    headlines = {"explicit": "rmse", "implicit": "ndcg@10"}
    means = (PageMean("s0", "10%", PROVED.name, 6, 0.7654, 0.7111, 0.8222),)
    return BoardPage(SAMPLERS, "toys", 2, tuple(rows), (ENTRY, PROVED), headlines, means=means)


@pytest.fixture(scope="session")
def algorithms_board() -> BoardPage:
    """Four algorithms on two data sets, in a metric of which more is better and one of which less is."""
    rows = [
        AlgorithmRow(
            algorithm=f"a1{number}", dataset=dataset, feedback=feedback, metric=metric, value=0.2 + 0.1 * number,
            low=0.15 + 0.1 * number, high=0.25 + 0.1 * number, spread=0.01, seeds=3, seconds=1.5,
            chosen=f"l2=0.{number},latent=8", entry=ENTRY.name, note="",
        )
        for number in range(4)
        for dataset in ("toy", "other")
        for feedback, metric in (("explicit", "rmse"), ("explicit", "mae"), ("implicit", "ndcg@10"))
    ]  # fmt: skip
    headlines = {"explicit": "rmse", "implicit": "ndcg@10"}
    return BoardPage(ALGORITHMS, "toys", 2, tuple(rows), (ENTRY,), headlines, frozenset({"rmse", "mae"}))


@pytest.fixture(scope="session")
def synthesisers_board() -> BoardPage:
    """Two ways to make fake users, at three numbers of them, for two algorithms."""
    rows = [
        SynthesiserRow(
            sampler=sampler, dataset="toy", feedback="implicit", algorithm=algorithm, metric="ndcg@10",
            budget=f"{users}users", value=value - 10 / users, low=value - 10 / users - 0.02,
            high=value - 10 / users + 0.02, spread=0.01, full=0.34, share=(value - 10 / users) / 0.34,
            share_low=(value - 10 / users - 0.01) / 0.34, share_high=(value - 10 / users + 0.01) / 0.34, seeds=3,
            seconds=0.5, drawing=12.0, full_seconds=2.0, entry=ENTRY.name, note="",
        )
        for sampler, value in (("distill-cf[steps=10]", 0.33), ("random[share=1]", 0.3))
        for algorithm in ("ease", "infinite-ae")
        for users in (100, 500, 1000)
    ]  # fmt: skip
    return BoardPage(SYNTHESISERS, "toys", 2, tuple(rows), (ENTRY,), {"implicit": "ndcg@10"})


@pytest.fixture(scope="session")
def boards(
    samplers_board: BoardPage, algorithms_board: BoardPage, synthesisers_board: BoardPage
) -> dict[str, BoardPage]:
    """A page of each kind, by the name of its board."""
    return {each.board.name: each for each in (samplers_board, algorithms_board, synthesisers_board)}

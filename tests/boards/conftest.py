"""An entry made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from recbench.boards.entry import Entry

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

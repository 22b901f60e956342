"""An entry made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from recbench.boards.entry import Entry

ROW: dict[str, Any] = {
    "dataset": "toy", "feedback": "implicit", "metric": "ndcg@10", "budget": "10%", "num_algorithms": 5, "tau": 0.6,
    "tau_low": 0.2, "tau_high": 0.8, "ceiling": 0.8, "num_deterministic": 2, "share_of_ceiling": 0.75,
    "regret": 0.0125, "pair_accuracy": 1.0, "significant_pairs": 7, "samples_share": 0.1, "speedup": 4.04, "reason": "",
}  # fmt: skip
MISSING = dict.fromkeys(("tau", "tau_low", "tau_high", "share_of_ceiling", "regret", "pair_accuracy", "speedup"))


def made_sampler(label: str, *rows: dict[str, Any]) -> dict[str, Any]:
    """A sampler with rows that differ from ``ROW`` as given."""
    sample = {"dataset": "toy", "feedback": "implicit", "budget": "10%", "seed": 0, "digest": "0" * 64, "rows": 10,
              "users": 5, "items": 4, "cold_test_users": 0.5, "cold_test_items": 0.0}  # fmt: skip
    return {"label": label, "parameters": {"proxy": "mf", "share": 0.5, "deep": True}, "unit": "interaction",
            "distribution": "recbench", "distribution_version": "0.1.0", "code": "", "samples": (sample,),
            "agreements": tuple({**ROW, **row} for row in rows)}  # fmt: skip


def made_entry(*samplers: dict[str, Any], day: int = 1, datasets: tuple[str, ...] = ("toy",), **changes: Any) -> Entry:
    """An entry of a suite ``toys``, with two full-data seeds."""
    conditions = {"feedback": "implicit", "checksum": "a" * 64, "split": "per-user", "split_seed": 0, "noise": 0.0,
                  "noise_seed": 0, "mask": "full", "history": "sample", "tuning": "full", "select": "auc",
                  "max_epochs": 100, "validate_every": 5, "patience": 5, "protocol": 1, "full_seeds": (0, 1),
                  "sample_seeds": (0,), "algorithms": ({"label": "mf[latent=8]", "code": "b" * 64},)}  # fmt: skip
    environment = {"python": "3.11.1", "platform": "Linux-x86_64", "cpus": 2, "devices": ("cpu",), "packages": {}}
    content = {
        "suite": "toys",
        "suite_version": 2,
        "created": datetime(2026, 1, day, tzinfo=UTC),
        "recbench": "0.1.0",
        "environment": environment,
        "conditions": tuple({**conditions, "dataset": name} for name in datasets),
        "samplers": samplers or (made_sampler("random", {}),),
        "cost": {"runs": 12, "seconds": 3600.0, "compile_seconds": 0.0, "samples_processed": 1000},
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

"""Generated boards: how long their pages take to build, and how large they are.

``python tests/benchmarks/boards.py FOLDER [ENTRIES]`` writes 1,000 entries of one sampler each, or so many as are asked
for, as the board FOLDER/generated-v1, builds its pages, and prints one JSON line. A single entry is of 21 samplers.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from lines import peak_gib, say

from recbench.bench.suite import load_suite
from recbench.boards.entry import Entry, board_folder, read_entries, write_entry
from recbench.boards.html import render_page
from recbench.boards.render import render_board
from recbench.boards.samplers_page import samplers_page

SUITE = "generated"
CEILING = 0.93


def made_entry(number: int, samplers: list[str], datasets: list[str]) -> Entry:
    """An entry whose taus fall with the budget, as real ones do."""
    rng = np.random.default_rng(number)
    suite = load_suite("svp-cf")
    places = [(dataset, feedback) for dataset in datasets for feedback in suite.feedback]
    seed = _digest(number)
    content = {
        "suite": SUITE,
        "suite_version": 1,
        "created": f"2026-{1 + number // 28 % 12:02}-{1 + number % 28:02}T12:00:00Z",
        "recbench": "0.1.0",
        "environment": {"python": "3.11.7", "platform": "Linux-x86_64", "cpus": 2, "devices": ["cpu"],
                        "packages": {"jax": "0.10.2", "numpy": "2.4.6"}},
        "conditions": [_conditions(dataset, feedback) for dataset, feedback in places],
        "samplers": [
            {"label": label, "parameters": {}, "unit": "interaction", "distribution": "generated",
             "distribution_version": "1.0", "code": seed,
             "samples": [_sample(*place, str(budget), seed) for place in places for budget in suite.budgets],
             "agreements": [
                 _agreement(*place, metric, str(budget), quality, rng)
                 for place in places for metric in suite.metrics[place[1]] for budget in suite.budgets]}
            for label, quality in zip(samplers, rng.uniform(0.05, 0.6, len(samplers)), strict=True)
        ],
        "cost": {"runs": 2000, "seconds": 7200.0, "compile_seconds": 100.0, "samples_processed": 10**9},
    }  # fmt: skip
    return Entry.model_validate_json(json.dumps(content))


def made_board(root: Path, entries: int) -> Path:
    """Writes a board; its folder."""
    suite = load_suite("svp-cf")
    folder = board_folder(root, SUITE, 1)
    for number in range(entries):
        alone = entries == 1
        samplers = [str(each) for each in suite.samplers] if alone else [f"sampler-{number}[strength={number % 7}]"]
        datasets = list(suite.datasets[:1]) if alone else [suite.datasets[number % len(suite.datasets)]]
        write_entry(made_entry(number, samplers, datasets), folder)
    return folder


def built(folder: Path) -> dict[str, Any]:
    """Seconds of a processor and bytes, of reading a board's entries and making its pages."""
    seconds, started = {}, time.process_time()

    def lap(name: str) -> None:
        nonlocal started
        now = time.process_time()
        seconds[name], started = round(now - started, 2), now

    entries = read_entries(folder)
    lap("read")
    readme = render_board(entries)
    lap("readme")
    page = samplers_page(entries)
    lap("page")
    html = render_page(page)
    lap("html")
    (folder / "README.md").write_text(readme, encoding="utf-8")
    (folder / "index.html").write_text(html, encoding="utf-8")
    sizes = {"readme_mb": len(readme.encode()), "html_mb": len(html.encode())}
    return {
        "entries": len(entries),
        "rows": len(page.rows),
        "seconds": {**seconds, "all": round(sum(seconds.values()), 2)},
        **{name: round(size / 1e6, 2) for name, size in sizes.items()},
        "peak_gib": peak_gib(),
    }


def _digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _conditions(dataset: str, feedback: str) -> dict[str, Any]:
    return {
        "dataset": dataset, "feedback": feedback, "checksum": _digest(0), "split": "per-user", "split_seed": 0,
        "noise": 0.0, "noise_seed": 0, "mask": "full", "history": "sample", "tuning": "full", "select": "auc",
        "max_epochs": 100, "validate_every": 5, "patience": 5, "protocol": 1, "full_seeds": [0, 1, 2],
        "sample_seeds": [0], "algorithms": [{"label": f"algorithm-{n}", "code": ""} for n in range(14)],
    }  # fmt: skip


def _sample(dataset: str, feedback: str, budget: str, digest: str) -> dict[str, Any]:
    return {"dataset": dataset, "feedback": feedback, "budget": budget, "seed": 0, "digest": digest, "rows": 1000,
            "users": 100, "items": 100, "cold_test_users": 0.1, "cold_test_items": 0.1}  # fmt: skip


def _agreement(
    dataset: str, feedback: str, metric: str, budget: str, quality: float, rng: np.random.Generator
) -> dict[str, Any]:
    place = {"dataset": dataset, "feedback": feedback, "metric": metric, "budget": budget, "num_algorithms": 14}
    share = float(budget.removesuffix("%")) / 100
    if share < 0.05 and rng.random() < 0.1:
        numbers = dict.fromkeys(("tau", "tau_low", "tau_high", "share_of_ceiling", "regret", "pair_accuracy"))
        return {**place, **numbers, "ceiling": CEILING, "num_deterministic": 6, "significant_pairs": 60,
                "samples_share": share, "speedup": None, "reason": "skipped: too small: 20 users are left"}  # fmt: skip
    tau = float(np.clip(1 - (1 - quality) * (1 - share) ** 2 + rng.normal(0, 0.04), -1, 1))
    low = max(-1.0, tau - float(rng.uniform(0.05, 0.2)))
    return {
        **place, "tau": tau, "tau_low": low, "tau_high": min(1.0, tau + float(rng.uniform(0, 0.1))), "ceiling": CEILING,
        "num_deterministic": 6, "share_of_ceiling": tau / CEILING, "regret": max(0.0, float(rng.normal(0.002, 0.004))),
        "pair_accuracy": 0.9, "significant_pairs": 60, "samples_share": share,
        "speedup": float((1 / share) ** 0.8 * rng.uniform(0.7, 1.1)), "reason": "",
    }  # fmt: skip


if __name__ == "__main__":
    say(built(made_board(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000)))

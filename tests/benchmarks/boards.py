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
from recbench.boards.entry import Entry
from recbench.boards.files import board_folder, entry_name, entry_text, read_entries
from recbench.boards.fill import board_page
from recbench.boards.html import render_page
from recbench.boards.render import render_board

SUITE = "generated"
CEILING = 0.93


def made_entry(number: int, samplers: list[str], datasets: list[str]) -> Entry:
    """An entry whose taus fall with the budget, as real ones do; of its runs there is one for each place."""
    rng = np.random.default_rng(number)
    suite = load_suite("svp-cf")
    places = [(dataset, feedback) for dataset in datasets for feedback in suite.feedback]
    digest, budgets = _digest(number), [str(budget) for budget in suite.budgets]
    agreements = [
        _agreement(*place, metric, label, budget, quality, rng)
        for label, quality in zip(samplers, rng.uniform(0.05, 0.6, len(samplers)), strict=True)
        for place in places
        for metric in suite.metrics[place[1]]
        for budget in budgets
    ]
    content = {
        "format": 2, "board": "samplers", "suite": SUITE, "suite_version": 1, "subset": "",
        "created": f"2026-{1 + number // 28 % 12:02}-{1 + number % 28:02}T12:00:00Z",
        "recbench": "0.1.0", "submitter": f"Submitter {number}", "link": f"https://example.org/{number}",
        "environment": {"python": "3.11.7", "platform": "Linux-x86_64", "cpus": 2, "devices": ["cpu"],
                        "packages": {"jax": "0.10.2", "numpy": "2.4.6"}},
        "conditions": [_conditions(*place) for place in places], "left_out": [],
        "samplers": [
            {"label": label, "parameters": {}, "unit": "interaction", "form": "order", "distribution": "generated",
             "distribution_version": "1.0", "code": digest} for label in samplers],
        "algorithms": [
            {"label": f"algorithm-{n}", "parameters": {}, "deterministic": n < 6, "distribution": "recbench",
             "distribution_version": "0.1.0", "code": ""} for n in range(14)],
        "samples": [_sample(*place, label, budget, digest) for label in samplers for place in places
                    for budget in budgets],
        "cells": [_cell(*place) for place in places], "replicates": {"sha256": digest, "rows": len(places)},
        "agreements": agreements,
        "means": [_mean(label, budget, agreements) for label in samplers for budget in budgets],
        "standings": [], "qualities": [],
        "cost": {"runs": 2000, "seconds": 7200.0, "compile_seconds": 100.0, "samples_processed": 10**9},
        "digests": {},
    }  # fmt: skip
    return Entry.model_validate_json(json.dumps(content))


def made_board(root: Path, entries: int) -> Path:
    """Writes a board; its folder."""
    suite = load_suite("svp-cf")
    folder = board_folder(root, SUITE, 1)
    (folder / "entries").mkdir(parents=True)
    for number in range(entries):
        alone = entries == 1
        samplers = [str(each) for each in suite.samplers] if alone else [f"sampler-{number}[strength={number % 7}]"]
        datasets = list(suite.datasets[:1]) if alone else [suite.datasets[number % len(suite.datasets)]]
        entry = made_entry(number, samplers, datasets)
        content = entry_text(entry).encode()
        (folder / "entries" / entry_name(entry, content)).write_bytes(content)
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
    page = board_page(entries)
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
        "metric_code": "", "max_epochs": 100, "validate_every": 5, "patience": 5, "protocol": 1,
        "full_seeds": [0, 1, 2], "sample_seeds": [0],
    }  # fmt: skip


def _sample(dataset: str, feedback: str, sampler: str, budget: str, digest: str) -> dict[str, Any]:
    return {"dataset": dataset, "feedback": feedback, "sampler": sampler, "budget": budget, "seed": 0, "digest": digest,
            "rows": 1000, "users": 100, "items": 100, "cold_test_users": 0.1, "cold_test_items": 0.1,
            "popularity_shift": 0.1, "time_span": 0.5, "sketch": []}  # fmt: skip


def _cell(dataset: str, feedback: str) -> dict[str, Any]:
    return {"dataset": dataset, "feedback": feedback, "sampler": "full", "budget": "100%", "sample_seed": 0,
            "algorithm": "algorithm-0", "hyper": {}, "training_seed": 0, "status": "ok", "reason": "",
            "validation": 0.5, "metrics": {"auc": 0.5}, "seconds": 1.0, "compile_seconds": 0.1,
            "sampler_seconds": 0.0, "samples_processed": 1000, "epochs": 5}  # fmt: skip


def _mean(sampler: str, budget: str, agreements: list[dict[str, Any]]) -> dict[str, Any]:
    lines = [row for row in agreements if (row["sampler"], row["budget"]) == (sampler, budget)]
    taus = [row["tau"] for row in lines if row["tau"] is not None]
    tau = float(np.mean(taus)) if len(taus) == len(lines) else None
    low, high = (None, None) if tau is None else (max(-1.0, tau - 0.1), min(1.0, tau + 0.05))
    return {"sampler": sampler, "budget": budget, "taus": len(taus), "lines": len(lines), "tau": tau, "tau_low": low,
            "tau_high": high, "ceiling": CEILING, "share_of_ceiling": None, "pair_accuracy": None,
            "samples_share": None, "speedup": None}  # fmt: skip


def _agreement(
    dataset: str, feedback: str, metric: str, sampler: str, budget: str, quality: float, rng: np.random.Generator
) -> dict[str, Any]:
    place = {"dataset": dataset, "feedback": feedback, "metric": metric, "sampler": sampler, "budget": budget,
             "num_algorithms": 14}  # fmt: skip
    share = float(budget.removesuffix("%")) / 100
    if share < 0.05 and rng.random() < 0.1:
        numbers = dict.fromkeys(("rank", "tau", "tau_low", "tau_high", "share_of_ceiling", "regret", "pair_accuracy"))
        return {**place, **numbers, "ceiling": CEILING, "num_deterministic": 6, "significant_pairs": 60,
                "samples_share": share, "speedup": None, "reason": "skipped: too small: 20 users are left"}  # fmt: skip
    tau = float(np.clip(1 - (1 - quality) * (1 - share) ** 2 + rng.normal(0, 0.04), -1, 1))
    low = max(-1.0, tau - float(rng.uniform(0.05, 0.2)))
    return {
        **place, "rank": 1, "tau": tau, "tau_low": low, "tau_high": min(1.0, tau + float(rng.uniform(0, 0.1))),
        "ceiling": CEILING,
        "num_deterministic": 6, "share_of_ceiling": tau / CEILING, "regret": max(0.0, float(rng.normal(0.002, 0.004))),
        "pair_accuracy": 0.9, "significant_pairs": 60, "samples_share": share,
        "speedup": float((1 / share) ** 0.8 * rng.uniform(0.7, 1.1)), "reason": "",
    }  # fmt: skip


if __name__ == "__main__":
    say(built(made_board(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000)))

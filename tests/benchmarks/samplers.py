"""Every sampler of the study at its six fractions: seconds, compilation apart, and peak memory; a JSON line a sampler.

Proxies are counted where they are trained: all samplers of a data set share them. Without sampler labels all that need
no proxy are drawn, with ``--proxies`` all of them, and with ``--published`` the sixteen of the study, whose proxies met
one negative a row. A second drawer is timed, so that nothing is compiled.

``python tests/benchmarks/samplers.py DATASET [--proxies | --published] [--feedback TYPE] [--once] [LABEL ...]``
"""

from __future__ import annotations

import argparse
import time

from lines import peak_gib, say

from recbench import Budget, load_dataset, make_split
from recbench.bench.environment import programs_folder
from recbench.bench.sample import SampleDrawer
from recbench.bench.suite import load_suite
from recbench.contracts.errors import ParameterError
from recbench.contracts.labels import Label
from recbench.contracts.records import FEEDBACK_TYPES, Split
from recbench.engine import devices

AUTHORS_SECONDS = 191
"""The authors' code: sixteen samplers, six fractions and both splits of ml-100k, on the same two cores, once."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("dataset")
    parser.add_argument("labels", nargs="*")
    parser.add_argument("--proxies", action="store_true", help="also the samplers that train one")
    parser.add_argument("--published", action="store_true", help="the sixteen, with one negative a row")
    parser.add_argument("--feedback", choices=FEEDBACK_TYPES, nargs="*", default=list(FEEDBACK_TYPES))
    parser.add_argument("--once", action="store_true", help="time the first drawer, compilation subtracted")
    asked = parser.parse_args()
    devices.enable_compilation_cache(programs_folder())
    suite, dataset = load_suite("svp-cf"), load_dataset(asked.dataset)
    labels = asked.labels or [each for each in suite.samplers if asked.proxies or "svp-cf" not in each]
    if asked.published:
        labels = [_with_one_negative(each) for each in suite.subset("published").samplers]
    budgets = [Budget.parse(text) for text in suite.budgets]
    total = 0.0
    for feedback in asked.feedback:
        split = make_split(dataset, feedback=feedback)
        say({"feedback": feedback, "train": len(split.train), "peak_gib": peak_gib()})
        if not asked.once:
            drawn(split, labels, budgets, quiet=True)
        total += drawn(split, labels, budgets)
    say({"seconds": round(total, 2), "authors_seconds": AUTHORS_SECONDS, "peak_gib": peak_gib()})


def drawn(split: Split, labels: list[str], budgets: list[Budget], *, quiet: bool = False) -> float:
    drawer, total = SampleDrawer(split), 0.0
    for label in labels:
        began, compiling = time.perf_counter(), devices.compile_seconds()
        try:
            kept = [len(drawer.draw(label, budget).rows) for budget in budgets]
        except ParameterError as error:
            say({"sampler": label, "refused": str(error)})
            continue
        seconds = time.perf_counter() - began - (devices.compile_seconds() - compiling)
        total += seconds
        if not quiet:
            say({"sampler": label, "seconds": round(seconds, 3), "kept": kept, "peak_gib": peak_gib()})
    return total


def _with_one_negative(text: str) -> str:
    label = Label.parse(text)
    one = Label(label.name, tuple(sorted((*label.overrides, ("negatives", 1)))))
    return str(one) if label.name.startswith("svp-cf") else text


if __name__ == "__main__":
    main()

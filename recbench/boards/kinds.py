"""The kinds of boards: what each is about, and what its words mean."""

from __future__ import annotations

from collections.abc import Mapping

from recbench.boards.page import AlgorithmRow, Board, SamplerRow, SynthesiserRow, Tier

_COMMON_TERMS = (
    (
        "mean",
        "over all rows of the view. Whoever misses a row that others have has none, for one of the rest might flatter.",
    ),
    ("dash", "a missing value; the note of the row says why."),
)

SAMPLERS = Board(
    name="samplers",
    rows=SamplerRow,
    question="How much of the ranking of the algorithms on full data is left when they are trained on a sample?",
    contestant="sampler",
    measure="tau",
    filters=("feedback", "dataset", "metric", "budget"),
    averaged=("share", "regret", "speedup"),
    units=("regret",),
    reference="ceiling",
    plots=("budget", "speedup"),
    terms=(
        (
            "tau",
            "Kendall's tau-b between the ranking of the algorithms trained on full data and that of the same ones "
            "trained on the sample, both on the same full test set: 1 keeps every pair in order, 0 is "
            "chance, -1 turns every pair round.",
        ),
        (
            "interval",
            "2.5 % to 97.5 % of bootstrap replicates of the test users. Noise pulls tau down, so that an interval sits "
            "low, and may lie below its tau. That of a mean goes from the mean of the lower ends to the mean of the "
            "upper ones, as if all errors went the same way: wider than it need be.",
        ),
        (
            "ceiling",
            "the tau that runs on full data reach with each other when only their training seeds differ: what lies "
            "above it is chance. Share is tau divided by it.",
        ),
        ("regret", "what picking the sample's winner loses on full data, in units of the metric."),
        (
            "speed-up",
            "seconds of training on full data divided by those on the sample, drawing it included; its mean is the "
            "geometric one.",
        ),
        (
            "over",
            "how many algorithms are ranked. Over few of them tau is coarse. Those that are fixed have no training "
            "seed and lift the ceiling; where all are, there is none.",
        ),
        *_COMMON_TERMS,
    ),
)

ALGORITHMS = Board(
    name="algorithms",
    rows=AlgorithmRow,
    question="How good is each algorithm on full data, tuned on the validation rows?",
    contestant="algorithm",
    measure="value",
    filters=("feedback", "dataset", "metric"),
    averaged=(),
    units=("value",),
    terms=(
        ("value", "the metric on the full test set, all items ranked, as the mean over training seeds."),
        ("interval", "2.5 % to 97.5 % of bootstrap replicates of the test users."),
        ("hyper-parameters", "what was chosen on the validation rows; nothing is chosen on the test set."),
        *_COMMON_TERMS,
    ),
)

SYNTHESISERS = Board(
    name="synthesisers",
    rows=SynthesiserRow,
    question="How good is an algorithm that is trained on a few fake users in place of all real ones?",
    contestant="sampler",
    measure="value",
    filters=("feedback", "dataset", "metric", "algorithm", "budget"),
    averaged=("share",),
    units=("value", "full"),
    reference="full",
    plots=("budget",),
    terms=(
        ("value", "the metric on the full test set of an algorithm that was trained on the fake users alone."),
        ("full data", "the same algorithm, trained on the real data. Share is value divided by it."),
        ("interval", "2.5 % to 97.5 % of bootstrap replicates of the test users."),
        *_COMMON_TERMS,
    ),
)

TIER_TERMS: Mapping[Tier, str] = {
    "self-reported": "the entry has the right form; its numbers are those of whoever submitted it.",
    "recomputed": "every derived number was computed again from the raw ones in the entry, and its samples were drawn "
    "again from their seeds: the entry agrees with itself.",
    "re-run": "cells of it, chosen at random, were trained again, and agree within the stated tolerance.",
}

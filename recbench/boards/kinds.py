"""The kinds of boards: what each is about, and what its words mean."""

from __future__ import annotations

from collections.abc import Mapping

from recbench.boards.page import AlgorithmRow, Board, SamplerRow, SynthesiserRow
from recbench.boards.verdict import Tier

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
            "low, and may lie below its tau. That of a mean is the entry's own where the view has all its rows of a "
            "sampler at one budget; elsewhere it goes from the mean of the lower ends to the mean of the upper ones, "
            "as if all errors went the same way: wider than it need be.",
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
        ("spread", "the standard deviation over training seeds."),
        ("seconds", "training and scoring, of one run."),
        ("hyper-parameters", "what was chosen on the validation rows; nothing is chosen on the test set."),
        *_COMMON_TERMS,
    ),
)

SYNTHESISERS = Board(
    name="synthesisers",
    rows=SynthesiserRow,
    question="How good is an algorithm that is trained on a few users, fake or real ones, in place of all?",
    contestant="sampler",
    measure="value",
    filters=("feedback", "dataset", "metric", "algorithm", "budget"),
    averaged=("share",),
    units=("value", "full"),
    reference="full",
    plots=("budget",),
    terms=(
        ("value", "the metric on the full test set of an algorithm that was trained on these users alone."),
        (
            "full data",
            "the same algorithm, trained on all train rows. Share is how good the value is as a share of that: above 1 "
            "is better than full data, whatever the metric's direction.",
        ),
        ("interval", "2.5 % to 97.5 % of bootstrap replicates of the test users; that of the share is paired."),
        ("spread", "the standard deviation over seeds."),
        ("seconds", "training and scoring, of one run; drawing is making or drawing the users."),
        *_COMMON_TERMS,
    ),
)

TIER_TERMS: Mapping[Tier, str] = {
    "self-reported": "the numbers are those of whoever submitted the entry.",
    "recomputed": "every number that follows from the runs was computed again, and all samples were drawn again from "
    "their seeds: the entry agrees with itself.",
    "re-run": "and some of its runs, chosen at random, were made again, and agree within the stated tolerance.",
}

"""The contracts of plugins, rule by rule: every failed check names the plugin and the rule.

Those of a sampler that each draw is held to stand with the drawing, in :mod:`recbench.bench.rules`.
"""

from __future__ import annotations

from recbench.bench.rules import RULES
from recbench.contracts.errors import ContractError
from recbench.contracts.records import Feedback
from recbench.registry import Kind
from recbench.registry.entries import SINGULAR

PLUGIN_RULES = {
    "loads": "what the spec names can be loaded",
    "lists-fast": "what registers it imports neither JAX, Flax, Optax, Polars nor pydantic",
}

SAMPLER_RULES = {
    "runs": "it draws from every log, feedback type and budget that its spec allows, however degenerate",
    **RULES,
    "units-whole": "users and items are kept or dropped whole where the unit says so",
    "nested": "a larger budget keeps all that a smaller one does, and the whole keeps everything",
    "seed-matters": "what draws gives other samples for other seeds",
    "seed-breaks-ties": "what is declared to draw nothing says the same of every row whatever the seed",
    "file-order-means-nothing": "in a log with times, the order of the rows in the file changes no sample",
    "ids-mean-nothing": "renaming users and items changes no score where nothing is drawn",
    "times-are-declared": "what does not say needs_timestamps draws from a log without times",
    "parameters-fit": "every bound and choice of a parameter draws, or is refused by one sentence",
}

DATASET_RULES = {
    "reads": "it loads as a Dataset under its own name, without the network unless it says needs_network",
    "columns": "rows have the types and the ranges of an interaction log",
    "ids": "ids are sorted, unique and all in use",
    "canonical": "rows stand in canonical order, and the checksum is that of these rows and ids",
    "counts": "there are as many users, items and rows as the spec says",
    "repeatable": "two loads give equal checksums",
    "splits": "every split that its columns allow can be made",
}

ALGORITHM_RULES = {
    "learns-the-checkerboard": "users who like items of their own parity get such items first",
    "follows-the-cycle": "what uses the order of a history finds the next item of a cycle",
    "one-order-for-all": "what is not personalised gives every user the items in the same order",
    "beats-chance": "planted preferences are found better than by chance",
    "batch-changes-nothing": "a run in a batch, in turn or side by side, gives what it gives alone",
    "compiles-once": "other samples, seeds and traced hyper-parameters compile nothing anew",
    "repeats-itself": "the same sample, hyper-parameters and seed give the same scores",
    "seed-changes-nothing": "what is declared deterministic does not depend on the seed",
    "seed-matters": "what does not depend on the seed is declared deterministic",
    "padding-changes-nothing": "what is padded is not read",
    "ids-mean-nothing": "renaming users and items renames the scores, and changes nothing else",
    "scores-are-finite": "every user, seen or not, gets one finite score an item",
    "unseen-is-nobody": "a user whose number is -1 is not scored as somebody else",
    "cold-is-forgotten": "users and items without a kept row keep nothing of their initial values",
    "predictions-agree": "predicted ratings order a user's items as the scores do",
    "learns-from-fake-users": "what is declared to train on fake users learns from their rows alone",
    "sizes-fit": "every allowed value of a static hyper-parameter runs, or is refused by one sentence",
}


def broken(algorithm: str, feedback: Feedback, rule: str, found: str) -> ContractError:
    """The error for an algorithm that broke a rule of its contract.

    >>> print(broken("mine", "implicit", "repeats-itself", "two fits differ by 3 %"))
    the algorithm 'mine' on implicit feedback broke the rule 'repeats-itself' (the same sample, hyper-parameters and \
seed give the same scores): two fits differ by 3 %
    """
    subject = f"the algorithm {algorithm!r} on {feedback} feedback"
    return ContractError(f"{subject} broke the rule {rule!r} ({ALGORITHM_RULES[rule]}): {found}", rule=rule)


def broken_by(kind: Kind, name: str, rule: str, meaning: str, found: str) -> ContractError:
    """The same for a sampler or a data set.

    >>> print(broken_by("samplers", "mine", "nested", SAMPLER_RULES["nested"], "10 % keeps a row that 20 % drops"))
    the sampler 'mine' broke the rule 'nested' (a larger budget keeps all that a smaller one does, and the whole keeps \
everything): 10 % keeps a row that 20 % drops
    """
    return ContractError(f"the {SINGULAR[kind]} {name!r} broke the rule {rule!r} ({meaning}): {found}", rule=rule)

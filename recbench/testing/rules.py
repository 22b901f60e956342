"""The contract of algorithms, rule by rule: every failed check names the algorithm, the feedback and the rule."""

from __future__ import annotations

from recbench.contracts.errors import ContractError
from recbench.contracts.records import Feedback

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
    return ContractError(
        f"the algorithm {algorithm!r} on {feedback} feedback broke the rule {rule!r} ({ALGORITHM_RULES[rule]}): {found}"
    )

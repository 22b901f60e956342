"""Hyper-parameters and feedback types that several algorithms share."""

from __future__ import annotations

from recbench import Feedback, Parameter

RANKING: tuple[Feedback, ...] = ("implicit", "sequential")
ALL: tuple[Feedback, ...] = ("explicit", "implicit", "sequential")

L2 = Parameter("l2", 1e-6, "L2 penalty, added to the gradient", traced=True, minimum=0)
BATCH_SIZE = Parameter("batch_size", 1024, "interactions a step", minimum=1)
UPDATES = Parameter(
    "updates",
    "tables",
    "what Adam updates in a step: whole tables, or lazily the rows of the batch",
    choices=("tables", "rows"),
)


def learning_rate(default: float) -> Parameter:
    """Adam's step size."""
    return Parameter("learning_rate", default, "Adam's step size", traced=True, minimum=0)


def latent(default: int, doc: str = "factors of each user and item") -> Parameter:
    """Width of the representation."""
    return Parameter("latent", default, doc, minimum=1)


def dropout(default: float, doc: str = "share of factors dropped in a step") -> Parameter:
    """Dropout rate."""
    return Parameter("dropout", default, doc, traced=True, minimum=0, maximum=0.99)

"""The sampler ``data-genie``: takes the sample of whichever sampler is predicted to keep the ranking best."""

from __future__ import annotations

import numpy as np

from recbench import Budget, Interactions, Provenance, Sample, SamplerContext, Synthesis, arrays_dataset
from recbench_genie.ask import rank


def take_best(train: Interactions, budget: Budget, context: SamplerContext) -> Sample | Synthesis:
    """The sample, drawn from all of train, of the sampler with the highest predicted tau.

    Raises:
      GenieError: the log is too small, the budget no share, or the metric one that the genie has not learned of.
    """
    data = arrays_dataset(
        train.user, train.item, train.rating, train.timestamp,
        name="the log", provenance=Provenance("train rows of a sampler"),
        user_ids=np.arange(train.num_users), item_ids=np.arange(train.num_items),
    )  # fmt: skip
    answer = rank(
        data,
        budget,
        feedback=context.feedback,
        metric=str(context.parameters["metric"]) or None,
        cheap=bool(context.parameters["cheap"]),
        seed=int(context.rng.integers(2**31)),
        report=lambda text: context.progress(0, 0, text),
    )
    for text in answer.warnings:
        context.progress(0, 0, f"warning: {text}")
    return context.draw(answer.best, budget)

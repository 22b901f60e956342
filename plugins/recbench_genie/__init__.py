"""DATA-GENIE: which sampler is best for a data set, found without training recommenders. Listing it imports nothing."""

from __future__ import annotations

from collections.abc import Iterable

from recbench import CommandSpec, Parameter, SamplerSpec, hookimpl

_SOURCE = "Sachdeva, Wu, McAuley: On Sampling Collaborative Filtering Datasets, WSDM 2022, section 5"


@hookimpl
def recbench_samplers() -> Iterable[SamplerSpec]:
    """The sampler that takes whichever is predicted to be the best."""
    return [
        SamplerSpec(
            name="data-genie",
            load="recbench_genie.sampler:take_best",
            summary="The sample of the sampler that DATA-GENIE predicts the highest tau for.",
            source=_SOURCE,
            form="select",
            parameters=(
                Parameter("metric", "", "what algorithms will be ranked by; empty: rmse, or ndcg@10"),
                Parameter("cheap", False, "look at the log alone, and draw no samples to compare"),
            ),
            formula="argmax over samplers s of the tau predicted for (D, D_s,p)",
        )
    ]


@hookimpl
def recbench_commands() -> Iterable[CommandSpec]:
    """``recbench genie``."""
    return [
        CommandSpec(
            name="genie",
            load="recbench_genie.commands:genie",
            summary="Predict which sampler is best for a log, without training recommenders.",
            source=_SOURCE,
        )
    ]

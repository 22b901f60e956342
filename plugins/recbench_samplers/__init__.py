"""The built-in samplers, one method per file. This module imports no numerics: listing stays fast."""

from __future__ import annotations

from collections.abc import Iterable

from recbench import Parameter, SamplerSpec, hookimpl

_STUDY = "Sachdeva, Wu, McAuley, On Sampling Collaborative Filtering Datasets, WSDM 2022"
_PROXY = Parameter("proxy", "bias-only", "the algorithm whose errors say how hard a row is", ("bias-only", "mf"))
_EPOCHS = Parameter("epochs", 50, "epochs of the proxy's training that the errors are summed over", minimum=1)
_NEGATIVES = Parameter("negatives", 10, "unobserved items that a positive is compared with", minimum=1)
_UPDATES = Parameter("updates", "tables", "what a step of the proxy changes: all, or what it reads", ("tables", "rows"))


@hookimpl
def recbench_samplers() -> Iterable[SamplerSpec]:
    """Random, stratified and temporal samples, head users, SVP-CF, and what is central or near in the graph."""
    return [
        SamplerSpec(
            name="random",
            load="recbench_samplers.random:order",
            summary="Interactions, users or items at random.",
            source=f"{_STUDY}, section 3",
            units=("interaction", "user", "item"),
            formula="a uniform draw for each unit",
        ),
        SamplerSpec(
            name="stratified",
            load="recbench_samplers.stratified:order",
            summary="The same share of every user's history, at random within it.",
            source=f"{_STUDY}, section 3",
            formula="-(random rank within the history + offset of the user) / history length, offset uniform in [0, 1)",
        ),
        SamplerSpec(
            name="temporal",
            load="recbench_samplers.temporal:order",
            summary="The most recent share of every user's history.",
            source=f"{_STUDY}, section 3",
            needs_timestamps=True,
            formula="-(rank within the history, newest first + offset of the user) / history length, offset in [0, 1)",
        ),
        SamplerSpec(
            name="head",
            load="recbench_samplers.head:order",
            summary="The users with the longest histories: the usual dense core.",
            source=f"{_STUDY}, section 3",
            units=("user",),
            draws=False,
            formula="history length",
        ),
        SamplerSpec(
            name="svp-cf",
            load="recbench_samplers.svp_cf:order",
            summary="What a cheap proxy keeps getting wrong while it trains: easy rows go first.",
            source=f"{_STUDY}, section 3.1",
            units=("interaction", "user", "item"),
            parameters=(_PROXY, _EPOCHS, _NEGATIVES, _UPDATES),
            formula="sum over the proxy's epochs of its error on the row: squared error, or 1 - AUC against negatives",
        ),
        SamplerSpec(
            name="svp-cf-prop",
            load="recbench_samplers.svp_cf_prop:order",
            summary="SVP-CF, where what is unlikely to be observed at all counts for more.",
            source=f"{_STUDY}, section 3.1",
            units=("interaction", "user", "item"),
            parameters=(_PROXY, _EPOCHS, _NEGATIVES, _UPDATES),
            formula="importance of SVP-CF x the larger inverse propensity of user and item (of what is kept whole)",
        ),
        SamplerSpec(
            name="centrality",
            load="recbench_samplers.centrality:order",
            summary="The rows between users and items that are central in the graph of both.",
            source=f"{_STUDY}, section 3",
            parameters=(
                Parameter("damping", 0.85, "share of a rank that goes along the edges", minimum=0, maximum=0.99),
            ),
            draws=False,
            formula="min(PageRank of the user, PageRank of the item) on the bipartite graph",
        ),
        SamplerSpec(
            name="random-walk",
            load="recbench_samplers.random_walk:order",
            summary="The rows between users and items that a random walk with restart reaches first.",
            source=f"{_STUDY}, section 3; Leskovec, Faloutsos, Sampling from Large Graphs, KDD 2006",
            parameters=(Parameter("restart", 0.1, "probability of a step back to the start", minimum=0, maximum=0.99),),
            formula="-max(first visit of the user, of the item); after 1,000 steps without a new node a new start",
        ),
        SamplerSpec(
            name="forest-fire",
            load="recbench_samplers.forest_fire:order",
            summary="The rows between users and items that a forest fire burns first.",
            source=f"{_STUDY}, section 3; Leskovec, Faloutsos, Sampling from Large Graphs, KDD 2006",
            parameters=(
                Parameter(
                    "p", 0.4, "of the geometric number of neighbours lit: 1 / p on average", minimum=0.01, maximum=1
                ),
            ),
            formula="-max(place of the user, of the item in the order of burning)",
        ),
    ]

"""Nearest items and users."""

from __future__ import annotations

from recbench import AlgorithmSpec, Parameter
from recbench_algorithms.specs.parameters import RANKING

_ITEMS = Parameter("neighbours", 50, "nearest items that count", traced=True, minimum=1)
_USERS = Parameter("neighbours", 50, "nearest users that count", traced=True, minimum=1)
_WEIGHTING = Parameter(
    "weighting",
    "none",
    "how much a rare user (for items) or item (for users) says",
    choices=("none", "tf-idf", "bm25"),
)
_ASYMMETRY = Parameter(
    "asymmetry",
    0.5,
    "share of the normalisation that falls on the neighbour; 0.5 is the cosine",
    traced=True,
    minimum=0,
    maximum=1,
)
_DAMPING = Parameter("damping", 5.0, "ratings of no deviation added to each bias of a baseline", minimum=0)
_SIGNIFICANCE = Parameter(
    "shrink", 20.0, "common ratings at which a similarity counts for half", traced=True, minimum=0
)

SPECS = (
    AlgorithmSpec(
        name="item-knn",
        load="recbench_algorithms.item_knn:ItemKNN",
        summary="Nearest items by the cosine of their users, which may be weighted.",
        source="Deshpande, Karypis, TOIS 2004",
        form="solved",
        feedback=RANKING,
        hyper=(
            _ITEMS,
            Parameter(
                "shrink",
                0.0,
                "added to the product of the lengths: damps similarities of rare items",
                traced=True,
                minimum=0,
            ),
            _WEIGHTING,
            _ASYMMETRY,
        ),
        deterministic=True,
        fake_users=True,
        history="all",
        formula="score(u, i) = sum of s(i, j) over j in the history and among the k nearest of i",
    ),
    AlgorithmSpec(
        name="user-knn",
        load="recbench_algorithms.user_knn:UserKNN",
        summary="What the nearest users have, by the cosine of their items, which may be weighted.",
        source="Sarwar, Karypis, Konstan, Riedl, EC 2000",
        form="solved",
        feedback=RANKING,
        hyper=(_USERS, _WEIGHTING, _ASYMMETRY),
        deterministic=True,
        fake_users=True,
        history="all",
        formula="score(u, i) = sum of s(u, v) x_vi over the k nearest users v of u",
    ),
    AlgorithmSpec(
        name="item-knn-ratings",
        load="recbench_algorithms.item_knn_ratings:ItemKNNRatings",
        summary="Ratings from the nearest items that the user has rated, around means or baselines.",
        source="Koren, KDD 2008, section 2.2",
        form="solved",
        feedback=("explicit",),
        hyper=(
            _ITEMS,
            _SIGNIFICANCE,
            Parameter("centre", "baseline", "what ratings deviate from", choices=("baseline", "item-mean")),
            _DAMPING,
        ),
        deterministic=True,
        history="all",
        formula="b_ui + sum s(i, j) (r_uj - b_uj) / sum s(i, j) over the k nearest rated j",
    ),
    AlgorithmSpec(
        name="user-knn-ratings",
        load="recbench_algorithms.user_knn_ratings:UserKNNRatings",
        summary="Ratings from the nearest users who rated the item, around means or baselines.",
        source="Herlocker, Konstan, Borchers, Riedl, SIGIR 1999",
        form="solved",
        feedback=("explicit",),
        hyper=(
            _USERS,
            _SIGNIFICANCE,
            Parameter("centre", "baseline", "what ratings deviate from", choices=("baseline", "user-mean")),
            _DAMPING,
        ),
        deterministic=True,
        history="all",
        formula="b_ui + sum s(u, v) (r_vi - b_vi) / sum s(u, v) over the k nearest raters v of i",
    ),
    AlgorithmSpec(
        name="rp3beta",
        load="recbench_algorithms.rp3beta:RP3beta",
        summary="Walks of three steps from the user, with popular ends penalised.",
        source="Paudel, Christoffel, Newell, Bernstein, TiiS 2017",
        form="solved",
        feedback=RANKING,
        hyper=(
            Parameter("neighbours", 100, "items that can lead to an item", traced=True, minimum=1),
            Parameter("alpha", 0.8, "power of the transition probabilities", minimum=0, maximum=2),
            Parameter("beta", 0.5, "power of the popularity that is divided by", traced=True, minimum=0, maximum=2),
        ),
        deterministic=True,
        fake_users=True,
        history="all",
        formula="score(u, i) = sum over j in the history of (p_jv^alpha p_vi^alpha summed over users v) / n_i^beta",
    ),
    AlgorithmSpec(
        name="markov",
        load="recbench_algorithms.markov:Markov",
        summary="What followed the last items of the history, by counting.",
        source="Rendle et al., WWW 2010; Ludewig, Jannach, UMUAI 2018",
        form="solved",
        feedback=("sequential",),
        hyper=(
            Parameter("window", 10, "places after an item that count as following it", minimum=1),
            Parameter("length", 20, "last items of a history that are followed", minimum=1),
            Parameter("alpha", 1.0, "power of the count of the item before", traced=True, minimum=0, maximum=2),
            Parameter("beta", 0.0, "power of the count of the item after", traced=True, minimum=0, maximum=2),
        ),
        deterministic=True,
        history="length",
        formula="score(u, i) = sum over the last items j, d back, of n_ji / (n_j^alpha n_i^beta d)",
    ),
)

"""Nearest items and users."""

from __future__ import annotations

from recbench import AlgorithmSpec, Parameter
from recbench_algorithms.specs.parameters import RANKING

_NEIGHBOURS = Parameter("neighbours", 50, "nearest items that count", minimum=1)
_SHRINK = Parameter(
    "shrink", 0.0, "added to the product of the norms: damps similarities of rare items", traced=True, minimum=0
)

SPECS = (
    AlgorithmSpec(
        name="item-knn",
        load="recbench_algorithms.item_knn:ItemKNN",
        summary="Nearest items by cosine of their users.",
        source="Deshpande, Karypis, TOIS 2004",
        form="solved",
        feedback=RANKING,
        hyper=(_NEIGHBOURS, _SHRINK),
        deterministic=True,
        fake_users=True,
        history="all",
        formula="score(u, i) = sum of s(i, j) over j in the history and among the k nearest of i",
    ),
    AlgorithmSpec(
        name="item-knn-ratings",
        load="recbench_algorithms.item_knn:ItemKNNRatings",
        summary="Ratings from the nearest items that the user has rated.",
        source="Sarwar et al., WWW 2001",
        form="solved",
        feedback=("explicit",),
        hyper=(_NEIGHBOURS, _SHRINK),
        deterministic=True,
        history="all",
        formula="mean_i + sum s(i, j) (r_uj - mean_j) / sum |s(i, j)| over the k nearest rated j",
    ),
)

"""Counts and means: the floor under every other algorithm."""

from __future__ import annotations

from recbench import AlgorithmSpec
from recbench_algorithms.specs.parameters import RANKING

SPECS = (
    AlgorithmSpec(
        name="popularity",
        load="recbench_algorithms.popularity:Popularity",
        summary="The items with most train interactions, for everybody.",
        source="standard baseline",
        form="solved",
        feedback=RANKING,
        deterministic=True,
        personalised=False,
        fake_users=True,
        formula="score(u, i) = count(i)",
    ),
    *(
        AlgorithmSpec(
            name=name,
            load=f"recbench_algorithms.means:{load}",
            summary=f"Predicts {what}.",
            source="standard baseline",
            form="solved",
            feedback=("explicit",),
            deterministic=True,
            personalised=False,
        )
        for name, load, what in (
            ("global-mean", "GlobalMean", "the mean train rating"),
            ("user-mean", "UserMean", "the user's mean train rating"),
            ("item-mean", "ItemMean", "the item's mean train rating"),
        )
    ),
)

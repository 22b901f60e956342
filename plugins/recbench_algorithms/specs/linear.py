"""Linear models of items, in closed form."""

from __future__ import annotations

from recbench import AlgorithmSpec, Parameter
from recbench_algorithms.specs.parameters import RANKING

SPECS = (
    AlgorithmSpec(
        name="ease",
        load="recbench_algorithms.ease:EASE",
        summary="A linear item-item model with zero diagonal, in closed form.",
        source="Steck, WWW 2019",
        form="solved",
        feedback=RANKING,
        hyper=(Parameter("l2", 500.0, "ridge on the weights", traced=True, minimum=0),),
        deterministic=True,
        fake_users=True,
        history="all",
        formula="B = -P / diag(P) off the diagonal, P = (X'X + l2 I)^-1; score = X B",
    ),
)

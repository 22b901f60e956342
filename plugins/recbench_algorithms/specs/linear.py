"""Linear models of items, in closed form."""

from __future__ import annotations

from recbench import AlgorithmSpec, Parameter
from recbench_algorithms.specs.parameters import RANKING, latent

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
    AlgorithmSpec(
        name="edlae",
        load="recbench_algorithms.edlae:EDLAE",
        summary="EASE trained to denoise dropped items, in closed form.",
        source="Steck, NeurIPS 2020",
        form="solved",
        feedback=RANKING,
        hyper=(
            Parameter("dropout", 0.5, "share of items dropped", traced=True, minimum=0, maximum=0.99),
            Parameter("l2", 300.0, "ridge on the weights", traced=True, minimum=0),
        ),
        deterministic=True,
        fake_users=True,
        history="all",
        formula="as EASE with P = (X'X + p/(1 - p) diag(X'X) + l2 I)^-1",
    ),
    AlgorithmSpec(
        name="slim",
        load="recbench_algorithms.slim:SLIM",
        summary="A sparse, non-negative linear item-item model with zero diagonal.",
        source="Ning, Karypis, ICDM 2011; Steck et al., WSDM 2020",
        form="solved",
        feedback=RANKING,
        hyper=(
            Parameter("l1", 5.0, "penalty on the sum of the weights", traced=True, minimum=0),
            Parameter("l2", 500.0, "ridge on the weights", traced=True, minimum=0),
            Parameter("negative", False, "whether weights may be negative"),
            Parameter("iterations", 20, "steps of the solver", minimum=1),
        ),
        deterministic=True,
        fake_users=True,
        history="all",
        formula="min |X - XB|^2 / 2 + l2 |B|^2 / 2 + l1 |B|_1, diag(B) = 0, B >= 0; score = X B",
    ),
    AlgorithmSpec(
        name="pure-svd",
        load="recbench_algorithms.pure_svd:PureSVD",
        summary="The train matrix, zeros included, approximated with low rank.",
        source="Cremonesi, Koren, Turrin, RecSys 2010",
        form="solved",
        feedback=RANKING,
        hyper=(latent(32, "singular vectors that are kept"),),
        deterministic=True,
        fake_users=True,
        history="all",
        formula="score = X V V', V the right singular vectors of the largest singular values",
    ),
)

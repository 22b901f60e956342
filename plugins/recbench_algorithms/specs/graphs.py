"""Models of the graph of users and items."""

from __future__ import annotations

from recbench import AlgorithmSpec, Parameter
from recbench_algorithms.specs.parameters import RANKING, latent, learning_rate

SPECS: tuple[AlgorithmSpec, ...] = (
    AlgorithmSpec(
        name="lightgcn",
        load="recbench_algorithms.lightgcn:LightGCN",
        summary="Embeddings smoothed over the graph of users and items.",
        source="He, Deng, Wang, Li, Zhang, Wang, SIGIR 2020",
        feedback=RANKING,
        hyper=(
            latent(64),
            Parameter("layers", 3, "how often embeddings are propagated", minimum=0),
            learning_rate(0.005),
            Parameter("l2", 1e-4, "L2 penalty on the embeddings of a batch", traced=True, minimum=0),
            Parameter("batch_size", 8192, "interactions a step", minimum=1),
        ),
        formula="e_u(k+1) = sum over i of u of e_i(k) / sqrt(D_u D_i); score = <mean_k e_u(k), mean_k e_i(k)>; BPR",
    ),
)

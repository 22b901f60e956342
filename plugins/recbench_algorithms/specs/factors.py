"""Biases and factors of users and items."""

from __future__ import annotations

from recbench import AlgorithmSpec
from recbench_algorithms.specs.parameters import ALL, BATCH_SIZE, L2, dropout, latent, learning_rate

SPECS = (
    AlgorithmSpec(
        name="bias-only",
        load="recbench_algorithms.bias_only:BiasOnly",
        summary="A user bias plus an item bias, learned.",
        source="Sachdeva, Wu, McAuley, WSDM 2022, section 4",
        feedback=ALL,
        hyper=(learning_rate(0.008), L2, BATCH_SIZE),
        personalised=False,
        formula="mean + b_u + b_i; squared error or BPR",
    ),
    AlgorithmSpec(
        name="mf",
        load="recbench_algorithms.mf:MF",
        summary="Matrix factorisation with biases.",
        source="Koren, Bell, Volinsky, IEEE Computer 2009; Rendle et al., UAI 2009",
        feedback=ALL,
        hyper=(latent(8), learning_rate(0.008), L2, dropout(0.3), BATCH_SIZE),
        formula="mean + b_u + b_i + <p_u, q_i>; squared error or BPR",
    ),
)

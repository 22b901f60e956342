"""Biases and factors of users and items."""

from __future__ import annotations

from dataclasses import replace

from recbench import AlgorithmSpec, Parameter
from recbench_algorithms.specs.parameters import ALL, BATCH_SIZE, RANKING, UPDATES, dropout, latent, learning_rate

_L2 = Parameter("l2", 0.001, "L2 of all that an example is predicted from", traced=True, minimum=0)

SPECS = (
    AlgorithmSpec(
        name="bias-only",
        load="recbench_algorithms.bias_only:BiasOnly",
        summary="A user bias plus an item bias, learned.",
        source="Sachdeva, Wu, McAuley, WSDM 2022, section 4",
        feedback=ALL,
        hyper=(learning_rate(0.008), _L2, BATCH_SIZE, UPDATES),
        personalised=False,
        formula="mean + b_u + b_i; squared error or BPR",
    ),
    AlgorithmSpec(
        name="mf",
        load="recbench_algorithms.mf:MF",
        summary="Matrix factorisation with biases.",
        source="Koren, Bell, Volinsky, IEEE Computer 2009; Rendle et al., UAI 2009",
        feedback=ALL,
        hyper=(latent(8), learning_rate(0.008), _L2, dropout(0.3), BATCH_SIZE, UPDATES),
        formula="mean + b_u + b_i + <p_u, q_i>; squared error or BPR",
    ),
    AlgorithmSpec(
        name="ials",
        load="recbench_algorithms.ials:IALS",
        summary="Factors of implicit feedback by alternating least squares over all pairs.",
        source="Hu, Koren, Volinsky, ICDM 2008; Rendle, Krichene, Zhang, Koren, RecSys 2022",
        form="solved",
        feedback=RANKING,
        hyper=(
            latent(128),
            Parameter("l2", 0.0075, "ridge on the factors, times (n + alpha0 m)^nu of a row", traced=True, minimum=0),
            Parameter("unobserved_weight", 0.3, "alpha0: what an unobserved pair counts", traced=True, minimum=0),
            Parameter("exponent", 1.0, "nu: how the ridge grows with a row's weight", traced=True, minimum=0),
            Parameter("iterations", 10, "solves of each side", minimum=1),
            Parameter("steps", 3, "conjugate gradient steps a solve", minimum=1),
        ),
        fake_users=True,
        history="all",
        formula="min sum w (1 - <p_u, q_i>)^2 over observed + alpha0 <p_u, q_i>^2 over all + frequency-scaled l2",
    ),
    AlgorithmSpec(
        name="svd-pp",
        load="recbench_algorithms.svd_pp:SVDPP",
        summary="Factors of ratings that also learn from which items a user has rated.",
        source="Koren, KDD 2008, section 4",
        feedback=("explicit",),
        hyper=(
            latent(50),
            learning_rate(0.003),
            replace(_L2, default=0.08),
            Parameter("batch_size", 8192, "ratings a step; each passes over all train rows", minimum=1),
        ),
        history="all",
        formula="mean + b_u + b_i + <q_i, p_u + |N(u)|^-1/2 sum over j in N(u) of y_j>; squared error",
    ),
)

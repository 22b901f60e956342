"""Neural networks on pairs and on rows of users."""

from __future__ import annotations

from dataclasses import replace

from recbench import AlgorithmSpec, Parameter
from recbench_algorithms.specs.parameters import ALL, BATCH_SIZE, L2, RANKING, UPDATES, dropout, latent, learning_rate

SPECS: tuple[AlgorithmSpec, ...] = (
    AlgorithmSpec(
        name="neumf",
        load="recbench_algorithms.neumf:NeuMF",
        summary="Matrix factorisation beside a multilayer perceptron, trained alone and then fused.",
        source="He, Liao, Zhang, Nie, Hu, Chua, WWW 2017",
        feedback=ALL,
        hyper=(
            latent(8, "GMF factors, and width of the perceptron's last layer"),
            Parameter("layers", 3, "layers of the perceptron, each half as wide as the one before", minimum=1),
            learning_rate(0.008),
            L2,
            dropout(0.3),
            BATCH_SIZE,
            UPDATES,
            Parameter("pretrain", True, "train both towers alone first"),
            Parameter("loss", "bpr", "of positives and negatives", choices=("bpr", "log")),
            Parameter("negatives", 1, "unobserved items drawn for each positive", minimum=1),
        ),
        formula="h . [p_u * q_i; MLP(p_u, q_i)] + b; squared error, BPR or log loss",
    ),
    AlgorithmSpec(
        name="mvae",
        load="recbench_algorithms.mvae:MVAE",
        summary="A variational autoencoder of users' histories with a multinomial likelihood.",
        source="Liang, Krishnan, Hoffman, Jebara, WWW 2018",
        feedback=RANKING,
        hyper=(
            latent(8, "width of the code"),
            Parameter("hidden", 0, "width of the layers before and after the code; 0: three times the code", minimum=0),
            learning_rate(0.01),
            Parameter("l2", 0.0, "L2 penalty, added to the gradient", traced=True, minimum=0),
            dropout(0.3, "share of a history hidden in a step"),
            Parameter("anneal_cap", 0.2, "final weight of the KL divergence", traced=True, minimum=0),
            Parameter("anneal_epochs", 100.0, "epochs in which that weight rises", traced=True, minimum=0),
            Parameter("batch_size", 1024, "users a step", minimum=1),
        ),
        fake_users=True,
        history="all",
        formula="x ~ multinomial(softmax(f(z))), z ~ N(mu(x), sigma(x)); ELBO with an annealed KL",
    ),
    AlgorithmSpec(
        name="autorec",
        load="recbench_algorithms.autorec:AutoRec",
        summary="An autoencoder of users' ratings.",
        source="Sedhain, Menon, Sanner, Xie, WWW 2015",
        feedback=("explicit",),
        hyper=(
            latent(50, "units of the hidden layer"),
            learning_rate(0.003),
            replace(L2, default=1e-3),
            dropout(0.3, "share of hidden units dropped in a step"),
            Parameter("batch_size", 128, "users a step", minimum=1),
        ),
        history="all",
        formula="mean + w_i . sigmoid(sum over j of (r_uj - mean) v_j + a) + b_i; squared error",
    ),
)

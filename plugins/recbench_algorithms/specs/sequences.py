"""Models of the order of a history."""

from __future__ import annotations

from recbench import AlgorithmSpec, Feedback, Parameter
from recbench_algorithms.specs.parameters import dropout, latent, learning_rate

_ORDERED: tuple[Feedback, ...] = ("sequential",)
_LENGTH = Parameter("length", 100, "most recent rows of a history that are looked at", minimum=1)
_L2 = Parameter("l2", 0.0, "L2 penalty, added to the gradient", traced=True, minimum=0)
_BATCH_SIZE = Parameter("batch_size", 128, "users a step", minimum=1)

SPECS: tuple[AlgorithmSpec, ...] = (
    AlgorithmSpec(
        name="sasrec",
        load="recbench_algorithms.sasrec:SASRec",
        summary="Causal self-attention over a user's history.",
        source="Kang, McAuley, ICDM 2018",
        feedback=_ORDERED,
        hyper=(
            latent(50, "width of embeddings and layers"),
            Parameter("blocks", 2, "attention blocks", minimum=1),
            Parameter("heads", 1, "attention heads, which share the width", minimum=1),
            _LENGTH,
            learning_rate(1e-3),
            _L2,
            dropout(0.2, "share of activations and attention weights dropped in a step"),
            Parameter(
                "loss", "bce", "binary on sampled negatives, or over all items", choices=("bce", "cross-entropy")
            ),
            Parameter("negatives", 1, "unobserved items drawn for each position, for the binary loss", minimum=1),
            _BATCH_SIZE,
        ),
        history="length",
        formula="score = <h_t, E_i>, h = blocks of causal attention and ReLU layers over sqrt(d) E + P",
    ),
    AlgorithmSpec(
        name="gru4rec",
        load="recbench_algorithms.gru4rec:GRU4Rec",
        summary="A recurrent network over a user's history.",
        source="Hidasi, Karatzoglou, CIKM 2018",
        feedback=_ORDERED,
        hyper=(
            latent(64, "width of embeddings and units"),
            _LENGTH,
            learning_rate(3e-3),
            _L2,
            dropout(0.2, "share of inputs and states dropped in a step"),
            Parameter(
                "loss",
                "cross-entropy",
                "softmax or ranking loss of sampled items",
                choices=("cross-entropy", "bpr-max"),
            ),
            Parameter("samples", 0, "items that a step compares with; 0: all, for cross-entropy", minimum=0),
            Parameter("alpha", 0.75, "samples are drawn by count^alpha", traced=True, minimum=0),
            Parameter("penalty", 1.0, "weight of squared scores in bpr-max", traced=True, minimum=0),
            _BATCH_SIZE,
        ),
        history="length",
        formula="score = <h_t, E_i> + b_i, h = GRU(E); softmax cross-entropy or BPR-max",
    ),
    AlgorithmSpec(
        name="svae",
        load="recbench_algorithms.svae:SVAE",
        summary="A recurrent variational autoencoder of the next items.",
        source="Sachdeva, Manco, Ritacco, Pudi, WSDM 2019",
        feedback=_ORDERED,
        hyper=(
            latent(64, "width of the code"),
            Parameter("hidden", 0, "width of embeddings, units and layers; 0: as the code", minimum=0),
            _LENGTH,
            Parameter("ahead", 2, "next items that a position predicts", minimum=1),
            learning_rate(0.01),
            _L2,
            Parameter("anneal_cap", 0.03, "final weight of the KL divergence of a position", traced=True, minimum=0),
            Parameter("anneal_epochs", 50.0, "epochs in which that weight rises", traced=True, minimum=0),
            _BATCH_SIZE,
        ),
        history="length",
        formula="next k items ~ multinomial(softmax(f(z_t))), z_t ~ N(mu, sigma)(GRU(E)); ELBO with an annealed KL",
    ),
)

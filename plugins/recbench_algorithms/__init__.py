"""The built-in recommendation algorithms: one method per file, registered here by import path."""

from __future__ import annotations

from collections.abc import Iterable

from recbench import AlgorithmSpec, Feedback, Parameter, hookimpl

_RANKING: tuple[Feedback, ...] = ("implicit", "sequential")
_ALL: tuple[Feedback, ...] = ("explicit", "implicit", "sequential")

_LEARNING_RATE = Parameter("learning_rate", 0.008, "Adam's step size", traced=True, minimum=0)
_L2 = Parameter("l2", 1e-6, "L2 penalty, added to the gradient", traced=True, minimum=0)
_BATCH_SIZE = Parameter("batch_size", 1024, "interactions a step", minimum=1)
_NEIGHBOURS = Parameter("neighbours", 50, "nearest items that count", minimum=1)
_SHRINK = Parameter(
    "shrink", 0.0, "added to the product of the norms: damps similarities of rare items", traced=True, minimum=0
)


@hookimpl
def recbench_algorithms() -> Iterable[AlgorithmSpec]:
    """Fires at discovery."""
    yield from _without_taste()
    yield from _learned_factors()
    yield from _item_to_item()


def _without_taste() -> Iterable[AlgorithmSpec]:
    yield AlgorithmSpec(
        name="popularity",
        load="recbench_algorithms.popularity:Popularity",
        summary="The items with most train interactions, for everybody.",
        source="standard baseline",
        form="solved",
        feedback=_RANKING,
        deterministic=True,
        fake_users=True,
        formula="score(u, i) = count(i)",
    )
    for name, load, what in (
        ("global-mean", "GlobalMean", "the mean train rating"),
        ("user-mean", "UserMean", "the user's mean train rating"),
        ("item-mean", "ItemMean", "the item's mean train rating"),
    ):
        yield AlgorithmSpec(
            name=name,
            load=f"recbench_algorithms.means:{load}",
            summary=f"Predicts {what}.",
            source="standard baseline",
            form="solved",
            feedback=("explicit",),
            deterministic=True,
        )


def _learned_factors() -> Iterable[AlgorithmSpec]:
    yield AlgorithmSpec(
        name="bias-only",
        load="recbench_algorithms.bias_only:BiasOnly",
        summary="A user bias plus an item bias, learned.",
        source="Sachdeva, Wu, McAuley, WSDM 2022, section 4",
        feedback=_ALL,
        hyper=(_LEARNING_RATE, _L2, _BATCH_SIZE),
        formula="mean + b_u + b_i; squared error or BPR",
    )
    yield AlgorithmSpec(
        name="mf",
        load="recbench_algorithms.mf:MF",
        summary="Matrix factorisation with biases.",
        source="Koren, Bell, Volinsky, IEEE Computer 2009; Rendle et al., UAI 2009",
        feedback=_ALL,
        hyper=(
            Parameter("latent", 8, "factors of each user and item", minimum=1),
            _LEARNING_RATE,
            _L2,
            Parameter("dropout", 0.3, "share of factors dropped in a step", traced=True, minimum=0, maximum=0.99),
            _BATCH_SIZE,
        ),
        formula="mean + b_u + b_i + <p_u, q_i>; squared error or BPR",
    )


def _item_to_item() -> Iterable[AlgorithmSpec]:
    yield AlgorithmSpec(
        name="ease",
        load="recbench_algorithms.ease:EASE",
        summary="A linear item-item model with zero diagonal, in closed form.",
        source="Steck, WWW 2019",
        form="solved",
        feedback=_RANKING,
        hyper=(Parameter("l2", 500.0, "ridge on the weights", traced=True, minimum=0),),
        deterministic=True,
        fake_users=True,
        history="all",
        formula="B = -P / diag(P) off the diagonal, P = (X'X + l2 I)^-1; score = X B",
    )
    yield AlgorithmSpec(
        name="item-knn",
        load="recbench_algorithms.item_knn:ItemKNN",
        summary="Nearest items by cosine of their users.",
        source="Deshpande, Karypis, TOIS 2004",
        form="solved",
        feedback=_RANKING,
        hyper=(_NEIGHBOURS, _SHRINK),
        deterministic=True,
        fake_users=True,
        history="all",
        formula="score(u, i) = sum of s(i, j) over j in the history and among the k nearest of i",
    )
    yield AlgorithmSpec(
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
    )

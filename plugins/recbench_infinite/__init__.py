"""Infinitely wide autoencoders, and the fake users they distil. This module imports no numerics: listing stays fast."""

from __future__ import annotations

from collections.abc import Iterable

from recbench import AlgorithmSpec, Parameter, SamplerSpec, hookimpl
from recbench_infinite.settings import Settings

_D = Settings()
_PAPER = "Sachdeva, Dhaliwal, Wu, McAuley, Infinite Recommendation Networks: A Data-Centric Approach, NeurIPS 2022"


@hookimpl
def recbench_samplers() -> Iterable[SamplerSpec]:
    """Distill-CF."""
    return [
        SamplerSpec(
            name="distill-cf",
            load="recbench_infinite.distill:synthesise",
            summary="Fake users, learned so that the infinite autoencoder does on them what it does on real ones.",
            source=f"{_PAPER}, section 4",
            form="synthesise",
            units=("user",),
            feedback=("implicit", "sequential"),
            parameters=(
                Parameter("samples", _D.samples, "draws of a fake user's items, at most a quarter of all", minimum=1),
                Parameter("scaled", _D.scaled, "whether samples and steps grow with the items beyond 4,000"),
                Parameter("draws", _D.draws, "Gumbel-softmax draws that they are estimated from", minimum=1),
                Parameter("temperature", _D.temperature, "of a draw: towards 0 it is a single item", minimum=0.01),
                Parameter("cardinality", _D.cardinality, "weight of the mean length of fake rows", minimum=0),
                Parameter("learning_rate", _D.learning_rate, "Adam's step size", minimum=0),
                Parameter("steps", _D.steps, "steps at most, each on a batch of real users", minimum=0),
                Parameter("patience", _D.patience, "steps without a gain, after which it stops", minimum=1),
                Parameter("batch_users", _D.batch_users, "real users a step", minimum=1),
                Parameter("validation_users", _D.validation_users, "users who choose, at most", minimum=1),
            ),
            formula="min over Z: cross-entropy of rows X and K(X, S) (K(S, S) + l2 I)^-1 S, S = min(1, draws of Z)",
        ),
    ]


@hookimpl
def recbench_algorithms() -> Iterable[AlgorithmSpec]:
    """The infinite autoencoder."""
    return [
        AlgorithmSpec(
            name="infinite-ae",
            load="recbench_infinite.infinite_ae:InfiniteAutoencoder",
            summary="An infinitely wide autoencoder: kernel ridge regression of users on themselves.",
            source=f"{_PAPER}, section 3",
            form="solved",
            feedback=("implicit", "sequential"),
            hyper=(
                Parameter("l2", 5.0, "ridge, relative to the mean of the kernel's diagonal", traced=True, minimum=0),
                Parameter("depth", 1, "hidden layers", minimum=1, maximum=10),
                Parameter("weight_std", 2**0.5, "standard deviation of the weights", minimum=0),
                Parameter("bias_std", 0.1, "standard deviation of the biases", minimum=0),
                Parameter(
                    "repeats", "once", "what a repeated pair counts in a user's row", choices=("once", "counted")
                ),
                Parameter("users", 0, "users that the kernel is of, drawn at random; 0: all", minimum=0),
                Parameter("users_seed", 0, "what draws them", minimum=0),
                Parameter("inducing", False, "whether those are a basis only, and the weights fit all users' rows"),
            ),
            deterministic=True,
            fake_users=True,
            history="all",
            formula="K(X', X) (K(X, X) + l2 mean(diag K) I)^-1 X, K the tangent kernel of a ReLU network",
        ),
    ]

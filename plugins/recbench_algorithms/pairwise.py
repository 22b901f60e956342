"""What the algorithms trained on pairs and ratings share: their stage, the BPR loss, Adam with L2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import optax
from jax import Array

from recbench import BatchKind, Feedback, Hyper, Stage


def one_stage(build: Callable[..., Any], feedback: Feedback, hyper: Hyper) -> list[Stage]:
    """A single stage: squared error on ratings for explicit feedback, BPR on pairs otherwise."""
    batch: BatchKind = "ratings" if feedback == "explicit" else "pairs"
    return [Stage(build, batch, batch_size=hyper["batch_size"], optimizer=adam)]


def bpr(margins: Array) -> Array:
    """-ln sigmoid of the positive's score minus each negative's, averaged over the negatives.

    Args:
      margins: float32 [batch, negatives].

    Returns:
      float32 [batch].

    Source: Rendle et al., BPR, UAI 2009, section 4.
    """
    return jax.nn.softplus(-margins).mean(axis=1)


def adam(hyper: Hyper) -> optax.GradientTransformation:
    """Adam with betas (0.9, 0.98) and L2 added to the gradient, as in Sachdeva, Wu, McAuley's proxies."""
    return optax.chain(optax.add_decayed_weights(hyper["l2"]), optax.adam(hyper["learning_rate"], b1=0.9, b2=0.98))

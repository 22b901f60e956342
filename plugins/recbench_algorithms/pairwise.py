"""What the algorithms trained on pairs and ratings share: their stage, the BPR loss, L2, Adam."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from recbench import BatchKind, Feedback, Hyper, Stage


def one_stage(build: Callable[..., Any], feedback: Feedback, hyper: Hyper) -> list[Stage]:
    """A single stage of a model whose loss holds its L2: ratings for explicit feedback, pairs otherwise; Adam."""
    batch: BatchKind = "ratings" if feedback == "explicit" else "pairs"
    return [Stage(build, batch, batch_size=hyper["batch_size"], optimizer=_adam, updates=hyper["updates"])]


def bpr(margins: Array) -> Array:
    """-ln sigmoid of the positive's score minus each negative's, averaged over the negatives.

    Args:
      margins: float32 [batch, negatives].

    Returns:
      float32 [batch].

    Source: Rendle et al., BPR, UAI 2009, section 4.
    """
    return jax.nn.softplus(-margins).mean(axis=1)


def squares(*parameters: Array) -> Array:
    """Sum of squares of all that an example is predicted from: its L2.

    Weighed so, a user's parameters are held the more strongly the more rows the user has.

    Args:
      parameters: float32 [batch, ...] each.

    Returns:
      float32 [batch].
    """
    return reduce(jnp.add, (jnp.square(part).reshape(len(part), -1).sum(axis=1) for part in parameters))


def dots(left: Array, right: Array) -> Array:
    """Inner products of rows, float32 [n], of two float32 [n, width].

    As a product, not a sum: a sum is fused with what looks the rows up, which XLA on a CPU then does entry by entry and
    anew for each use. That was most of the time in which MF, as a proxy, scores its negatives.
    """
    return jnp.einsum("nw,nw->n", left, right)


def adam(hyper: Hyper) -> optax.GradientTransformation:
    """Adam with betas (0.9, 0.98), as in Sachdeva, Wu, McAuley's proxies, and L2 of all parameters in the gradient."""
    return optax.chain(optax.add_decayed_weights(hyper["l2"]), _adam(hyper))


def _adam(hyper: Hyper) -> optax.GradientTransformation:
    return optax.adam(hyper["learning_rate"], b1=0.9, b2=0.98)

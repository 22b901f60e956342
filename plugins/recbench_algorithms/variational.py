"""What variational autoencoders share: the divergence from the prior, and a weight of it that rises."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from recbench import StepContext


def kl_divergence(mean: Array, log_deviation: Array) -> Array:
    """KL(N(mean, exp(log_deviation)^2) || N(0, 1)) summed over the last axis: (sigma^2 + mu^2 - 1) / 2 - ln sigma."""
    return (0.5 * (jnp.exp(2 * log_deviation) + jnp.square(mean) - 1) - log_deviation).sum(axis=-1)


def annealed(context: StepContext) -> Array:
    """Weight of the divergence: from 0 linearly up to ``anneal_cap`` within ``anneal_epochs``, scalar.

    Source: Bowman et al., CoNLL 2016; Liang et al., WWW 2018, section 2.2.2.
    """
    epochs = context.step.astype(jnp.float32) / jnp.maximum(context.steps_per_epoch, 1).astype(jnp.float32)
    return context.hyper["anneal_cap"] * jnp.minimum(1, epochs / jnp.maximum(context.hyper["anneal_epochs"], 1e-6))

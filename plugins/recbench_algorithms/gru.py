"""A layer of gated recurrent units over whole histories, with its gradient through time written out.

r = sigmoid(W_r x + U_r h + b_r), z = sigmoid(W_z x + U_z h + b_z), n = tanh(W_n x + b_n + r (U_n h + c_n)),
h' = (1 - z) n + z h. Source: Cho et al., EMNLP 2014, in the form of cuDNN, which resets after the product.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

_GLOROT = nnx.initializers.glorot_uniform()


class GRU(nnx.Module):
    """From inputs to hidden states, starting at zero."""

    def __init__(self, inputs: int, units: int, *, rngs: nnx.Rngs) -> None:
        self.units = units
        self.inputs = nnx.List([nnx.Linear(inputs, units, kernel_init=_GLOROT, rngs=rngs) for _ in range(3)])
        self.recurrent = nnx.List([nnx.Param(_GLOROT(rngs.params(), (units, units))) for _ in range(3)])
        self.reset_bias = nnx.Param(jnp.zeros(units))

    def __call__(self, x: Array) -> Array:
        """Hidden states, float32 [length, batch, units], from inputs [length, batch, width].

        The inputs' products for all steps come first, each gate's in an array of its own: a step then is three small
        products and arithmetic on whole vectors.
        """
        length, batch, _ = x.shape
        gates = [layer(x).reshape(length, batch * self.units) for layer in self.inputs]
        weights = [weight[...] for weight in self.recurrent]
        return _unroll(*gates, *weights, self.reset_bias[...]).reshape(length, batch, self.units)


@jax.custom_vjp
def _unroll(r: Array, z: Array, n: Array, weight_r: Array, weight_z: Array, weight_n: Array, bias: Array) -> Array:
    """Hidden states [length, batch * units] from what the inputs give the gates, each [length, batch * units]."""
    return _forward(r, z, n, weight_r, weight_z, weight_n, bias)[0]


def _forward(
    r: Array, z: Array, n: Array, weight_r: Array, weight_z: Array, weight_n: Array, bias: Array
) -> tuple[Array, tuple[Array, ...]]:
    shift = jnp.tile(bias, r.shape[1] // bias.shape[0])

    def step(state: Array, inputs: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        reset = jax.nn.sigmoid(inputs[0] + _times(state, weight_r))
        keep = jax.nn.sigmoid(inputs[1] + _times(state, weight_z))
        before = _times(state, weight_n) + shift
        new = jnp.tanh(inputs[2] + reset * before)
        state = new + keep * (state - new)
        return state, (state, reset, keep, new, before)

    _, (states, *gates) = jax.lax.scan(step, jnp.zeros(r.shape[1]), (r, z, n))
    return states, (states, *gates, weight_r, weight_z, weight_n)


def _backward(residuals: tuple[Array, ...], cotangent: Array) -> tuple[Array, ...]:
    states, reset, keep, new, before, *weights = residuals
    transposed = [weight.T for weight in weights]
    previous = jnp.concatenate([jnp.zeros_like(states[:1]), states[:-1]])

    def step(slope: Array, at: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        given, previous, reset, keep, new, before = at
        slope += given
        of_new = slope * (1 - keep) * (1 - new * new)
        of_before = of_new * reset
        of_keep = slope * (previous - new) * keep * (1 - keep)
        of_reset = of_new * before * reset * (1 - reset)
        through = (of_reset, of_keep, of_before)
        slope = slope * keep + sum(_times(part, weight) for part, weight in zip(through, transposed, strict=True))
        return slope, (of_reset, of_keep, of_new, of_before)

    start = jnp.zeros(states.shape[1])
    by_step = cotangent, previous, reset, keep, new, before
    _, (of_reset, of_keep, of_new, of_before) = jax.lax.scan(step, start, by_step, reverse=True)
    units = weights[0].shape[0]
    rows = previous.reshape(-1, units).T
    of_weights = [rows @ part.reshape(-1, units) for part in (of_reset, of_keep, of_before)]
    return of_reset, of_keep, of_new, *of_weights, of_before.reshape(-1, units).sum(axis=0)


_unroll.defvjp(_forward, _backward)


def _times(state: Array, weight: Array) -> Array:
    """[batch * units] from [batch * units] and [units, units]."""
    return (state.reshape(-1, weight.shape[0]) @ weight).ravel()

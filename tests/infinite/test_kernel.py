"""The kernels of infinite width, against integrals, Cho and Saul, and networks of finite width."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recbench_infinite.kernel import Network, both_active, diagonals, kernels, rectified_product
from scipy.integrate import quad
from scipy.stats import norm


@pytest.fixture
def rows():
    """Six users of twelve items, 0 or 1; the last two are the same."""
    made = (np.random.default_rng(0).random((6, 12)) < 0.4).astype(np.float32)
    made[5] = made[4]
    return made


def found(rows, others, network):
    squares = [np.square(each).sum(axis=1) for each in (rows, others)]
    return kernels(rows @ others.T, *squares, num_items=rows.shape[1], network=network)


@pytest.mark.parametrize("correlation", [-0.9, -0.3, 0.0, 0.2, 0.7, 0.999])
def test_expectations_over_relu_are_their_integrals(correlation):
    """E[relu(u) relu(v)] and P(u > 0, v > 0), given u: the rest is integrated by SciPy."""
    left = np.sqrt(1 - correlation**2)

    def given(u, moment):
        mean = correlation * u
        active = norm.cdf(mean / left)
        return norm.pdf(u) * (active if moment == 0 else u * (mean * active + left * norm.pdf(mean / left)))

    assert float(both_active(correlation)) == pytest.approx(quad(given, 0, 12, args=(0,))[0], abs=1e-6)
    assert float(rectified_product(correlation)) == pytest.approx(quad(given, 0, 12, args=(1,))[0], abs=1e-6)


def test_angles_are_as_good_as_float32_allows():
    cosines = np.concatenate([np.linspace(-1, 1, 20001), 1 - np.logspace(-7, -1, 200)]).astype(np.float32)
    wanted = (np.pi - np.arccos(cosines.astype(np.float64))) / (2 * np.pi)
    np.testing.assert_allclose(jax.jit(both_active)(cosines), wanted, atol=1e-7)


@pytest.mark.parametrize("depth", [1, 2, 5, 10])
def test_kernels_are_the_recursion_in_double_precision(rows, depth):
    """Written anew in float64, with arccos and with slopes in place of angles."""
    w, b = 1.7, 0.3
    covariance = w * rows.astype(np.float64) @ rows.T / rows.shape[1] + b
    tangent = covariance.copy()
    for _ in range(depth):
        sizes = np.sqrt(np.diag(covariance))
        angle = np.arccos(np.clip(covariance / np.outer(sizes, sizes), -1, 1))
        slope = w * (1 - angle / np.pi) / 2
        covariance = w * np.outer(sizes, sizes) * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi) + b
        tangent = tangent * slope + covariance
    made = found(rows, rows, Network(depth, w, b))
    np.testing.assert_allclose(made.covariance, covariance, rtol=2e-5)
    np.testing.assert_allclose(made.tangent, tangent, rtol=2e-5, err_msg="also where rows are the same")
    of_each = diagonals(np.square(rows).sum(axis=1), num_items=rows.shape[1], network=Network(depth, w, b))
    np.testing.assert_allclose(of_each.tangent, np.diag(tangent), rtol=1e-6)
    np.testing.assert_allclose(of_each.covariance, np.diag(covariance), rtol=1e-6)


def test_one_layer_has_the_arc_cosine_kernels_of_cho_and_saul(rows):
    """Without biases: of order 1 the covariance, and of order 0 what the tangent kernel has beside it."""
    lengths = np.linalg.norm(rows, axis=1)
    angle = np.arccos(np.clip(rows @ rows.T / np.outer(lengths, lengths), -1, 1))
    order_one = np.outer(lengths, lengths) * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi
    order_zero = (np.pi - angle) / np.pi
    made = found(rows, rows, Network(1, 2.0, 0.0))
    np.testing.assert_allclose(made.covariance * 12 / 2, order_one, rtol=1e-4, atol=1e-5)
    wanted = order_zero * (rows @ rows.T) + order_one
    np.testing.assert_allclose(made.tangent * 12 / 2, wanted, rtol=1e-4, atol=1e-5)


STORED = (
    (1, 0.4780180684, 0.7642926202),
    (2, 0.5292123724, 1.0901133207),
    (3, 0.5697688991, 1.3997176610),
    (4, 0.6031952167, 1.6995983003),
    (5, 0.6316279027, 1.9936041736),
)
"""Depth, covariance and tangent kernel in double precision: the closed form and integrals over Gaussians agree."""


def test_stored_values():
    """Users {0, 1, 2} and {1, 2, 3, 4} of ten items."""
    rows = np.zeros((2, 10), np.float32)
    rows[0, :3] = rows[1, 1:5] = 1
    for depth, covariance, tangent in STORED:
        made = found(rows, rows, Network(depth))
        assert float(made.covariance[0, 1]) == pytest.approx(covariance, rel=1e-6)
        assert float(made.tangent[0, 1]) == pytest.approx(tangent, rel=1e-6)


@pytest.mark.parametrize("depth", [1, 2])
def test_wide_networks_have_nearly_this_tangent_kernel(rows, depth):
    """Gradients in all parameters of networks of width 400, on average over 100: within 5 %."""
    w, b = 2.0, 0.1
    width, items = 400, rows.shape[1]

    def output(parameters, row):
        (first, *rest), biases = parameters
        hidden = np.sqrt(w / items) * first @ row + np.sqrt(b) * biases[0]
        for weight, bias in zip(rest, biases[1:], strict=True):
            hidden = np.sqrt(w / width) * weight @ jax.nn.relu(hidden) + np.sqrt(b) * bias
        return hidden[0]

    def drawn(key):
        sizes = [items, *[width] * depth, 1]
        keys = iter(jax.random.split(key, 2 * len(sizes)))
        shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        weights = [jax.random.normal(next(keys), shape) for shape in shapes]
        return weights, [jax.random.normal(next(keys), shape[:1]) for shape in shapes]

    @jax.jit
    def empirical(key):
        gradients = jax.vmap(jax.grad(output), (None, 0))(drawn(key), rows)
        flat = jnp.concatenate([leaf.reshape(len(rows), -1) for leaf in jax.tree.leaves(gradients)], axis=1)
        return flat @ flat.T

    mean = np.mean([empirical(jax.random.key(seed)) for seed in range(100)], axis=0)
    np.testing.assert_allclose(mean, found(rows, rows, Network(depth, w, b)).tangent, rtol=0.05)


@pytest.mark.parametrize("depth", [1, 3])
def test_gradients_are_finite_where_rows_are_the_same(rows, depth):
    def total(x):
        squares = jnp.square(x).sum(axis=1)
        made = kernels(x @ x.T, squares, squares, num_items=12, network=Network(depth))
        return made.tangent[4, 5] + made.tangent[0, 0] + made.tangent[0, 1]

    slopes = jax.grad(total)(jnp.asarray(rows))
    assert np.isfinite(slopes).all()
    step = np.zeros_like(rows)
    step[1, 3] = 1e-2
    change = (total(rows + step) - total(rows - step)) / 2e-2
    assert float(slopes[1, 3]) == pytest.approx(float(change), rel=2e-2)

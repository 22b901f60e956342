"""Kernel ridge regression, against NumPy in double precision and at its limits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recbench_infinite import ridge
from recbench_infinite.ridge import of_first, weights


@pytest.fixture
def system():
    random = np.random.default_rng(0)
    factors = random.normal(size=(40, 60))
    kernel = (factors @ factors.T / 60).astype(np.float32)
    return kernel, (random.random((40, 30)) < 0.2).astype(np.float32)


@pytest.mark.parametrize("amount", [0.01, 1.0, 50.0])
def test_weights_solve_the_equations(system, amount):
    kernel, targets = system
    wanted = np.linalg.solve(kernel + amount * np.eye(40), targets.astype(np.float64))
    np.testing.assert_allclose(jax.jit(weights)(kernel, targets, amount), wanted, atol=1e-5 / amount)


def test_limits_of_the_ridge(system):
    """Without one the targets are met; with an endless one, what is predicted is in proportion to K Y."""
    kernel, targets = system
    np.testing.assert_allclose(kernel @ weights(kernel, targets, 0.0), targets, atol=1e-3)
    np.testing.assert_allclose(1e6 * (kernel @ weights(kernel, targets, 1e6)), kernel @ targets, atol=1e-3)


def test_what_float32_cannot_solve_is_solved_in_double(system, monkeypatch):
    """Condition number 1e9: float32 fails, and the float64 solution is as good as its rounding to float32."""
    called = []
    solve = ridge._solve_in_double
    monkeypatch.setattr(ridge, "_solve_in_double", lambda *given: called.append(1) or solve(*given))
    random = np.random.default_rng(1)
    basis = np.linalg.qr(random.normal(size=(40, 40)))[0]
    kernel = (basis * np.logspace(0, -9, 40)) @ basis.T
    targets = system[1]
    found = jax.jit(lambda k, y: weights(k, y, 1e-7))(kernel.astype(np.float32), targets)
    assert called and np.isfinite(found).all()
    assert not called[1:]
    weights(system[0], targets, 1.0)
    assert not called[1:], "what float32 can solve is left there"
    grid = jax.jit(jax.vmap(weights, in_axes=(None, None, 0)))(system[0], targets, np.float32([0.1, 1.0, 5.0]))
    assert not called[1:], "several ridges at once too"
    np.testing.assert_allclose(grid[1], weights(system[0], targets, 1.0), atol=1e-6)


def test_a_singular_kernel_has_no_weights():
    kernel = np.ones((4, 4), np.float32)
    assert np.isnan(weights(kernel, np.eye(4, dtype=np.float32), 0.0)).all()


@pytest.mark.parametrize(("count", "taken"), [(0, 251), (251, 251), (252, 501), (501, 501), (502, 1001), (1001, 1001)])
def test_what_a_sample_keeps_decides_how_many_rows_are_computed(count, taken):
    found = jax.jit(lambda number: of_first(number, 1001, lambda first: jnp.asarray(first)))(count)
    assert found == taken


def test_weights_of_the_first_rows_are_those_of_the_system_alone():
    rng = np.random.default_rng(0)
    rows = rng.random((300, 40)).astype(np.float32)
    kernel, targets = np.eye(700, dtype=np.float32), np.zeros((700, 40), np.float32)
    kernel[:300, :300], targets[:300] = rows @ rows.T, rows
    found = weights(kernel, targets, 1.0, jnp.asarray(300))
    np.testing.assert_allclose(found[:300], weights(kernel[:300, :300], rows, 1.0), atol=1e-5)
    assert not np.asarray(found[300:]).any()

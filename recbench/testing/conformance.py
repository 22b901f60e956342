"""All checks of one plugin, by its kind and name; and as a test of pytest with one case a rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from recbench.contracts.errors import RecbenchError
from recbench.registry import Kind, Registry
from recbench.testing.algorithms import algorithm_checks
from recbench.testing.checks import Check
from recbench.testing.datasets import dataset_checks
from recbench.testing.registration import can_be_loaded, plugin_checks
from recbench.testing.samplers import sampler_checks

PluginKind = Literal["sampler", "algorithm", "dataset"]

KINDS: dict[PluginKind, Kind] = {"sampler": "samplers", "algorithm": "algorithms", "dataset": "datasets"}
"""What there are checks for, and what the registry calls it."""


def checks_of(kind: PluginKind, name: str, *, registry: Registry | None = None) -> list[Check]:
    """The checks that apply to what is registered under a name (samplers and algorithms: a label).

    Of what cannot be loaded, these are only the ones that say so.

    Raises:
      UnknownNameError: no plugin registered it.
      ParameterError: it does not take a parameter of the label.
    """
    general = plugin_checks(KINDS[kind], name, registry=registry)
    if not can_be_loaded(KINDS[kind], name, registry):
        return general
    match kind:
        case "sampler":
            return [*general, *sampler_checks(name, registry=registry)]
        case "algorithm":
            return [*general, *algorithm_checks(name, registry=registry)]
        case "dataset":
            return [*general, *dataset_checks(name, registry=registry)]


def conformance(kind: PluginKind, name: str, *, registry: Registry | None = None) -> Callable[[Check], None]:
    """A test for pytest that has one case for each rule of the contract; it fails with the reason and nothing else.

    ::

        from recbench.testing import conformance

        test_mine = conformance("sampler", "mine")

    Args:
      kind: ``sampler``, ``algorithm`` or ``dataset``.
      name: what is registered; samplers and algorithms by label, as in ``mf[latent=4,learning_rate=0.02]``.
      registry: where; None: the registry of the process, which finds what is installed.
    """
    # Imported here: pytest is the author's, recbench does not bring it.
    import pytest

    try:
        checks = checks_of(kind, name, registry=registry)
    except RecbenchError as error:
        pytest.fail(str(error), pytrace=False)

    @pytest.mark.parametrize("check", checks, ids=str)
    def test(check: Check) -> None:
        outcome = check.run()
        if outcome.status == "untried":
            pytest.skip(outcome.reason)
        if not outcome.passed:
            pytest.fail(outcome.reason, pytrace=False)

    return test

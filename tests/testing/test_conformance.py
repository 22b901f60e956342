"""All checks of a plugin by its name, and as a test of pytest."""

from __future__ import annotations

import numpy as np
import pytest

from recbench import SamplerSpec
from recbench.registry import Registry
from recbench.testing import checks_of, conformance, run_checks


def known(load) -> Registry:
    registry = Registry(entry_points=False)
    registry.register(SamplerSpec(name="toy", load=load, summary="A toy."))
    return registry


def cases(test):
    (mark,) = test.pytestmark
    assert mark.name == "parametrize" and mark.args[0] == "check"
    return {mark.kwargs["ids"](check): check for check in mark.args[1]}


def test_one_case_a_rule_with_readable_names():
    test = conformance("sampler", "toy", registry=known(lambda train, context: context.rng.random(len(train))))
    found = cases(test)
    assert {"loads", "interaction-runs", "interaction-nested"} <= set(found)
    test(found["loads"])
    test(found["interaction-nested"])


def test_a_broken_rule_fails_with_its_reason_and_the_rest_is_skipped():
    test = conformance("sampler", "toy", registry=known(lambda train, context: np.zeros(3)))
    found = cases(test)
    with pytest.raises(pytest.fail.Exception, match="broke the rule 'order-length'") as failed:
        test(found["interaction-order-length"])
    assert failed.value.pytrace is False
    with pytest.raises(pytest.skip.Exception, match="not tried, because 'order-length' is broken"):
        test(found["interaction-nested"])


def test_what_is_not_registered_is_said_while_tests_are_collected():
    with pytest.raises(pytest.fail.Exception, match="no sampler is called 'toi': did you mean 'toy'") as failed:
        conformance("sampler", "toi", registry=known(lambda train, context: train.rating))
    assert failed.value.pytrace is False


def test_of_what_cannot_be_loaded_nothing_else_is_tried():
    outcomes = run_checks(checks_of("sampler", "toy", registry=known("no_such_module:order")))
    assert [(outcome.rule, outcome.status) for outcome in outcomes] == [("loads", "failed")]
    assert "No module named 'no_such_module'" in outcomes[0].reason


def test_an_installed_plugin_that_lists_slowly_is_told_what_it_imports(tmp_path, monkeypatch):
    (tmp_path / "sluggish.py").write_text(
        "import polars\nfrom recbench import SamplerSpec, hookimpl\n@hookimpl\ndef recbench_samplers():\n"
        "    return [SamplerSpec(name='slow', load='sluggish:order', summary='Slow.')]\n"
        "def order(train, context):\n    return context.rng.random(len(train))\n"
    )
    info = tmp_path / "sluggish-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sluggish\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[recbench]\nsluggish = sluggish\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("RECBENCH_PLUGINS", "sluggish")
    outcomes = {outcome.rule: outcome for outcome in run_checks(checks_of("sampler", "slow", registry=Registry()))}
    assert [rule for rule, outcome in outcomes.items() if not outcome.passed] == ["lists-fast"]
    assert "it imports polars: import them in the module that load names" in outcomes["lists-fast"].reason

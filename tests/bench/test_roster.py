"""The code behind a sampler's label: its own, and that of whatever its parameters name."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from recbench.bench.roster import behind_sampler, sampler_code
from recbench.contracts.errors import ParameterError, UnknownNameError
from recbench.registry import Registry

PLUGIN = """
    from recbench import AlgorithmSpec, Parameter, SamplerSpec, hookimpl

    @hookimpl
    def recbench_samplers():
        hard = Parameter("proxy", "mine", "Which algorithm.")
        other = Parameter("other", "hard[proxy=plain]", "Which sampler.")
        word = Parameter("word", "nothing at all", "A word.")
        return [
            SamplerSpec("hard", "a:b", "Rows that a proxy finds hard.", parameters=(hard, word)),
            SamplerSpec("mixed", "a:b", "Rows of another.", form="select", parameters=(other,)),
            SamplerSpec("round", "a:b", "Names itself.", parameters=(Parameter("other", "round", "Which sampler."),)),
        ]
"""
ALGORITHMS = """
    from recbench import AlgorithmSpec, hookimpl

    @hookimpl
    def recbench_algorithms():
        return [AlgorithmSpec(name, "a:b", "A toy.") for name in ("mine", "plain")]
"""


@pytest.fixture
def known(tmp_path: Path):
    """``known(more)``: a plugin of samplers, and one of algorithms with a comment of that text."""

    def make(more: str) -> Registry:
        folder = tmp_path / (more or "none")
        folder.mkdir()
        for name, text in (("samplers.py", PLUGIN), ("algorithms.py", f"{ALGORITHMS}\n    # {more}\n")):
            (folder / name).write_text(dedent(text))
        return Registry(plugin_files=sorted(folder.glob("*.py")))

    return make


@pytest.mark.parametrize(
    ("label", "named"),
    [
        ("hard", ["hard", "mine"]),
        ("hard[proxy=plain]", ["hard", "plain"]),
        ("hard[proxy=mf]", ["hard", "mf"]),
        ("hard[proxy=elsewhere]", ["hard"]),
        ("mixed", ["mixed", "hard", "plain"]),
        ("mixed[other=random]", ["mixed", "random"]),
        ("mixed[other=hard]", ["mixed", "hard", "mine"]),
        ("mixed[other=hard[wrong=1]]", ["mixed"]),
        ("round", ["round"]),
        ("svp-cf", ["svp-cf", "bias-only"]),
    ],
)
def test_what_stands_behind_a_label(known, label, named):
    assert [entry.name for entry in behind_sampler(label, known(""))] == named


def test_other_code_of_an_algorithm_that_is_named_by_default_is_other_code(known):
    one, other = known("one"), known("other")
    for label in ("hard", "mixed", "mixed[other=hard]"):
        assert len({sampler_code(label, registry) for registry in (one, other)}) == 2, label
    for label in ("hard[proxy=mf]", "mixed[other=random]", "svp-cf"):
        assert sampler_code(label, one) == sampler_code(label, other), label


def test_the_same_code_is_named_once(known):
    registry = known("")
    assert sampler_code("svp-cf", registry) == sampler_code("random", registry) == ""
    assert sampler_code("round", registry) == sampler_code("hard[proxy=mf]", registry) != ""
    assert sampler_code("hard", registry) == sampler_code("hard[proxy=mine]", registry)


def test_a_wrong_label_is_an_error(known):
    registry = known("")
    with pytest.raises(UnknownNameError, match="did you mean 'mixed'"):
        sampler_code("mixd", registry)
    with pytest.raises(ParameterError, match="has no parameter 'prox'"):
        sampler_code("hard[prox=mf]", registry)

"""Looking up, registering in a session, and the hash of the code behind a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from recbench import MetricSpec, SamplerSpec, register
from recbench.contracts.errors import ContractError, UnknownNameError
from recbench.registry import Registry

PLUGIN = """
from recbench import SamplerSpec, hookimpl

def order(train, context):
    return {value}

@hookimpl
def recbench_samplers():
    return [SamplerSpec(name="mine", load=order, summary="Mine.")]
"""


def write(folder: Path, value: int, name: str = "mine.py") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(PLUGIN.format(value=value))
    return file


def mine(**fields: object) -> SamplerSpec:
    return SamplerSpec(**({"name": "mine", "load": lambda train, context: 1, "summary": "Mine."} | fields))


def test_a_name_is_found_bare_and_with_its_distribution(registry):
    entry = registry.get("samplers", "random")
    assert (entry.name, entry.distribution, entry.kind) == ("random", "recbench", "samplers")
    assert registry.get("samplers", "recbench:random") == entry
    assert callable(entry.load())


def test_a_near_miss_gets_a_hint(registry):
    with pytest.raises(UnknownNameError, match=r"no sampler is called 'svp-fc': did you mean 'svp-cf'\?"):
        registry.get("samplers", "svp-fc")
    with pytest.raises(
        UnknownNameError, match=r"no data set is called 'qqq': 'recbench list datasets' shows what there"
    ):
        registry.get("datasets", "qqq")


def test_a_plugin_file_is_one_source_under_a_private_module_name(tmp_path):
    file = write(tmp_path, 7)
    registry = Registry(entry_points=False, plugin_files=[file, str(file)])
    entry = registry.get("samplers", "mine")
    assert (entry.distribution, entry.version, entry.source) == ("mine.py", "-", file.resolve())
    assert entry.load()(None, None) == 7
    assert entry.load().__module__.startswith("_recbench_plugin_")


def test_the_hash_follows_the_code_and_not_its_place(tmp_path):
    def hash_of(file: Path) -> str:
        return Registry(entry_points=False, plugin_files=[file]).get("samplers", "mine").code_hash()

    first = hash_of(write(tmp_path / "a", 1))
    assert first == hash_of(write(tmp_path / "b", 1))
    assert first != hash_of(write(tmp_path / "c", 2))


def test_built_ins_hash_their_package_and_the_core_its_file(registry):
    hashes: dict[str, set[str]] = {}
    for kind in ("samplers", "algorithms"):
        for entry in registry.all(kind).values():
            package = str(entry.spec.load).replace(":", ".").partition(".")[0]
            hashes.setdefault(package, set()).add(entry.code_hash())
    built_in = {"recbench_samplers", "recbench_algorithms", "recbench_infinite", "recbench_genie"}
    assert built_in == hashes.keys()
    assert all(len(each) == 1 for each in hashes.values())
    of_data = registry.get("datasets", "synthetic-tiny").code_hash()
    assert len(set().union({of_data}, *hashes.values())) == 1 + len(built_in)
    assert registry.get("commands", "list").code_hash() == registry.get("commands", "describe").code_hash()
    assert registry.get("commands", "list").code_hash() != registry.get("commands", "plugins").code_hash()


def test_a_session_registers_and_may_change_its_mind(registry):
    register(mine(summary="First."))
    register(mine(summary="Second."))
    entry = registry.get("samplers", "mine")
    assert (entry.spec.summary, entry.distribution, entry.source) == ("Second.", "session", None)
    assert entry.code_hash() == registry.get("samplers", "mine").code_hash()
    assert registry.quarantined == Registry().quarantined


def test_code_that_cannot_be_read_never_passes_for_other_code(registry):
    namespace: dict[str, object] = {}
    exec("def order(train, context): return 1\ndef other(train, context): return 1", namespace)
    first = registry.register(mine(load=namespace["order"]))
    second = registry.register(mine(load=namespace["other"]))
    assert first.code_hash() != second.code_hash()
    assert first.code_hash() == first.code_hash()


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (mine(name="random"), "the sampler 'random' is already registered by recbench"),
        (mine(units=()), "units of 'mine' is ()"),
        ("mine", "was given a str, where a spec is expected"),
        (MetricSpec(name="m", load="a:b", summary="M.", cutoffs=(0,)), "the cut-offs of 'm' are"),
    ],
)
def test_a_session_is_told_at_once_what_is_wrong(registry, spec, reason):
    with pytest.raises(ContractError) as raised:
        registry.register(spec)
    assert reason in str(raised.value)


def test_code_that_cannot_be_loaded_names_its_distribution(registry):
    entry = registry.register(mine(load="no_such_module:order"))
    with pytest.raises(
        ContractError, match=r"the sampler 'mine' of session - cannot be loaded from 'no_such_module:order'"
    ):
        entry.load()

"""Misspells one hook; its other hook is fine and must stay."""

from recbench import SamplerSpec, hookimpl


@hookimpl
def recbench_sampler():
    return []


@hookimpl
def recbench_samplers():
    return [SamplerSpec(name="spelt-right", load="nowhere:order", summary="The good half of a plugin with a typo.")]

"""Takes the name of a built-in sampler."""

from recbench import SamplerSpec, hookimpl


@hookimpl
def recbench_samplers():
    return [SamplerSpec(name="random", load="nowhere:order", summary="Not the random sampler.")]

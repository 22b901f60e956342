"""Raises in one hook; the other one is fine and must stay."""

from recbench import MetricSpec, hookimpl


@hookimpl
def recbench_samplers():
    raise RuntimeError("the table of samplers\nis not here")


@hookimpl
def recbench_metrics():
    return [MetricSpec(name="calm", load="nowhere:metric", summary="The good half of a plugin that raises.")]

"""Returns a spec where a list of specs is expected, and names where specs are."""

from recbench import MetricSpec, hookimpl


@hookimpl
def recbench_metrics():
    return MetricSpec(name="lonely", load="nowhere:metric", summary="Not in a list.")


@hookimpl
def recbench_samplers():
    return ["just-a-name"]

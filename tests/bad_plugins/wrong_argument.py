"""Wants an argument that the hook does not pass."""

from recbench import hookimpl


@hookimpl
def recbench_samplers(train):
    return []

"""Downloads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_OFFLINE: ContextVar[bool] = ContextVar("recbench_offline", default=False)


@contextmanager
def network(*, offline: bool) -> Iterator[None]:
    """Forbids downloads within the block where ``offline`` is true."""
    token = _OFFLINE.set(offline or _OFFLINE.get())
    try:
        yield
    finally:
        _OFFLINE.reset(token)

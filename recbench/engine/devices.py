"""What the devices can hold, and what compiling for them cost."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax

_COMPILE_EVENT = "/jax/core/compile/backend_compile_duration"
_COMPILING = (
    _COMPILE_EVENT,
    "/jax/core/compile/jaxpr_trace_duration",
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
)
"""Tracing and lowering come before it: of a small program they take the longer."""
_CACHE_HIT_EVENT = "/jax/compilation_cache/cache_hits"
_CPU_CAP = 2 * 2**30
_MOST_PROGRAMS = 300
"""Compiled programs that a process keeps: on a CPU each takes some 110 memory maps, of which Linux allows 65,530."""

if jax.config.values["jax_default_matmul_precision"] is None:  # JAX_DEFAULT_MATMUL_PRECISION has the last word
    # Accelerators would round the factors of products to 10 bits: a run would score differently there and on a CPU,
    # and what was submitted from one could not be verified on the other. On an H100, models as small as these train
    # no faster with rounded factors (tests/benchmarks/together.py).
    jax.config.update("jax_default_matmul_precision", "highest")


@dataclass
class _Meter:
    """Counts what XLA compiled in this process; JAX reports it through listeners, which are process-wide."""

    count: int = 0
    hits: int = 0
    seconds: float = 0.0
    setup_seconds: float = 0.0
    forgotten: int = 0  # of those counted, how many have been let go
    spans: list[tuple[float, float]] = field(default_factory=list)  # from when to when, apart, in order

    def on_duration(self, event: str, duration_secs: float, **_: Any) -> None:
        if event in _COMPILING:
            with _LOCK:
                self.count += event == _COMPILE_EVENT
                self._add(time.monotonic(), duration_secs)

    def _add(self, end: float, duration: float) -> None:
        """Counts a span that has just ended; what it holds, as tracing does that of inner programs, counts once."""
        start = end - duration
        while self.spans and self.spans[-1][1] > start:
            inner = self.spans.pop()
            self.seconds -= inner[1] - inner[0]
            start = min(start, inner[0])
        self.spans.append((start, end))
        self.seconds += end - start

    def on_event(self, event: str, **_: Any) -> None:
        if event == _CACHE_HIT_EVENT:
            with _LOCK:
                self.hits += 1


_LOCK = threading.Lock()
_METER = _Meter()
jax.monitoring.register_event_duration_secs_listener(_METER.on_duration)
jax.monitoring.register_event_listener(_METER.on_event)


def compilations() -> int:
    """Device programs compiled in this process so far, those read from the persistent cache included."""
    return _METER.count


def cache_hits() -> int:
    """How many of them were read from the persistent cache."""
    return _METER.hits


def compile_seconds() -> float:
    """Wall seconds spent on them: tracing, lowering and compiling."""
    return _METER.seconds


def limit_programs() -> None:
    """Lets go of all compiled programs once they are many: without memory maps, the next one would end the process.

    What is needed again is traced anew, and found in the persistent cache.
    """
    if _METER.count - _METER.forgotten > _MOST_PROGRAMS:
        jax.clear_caches()
        with _LOCK:
            _METER.forgotten = _METER.count


def forgotten_programs() -> int:
    """How many programs this process has let go; what was compiled when there were fewer is compiled no more."""
    return _METER.forgotten


@contextmanager
def setting_up() -> Iterator[None]:
    """Time in here is nobody's run: what is built once for a split and kept."""
    began = time.monotonic()
    try:
        yield
    finally:
        with _LOCK:
            _METER.setup_seconds += time.monotonic() - began


class Stopwatch:
    """Wall seconds between laps, without those spent compiling and setting up."""

    def __init__(self) -> None:
        self._since, self._apart = time.monotonic(), self._apart_now()

    def lap(self) -> float:
        """Seconds since the last lap. Wait for the device first: it computes behind Python's back."""
        now, apart = time.monotonic(), self._apart_now()
        spent = now - self._since - (apart - self._apart)
        self._since, self._apart = now, apart
        return max(0.0, spent)

    def _apart_now(self) -> float:
        return _METER.seconds + _METER.setup_seconds


def memory_limit() -> int:
    """Bytes that a single run may need at most: an accelerator's memory, or four fifths of the host's."""
    device = jax.devices()[0]
    stats = device.memory_stats() or {}
    if device.platform != "cpu" and "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    return _host_memory() * 4 // 5


def memory_budget() -> int:
    """Bytes that one group of runs may take: half of an accelerator's memory, an eighth of the host's up to 2 GiB.

    ``RECBENCH_MEMORY`` (bytes) overrides it.
    """
    asked = os.environ.get("RECBENCH_MEMORY")
    if asked is not None:
        return int(float(asked))
    device = jax.devices()[0]
    stats = device.memory_stats() or {}
    if device.platform != "cpu" and "bytes_limit" in stats:
        return int(stats["bytes_limit"]) // 2
    return min(_CPU_CAP, _host_memory() // 8)


def _host_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def block_elements() -> int:
    """Elements of the largest array of a scoring block: what a CPU's caches, or an accelerator's cores, like best."""
    return 2**19 if jax.devices()[0].platform == "cpu" else 2**26


def enable_compilation_cache(folder: Path) -> None:
    """Keeps compiled programs on disk, so that the next process need not compile them again."""
    folder.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)

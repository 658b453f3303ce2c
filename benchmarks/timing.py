"""Timing, and the machine that was timed."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any


def median_seconds(work: Callable[[], object], repetitions: int) -> float:
    """The median wall time of ``work`` over ``repetitions``."""
    return statistics.median(seconds_of(work) for _ in range(repetitions))


def seconds_of(work: Callable[[], object]) -> float:
    """The wall time of ``work``."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def describe_machine() -> dict[str, Any]:
    """Processor, memory and the versions that matter."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("numba", "numpy", "simpy", "ns.py")},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

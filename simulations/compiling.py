"""Compiling the engine in a process of its own, where the cache on disk has none.

LLVM keeps some 0.7 GiB of what it compiled with; so no run has to carry them. And numba's cache
knows no lock: processes that fill it at once, as those of a sweep may, can spoil it for one
another. Here one process at a time fills it.
"""

import fcntl
import os
import subprocess
import sys
from typing import Any

from scenarios.loading import load_scenario
from simulations.compiled import cache_folder, is_cached

SCENARIO, SETTINGS = "smoke", ("duration=5s", "interval=5s", "thresholds={}")
"""What is played to have everything compiled."""
_APART = "REHEARSAL_COMPILES"
"""Set where the process is there to compile."""
_CHILD = "from simulations.compiling import fill_cache; fill_cache()"


def compile_apart(function: Any, arguments: tuple[Any, ...]) -> None:
    """Have another process fill the cache, unless it has the kernel for these types of arguments.

    If that does not succeed, nothing is lost: the kernel is compiled when it is called.
    """
    if _APART in os.environ or is_cached(function, arguments):
        return
    lock = cache_folder(function) / "compiling.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not is_cached(function, arguments):
            environment = {**os.environ, _APART: "1", "PYTHONPATH": os.pathsep.join(sys.path)}
            quiet = subprocess.DEVNULL
            subprocess.run(  # noqa: S603 - our own command
                [sys.executable, "-c", _CHILD], env=environment, check=False, stdin=quiet,
                stdout=quiet, stderr=quiet,
            )  # fmt: skip


def fill_cache() -> None:
    """Play something small, with all that it compiles."""
    from simulations.conference import simulate  # noqa: PLC0415 - that one needs this one

    simulate(load_scenario(SCENARIO, list(SETTINGS)))

"""Compilation: the one place that knows numba."""

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

# GNU OpenMP's threads otherwise spin for milliseconds at the end of every level: on a machine that
# has other work to do they take the core that the slower thread waits for. Read when it is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import numba

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_BORROWED: dict[str, Any] = {**_OPTIONS, "_nrt": False}
"""Kernels work on arrays that their caller holds. Without numba's runtime they cannot make arrays,
and need not count references: the counts, atomic and shared by threads, took most of the time."""


def kernel(function: F) -> F:
    """Compile ``function`` on first use and cache the result on disk; it must make no arrays."""
    return cast(F, numba.njit(**_BORROWED)(function))


def inlined(function: F) -> F:
    """As `kernel`, for small parts of hot loops: LLVM is told to inline them."""
    return cast(F, numba.njit(forceinline=True, **_BORROWED)(function))


def parallel_kernel(function: F) -> F:
    """As `kernel`; loops over ``numba.prange`` spread over the threads."""
    return cast(F, numba.njit(parallel=True, **_OPTIONS)(function))


def array_kernel(function: F) -> F:
    """As `kernel`, for functions that make arrays."""
    return cast(F, numba.njit(**_OPTIONS)(function))

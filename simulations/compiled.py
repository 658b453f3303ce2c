"""Compilation: the one place that knows numba."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile ``function`` on first use and cache the result on disk."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function))


def parallel_kernel(function: F) -> F:
    """As `kernel`; loops over ``numba.prange`` spread over the threads."""
    return cast(F, numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")(function))


def inlined(function: F) -> F:
    """As `kernel`, for small parts of hot loops: LLVM is told to inline them."""
    return cast(
        F, numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True, _nrt=False)(function)
    )

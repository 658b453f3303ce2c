"""Compilation: foreign functions at their addresses, and a cache that does not go stale."""

import ctypes
import errno
from typing import Any

from reference_sfu.compiled import _SOURCES, call_at, compiled, errno_at


@compiled
def call(address: int, a: int, b: int, c: int, d: int) -> Any:
    return call_at(address, a, b, c, d)


@compiled
def why(address: int, errno_address: int) -> Any:
    return call_at(address, 0xFFFF, 0, 0, 0), errno_at(errno_address)


def address_of(function: Any) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return address


def test_a_function_is_called_with_its_arguments() -> None:
    kept = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_long] * 4)(
        lambda a, b, c, d: a + 10 * b + 100 * c - d
    )
    assert call(address_of(kept), 1, 2, 3, 4) == 317
    assert call(address_of(kept), 0, 0, 0, 1) == -1


def test_the_reason_of_a_failure_is_read() -> None:
    libc = ctypes.CDLL(None)
    result, reason = why(address_of(libc.close), address_of(libc["__errno_location"]))
    assert (result, reason) == (-1, errno.EBADF)


def test_a_change_of_any_module_ends_what_was_cached() -> None:
    stamp = call._cache._cache_file._source_stamp  # type: ignore[attr-defined]
    assert stamp[1] == _SOURCES

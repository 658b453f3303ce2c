"""Compilation: the one place that knows numba."""

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

_SOURCES = blake2b(
    b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
).hexdigest()


def compiled(function: F) -> F:
    """Compile ``function`` on first use, and cache it on disk until any module here changes.

    numba by itself looks at the function's own file only, and would go on with what the function
    calls as it was before.
    """
    made = numba.njit(cache=True)(function)
    file = made._cache._cache_file
    file._source_stamp = (file._source_stamp, _SOURCES)
    return cast(F, made)


def _foreign(_: Any, address: Any, a: Any, b: Any, c: Any, d: Any) -> Any:  # noqa: ARG001
    signature = types.int32(*(types.uint64,) * 5)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        function = ir.FunctionType(ir.IntType(32), [word] * 4)
        pointer = builder.inttoptr(arguments[0], function.as_pointer())
        return builder.call(pointer, list(arguments[1:]))

    return signature, generate


def _errno(_: Any, address: Any) -> Any:  # noqa: ARG001
    signature = types.int32(types.uint64)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        function = ir.FunctionType(ir.IntType(32).as_pointer(), [])
        pointer = builder.inttoptr(arguments[0], function.as_pointer())
        return builder.load(builder.call(pointer, []))

    return signature, generate


call_at: Any = intrinsic(_foreign)
"""For compiled code: `int f(a, b, c, d)` at the first argument, an address; pointers and integers
alike go in 64 bits, and a function of fewer arguments does not look at the last."""
errno_at: Any = intrinsic(_errno)
"""For compiled code: this thread's errno, by `int *__errno_location()` at the argument."""

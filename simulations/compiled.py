"""Compilation: the one place that knows numba."""

import os
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

# GNU OpenMP's threads wait for the next level spinning, for milliseconds unless told: on a machine
# that has other work to do they take the core that the slower thread waits for. If they sleep at
# once, waking them up takes longer than many a level. Read when it is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from results import histograms

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_BORROWED: dict[str, Any] = {**_OPTIONS, "_nrt": False}
"""Kernels work on arrays that their caller holds. Without numba's runtime they cannot make arrays,
and need not count references: the counts, atomic and shared by threads, took most of the time."""


def _digest_sources() -> str:
    """A digest of all modules that kernels, and constants in them, come from."""
    digest = blake2b(digest_size=16)
    for path in [*sorted(Path(__file__).parent.glob("*.py")), Path(histograms.__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


_SOURCES = _digest_sources()


def _compile(function: F, **options: Any) -> F:
    """numba's compiled function, whose cache on disk ends with a change in any kernel.

    numba itself looks at the function's own file only, and would go on playing what the function
    calls as it was before.
    """
    compiled = numba.njit(**options)(function)
    file = compiled._cache._cache_file
    file._source_stamp = (file._source_stamp, _SOURCES)
    return cast(F, compiled)


def kernel(function: F) -> F:
    """Compile ``function`` on first use and cache the result on disk; it must make no arrays."""
    return _compile(function, **_BORROWED)


def inlined(function: F) -> F:
    """As `kernel`, for small parts of hot loops: LLVM is told to inline them."""
    return _compile(function, forceinline=True, **_BORROWED)


def parallel_kernel(function: F) -> F:
    """As `kernel`; loops over ``numba.prange`` spread over the threads."""
    return _compile(function, parallel=True, **_OPTIONS)


def address_of(function: Any, *arguments: Any) -> int:
    """Where the code of a `kernel` that returns nothing is, compiled for types of arguments.

    A kernel that calls another one is compiled together with it, and with all that that one calls,
    once more. What goes by an address (see `call`) is compiled once.
    """
    function.compile(arguments)
    result = function.overloads[arguments]
    name = result.fndesc.llvm_cfunc_wrapper_name
    return int(result.library.get_pointer_to_function(name))


@intrinsic  # type: ignore[untyped-decorator]
def call(_context: Any, address: Any, arguments: Any) -> Any:
    """Call the code at an `address_of` with a tuple of arguments, of just those types."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        unpacked = cgutils.unpack_tuple(builder, values[1])
        function = ir.FunctionType(ir.IntType(8).as_pointer(), [value.type for value in unpacked])
        builder.call(builder.inttoptr(values[0], function.as_pointer()), unpacked)
        return context.get_dummy_value()

    return types.void(address, arguments), generate


def array_kernel(function: F) -> F:
    """As `kernel`, for functions that make arrays."""
    return _compile(function, **_OPTIONS)

"""Compilation: the one place that knows numba."""

import os
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

# GNU OpenMP's threads wait for the next level spinning, for milliseconds unless told: on a machine
# that has other work to do they take the core that the slower thread waits for. If they sleep at
# once, waking them up takes longer than many a level. Read when it is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

import numba
from numba import types
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import NativeLowering

from results import histograms

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_BORROWED: dict[str, Any] = {**_OPTIONS, "_nrt": False}
"""Kernels work on arrays that their caller holds. Without numba's runtime they cannot make arrays,
and need not count references: the counts, atomic and shared by threads, took most of the time."""
_ALONE = {"forceinline": False}
"""Said, because numba would hand down from kernels that are to be inlined that those be, too, which
they call first: much that seldom happens would stand, time and again, amid what always does."""


@cache
def _digest_sources(folder: Path) -> str:
    """A digest of all modules that kernels of a folder, and constants in them, come from."""
    digest = blake2b(digest_size=16)
    modules = {*Path(__file__).parent.glob("*.py"), *folder.glob("*.py")}
    for path in [*sorted(modules), Path(histograms.__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _compile(function: F, **options: Any) -> F:
    """numba's compiled function, whose cache on disk ends with a change in any kernel.

    numba itself looks at the function's own file only, and would go on playing what the function
    calls as it was before.
    """
    compiled = numba.njit(**options)(function)
    file, folder = compiled._cache._cache_file, Path(function.__code__.co_filename).parent
    file._source_stamp = (file._source_stamp, _digest_sources(folder))
    return cast(F, compiled)


def kernel(function: F) -> F:
    """Compile ``function`` on first use and cache the result on disk; it must make no arrays."""
    return _compile(function, **_BORROWED, **_ALONE)


class _SeldomLower(Lower):  # type: ignore[misc]
    def setup_function(self, fndesc: Any) -> None:
        super().setup_function(fndesc)
        self.function.attributes.add("cold")
        self.function.attributes.add("noinline")


@register_pass(mutates_CFG=True, analysis_only=False)
class _SeldomLowering(NativeLowering):  # type: ignore[misc]
    _name = "lowering of what seldom happens"

    @property
    def lowering_class(self) -> type[Lower]:
        return _SeldomLower


class _SeldomCompiler(CompilerBase):  # type: ignore[misc]
    """numba's own, but that LLVM is told of what it compiles that it is seldom called."""

    def define_pipelines(self) -> list[PassManager]:
        pipeline = PassManager("seldom")
        for step, description in DefaultPassBuilder.define_nopython_pipeline(self.state).passes:
            pipeline.add_pass(_SeldomLowering if step is NativeLowering else step, description)
        pipeline.finalize()
        return [pipeline]


def seldom(function: F) -> F:
    """As `kernel`, for what seldom happens: LLVM keeps it, and the way to it, apart from all else,
    and leaves the registers to that."""
    return _compile(function, pipeline_class=_SeldomCompiler, **_BORROWED, **_ALONE)


def inlined(function: F) -> F:
    """As `kernel`, for parts of hot loops: LLVM is told to inline them, whatever their size."""
    return _compile(function, forceinline=True, **_BORROWED)


def parallel_kernel(function: F) -> F:
    """As `kernel`; loops over ``numba.prange`` spread over the threads."""
    return _compile(function, parallel=True, **_OPTIONS, **_ALONE)


def is_cached(function: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether the cache on disk has a kernel, compiled for types of arguments."""
    cache = function._cache
    key = cache._index_key(arguments, function.targetctx.codegen())
    return key in cache._cache_file._load_index()


def cache_folder(function: Any) -> Path:
    """Where the cache of a kernel is."""
    return Path(function._cache.cache_path)


class Separate(types.WrapperAddressProtocol):  # type: ignore[misc]
    """A `kernel` that returns nothing, compiled for types of arguments, to be given to kernels.

    A kernel that calls another one by its name is compiled together with it, and with all that that
    one calls, once more. What it calls as an argument is compiled once.
    """

    def __init__(self, function: Any, *arguments: Any) -> None:
        function.compile(arguments)
        self._signature = types.void(*arguments)
        self._result = function.overloads[arguments]
        name = self._result.fndesc.llvm_cfunc_wrapper_name
        self._address = int(self._result.library.get_pointer_to_function(name))

    def __wrapper_address__(self) -> int:
        """Where its code is."""
        return self._address

    def signature(self) -> Any:
        """What it takes."""
        return self._signature


def direct(function: Any, *arguments: Any) -> Callable[..., Any]:
    """A kernel compiled for types of arguments, to be called from Python thousands of times a
    second with just these: numba does not look at what it is given, which for a world takes longer
    than many a kernel."""
    function.compile(arguments)
    return cast(Callable[..., Any], function.overloads[arguments].entry_point)


def array_kernel(function: F) -> F:
    """As `kernel`, for functions that make arrays."""
    return _compile(function, **_OPTIONS, **_ALONE)

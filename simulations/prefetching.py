"""Asking for memory ahead of time.

At every tick a few lines in each of some thirty arrays are read for every endpoint, too many for
any cache to keep until the next tick. Endpoints come in a known order, so their lines are asked for
while those before them are played.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from simulations.layout import CACHE_LINE

_POINTER = ir.IntType(8).as_pointer()
_INT32, _WORD = ir.IntType(32), ir.IntType(64)


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(_context: Any, array: Any, place: Any, line: Any) -> Any:  # noqa: ARG001
    """Ask for the cache line ``line`` of the record at ``place`` (flat) of an array.

    What lies behind the array's end does no harm, and nothing waits.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        data = make_array(kind)(context, builder, arguments[0]).data
        size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
        offset = builder.add(
            builder.mul(arguments[1], ir.Constant(_WORD, size)),
            builder.mul(arguments[2], ir.Constant(_WORD, CACHE_LINE)),
        )
        address = builder.add(builder.ptrtoint(data, _WORD), offset)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [_POINTER], ir.FunctionType(ir.VoidType(), [_POINTER, *3 * [_INT32]])
        )
        # for reading and writing alike (1), to stay in all caches (3), data (1)
        hints = [ir.Constant(_INT32, hint) for hint in (1, 3, 1)]
        builder.call(function, [builder.inttoptr(address, _POINTER), *hints])
        return context.get_dummy_value()

    return types.void(array, types.uint64, types.uint64), generate

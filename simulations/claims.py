"""Claims: threads take what there is to do one piece after the other, whoever is free."""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array


@intrinsic  # type: ignore[untyped-decorator]
def claim(_context: Any, counter: Any) -> Any:
    """The number of the piece that is the caller's: no other thread gets it.

    Args:
        counter: (1,) int64; 0 before the first claim.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw("add", data, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(counter), generate

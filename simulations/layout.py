"""Layout of records in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CACHE_LINE = 64


def zeros(shape: int | tuple[int, ...], record: np.dtype[Any]) -> NDArray[Any]:
    """As numpy's, but that the array begins with a cache line: records that fill whole lines do not
    reach into one more, and it is known which of their fields share one."""
    count = int(np.prod(shape))
    lines = np.zeros(count * record.itemsize + CACHE_LINE, np.uint8)
    first = -lines.ctypes.data % CACHE_LINE
    return lines[first : first + count * record.itemsize].view(record).reshape(shape)


def in_lines(fields: Sequence[tuple[Any, ...]], spare: int = 0) -> np.dtype[Any]:
    """A record type of ``fields`` that fills whole cache lines, and ``spare`` ones more."""
    packed = np.dtype(list(fields), align=True)
    size = (-(-packed.itemsize // CACHE_LINE) + spare) * CACHE_LINE
    names = packed.names or ()
    return np.dtype(
        {
            "names": names,
            "formats": [packed[name] for name in names],
            "offsets": [packed.fields[name][1] for name in names] if packed.fields else [],
            "itemsize": size,
        },
        align=True,
    )


def unshared(fields: list[tuple[str, Any]]) -> np.dtype[Any]:
    """A record type of ``fields`` with so much room behind them that no two records of an array
    meet in a cache line: threads that write neighbours do not slow one another down."""
    return in_lines(fields, spare=1)

"""From endpoints' histograms to percentiles of each and sums over groups alike."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from results.histograms import BUCKETS, FIRST_BUCKET, MANTISSA_SHIFT
from simulations.compiled import inlined, kernel, parallel_kernel
from simulations.layout import zeros

BLOCK = 16
"""Buckets that stand together, in one cache line, and are looked at together: a histogram is nearly
all zeros. Behind them stand the same buckets of the next endpoint: everyone's delays are alike, and
fill few pages of memory."""


def make_histograms(count: int) -> NDArray[np.uint32]:
    """(BUCKETS / BLOCK, count, BLOCK) histograms, all empty."""
    return zeros((BUCKETS // BLOCK, count, BLOCK), np.dtype(np.uint32))


@inlined
def bucket_of(value: int) -> Any:
    """The bucket of ``value`` (ns); see `results.histograms`."""
    bits = np.float64(max(value, 1)).view(np.int64)
    return np.uint64(min(max(int(bits >> MANTISSA_SHIFT) - FIRST_BUCKET, 0), BUCKETS - 1))


@inlined
def count(histograms: Any, row: int, value: int) -> None:
    """Count ``value`` (ns) in one of the histograms."""
    add(histograms, row, bucket_of(value))


@inlined
def add(histograms: Any, row: int, bucket: Any) -> None:
    """Count a value of a ``bucket`` in one of the histograms."""
    histograms[bucket // np.uint64(BLOCK), row, bucket % np.uint64(BLOCK)] += 1


@inlined
def place_of(histograms: Any, row: Any, bucket: Any) -> Any:
    """Where, in the flat array, values of a ``bucket`` are counted."""
    block = np.uint64(BLOCK)
    return (bucket // block * np.uint64(histograms.shape[1]) + row) * block + bucket % block


@kernel
def _middle(bucket: int) -> float:
    """The middle of a bucket in seconds; see `results.histograms`."""
    low = np.int64((bucket + FIRST_BUCKET) << MANTISSA_SHIFT).view(np.float64)
    high = np.int64((bucket + 1 + FIRST_BUCKET) << MANTISSA_SHIFT).view(np.float64)
    return float(0.5e-9 * (low + high))


@kernel
def _is_filled(histograms: Any, block: int) -> bool:
    """Whether any histogram has counts in a block."""
    for row in range(histograms.shape[1]):
        within = np.uint32(0)
        for bucket in range(BLOCK):
            within |= histograms[block, row, bucket]
        if within > 0:
            return True
    return False


@kernel
def _sum_blocks(histograms: Any, row: int, blocks: Any, first: int, end: int) -> int:
    """Fill (BUCKETS / BLOCK,) sums over a histogram's blocks, from the ``first`` to before the
    ``end``; the sum of all."""
    total = 0
    for block in range(first, end):
        within = 0
        for bucket in range(BLOCK):
            within += histograms[block, row, bucket]
        blocks[block] = within
        total += within
    return total


@kernel
def _percentiles(
    histograms: Any, row: int, blocks: Any, total: int, ranks: Any, values: Any
) -> None:
    """The percentiles of one histogram; NaN of an empty one."""
    if total == 0:
        values[:] = np.nan
        return
    block, below = 0, 0  # counted: all blocks before `block`
    for i in range(len(ranks)):
        order = max(1, int(np.ceil(ranks[i] * total / 100.0)))
        while below + blocks[block] < order:
            below += blocks[block]
            block += 1
        bucket, counted = 0, below + histograms[block, row, 0]
        while counted < order:
            bucket += 1
            counted += histograms[block, row, bucket]
        values[i] = _middle(block * BLOCK + bucket)


@parallel_kernel
def fold(
    histograms: Any, members: Any, first: Any, sums: Any, ranks: Any, values: Any
) -> tuple[int, int]:
    """Add endpoints' histograms up by group, take their percentiles, and empty them.

    Everyone's delays are alike: only few blocks of buckets have anybody's counts.

    Args:
        histograms: see `make_histograms`; emptied.
        members: (n,) endpoints, group by group. first: (groups + 1,) where each group begins.
        sums: (groups, BUCKETS) to which the counts are added.
        ranks: (r,) rising percentiles, 0..100; none wanted where r is 0.
        values: (n, r) seconds, filled.

    Returns:
        The first bucket that may have been counted, and the one behind the last.
    """
    filled = np.empty(len(histograms), np.bool_)
    for block in numba.prange(len(histograms)):
        filled[block] = _is_filled(histograms, block)
    first_block, end_block = 0, len(histograms)
    while first_block < end_block and not filled[first_block]:
        first_block += 1
    while end_block > first_block and not filled[end_block - 1]:
        end_block -= 1
    for group in numba.prange(len(sums)):
        blocks = np.zeros(BUCKETS // BLOCK, np.int64)
        for i in range(first[group], first[group + 1]):
            row = members[i]
            total = _sum_blocks(histograms, row, blocks, first_block, end_block)
            if len(ranks) > 0:
                _percentiles(histograms, row, blocks, total, ranks, values[row])
            for block in range(first_block, end_block):
                if blocks[block] > 0:
                    for bucket in range(BLOCK):
                        sums[group, block * BLOCK + bucket] += histograms[block, row, bucket]
                        histograms[block, row, bucket] = 0
    return first_block * BLOCK, end_block * BLOCK

"""From endpoints' histograms to percentiles of each and sums over groups alike."""

from typing import Any

import numba
import numpy as np

from results.histograms import BUCKETS, FIRST_BUCKET, MANTISSA_SHIFT
from simulations.compiled import kernel, parallel_kernel

BLOCK = 16
"""Buckets looked at together: a histogram is nearly all zeros."""


@kernel
def _middle(bucket: int) -> float:
    """The middle of a bucket in seconds; see `results.histograms`."""
    low = np.int64((bucket + FIRST_BUCKET) << MANTISSA_SHIFT).view(np.float64)
    high = np.int64((bucket + 1 + FIRST_BUCKET) << MANTISSA_SHIFT).view(np.float64)
    return float(0.5e-9 * (low + high))


@kernel
def _sum_blocks(histogram: Any, blocks: Any) -> int:
    """Fill (BUCKETS / BLOCK,) sums over blocks; the sum of all."""
    total = 0
    for block in range(len(blocks)):
        within = 0
        for bucket in range(block * BLOCK, (block + 1) * BLOCK):
            within += histogram[bucket]
        blocks[block] = within
        total += within
    return total


@kernel
def _percentiles(histogram: Any, blocks: Any, total: int, ranks: Any, values: Any) -> None:
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
        bucket, counted = block * BLOCK, below + histogram[block * BLOCK]
        while counted < order:
            bucket += 1
            counted += histogram[bucket]
        values[i] = _middle(bucket)


@parallel_kernel
def fold(histograms: Any, members: Any, first: Any, sums: Any, ranks: Any, values: Any) -> None:
    """Add endpoints' histograms up by group, take their percentiles, and empty them.

    Args:
        histograms: (n, BUCKETS) counts, emptied.
        members: (n,) endpoints, group by group. first: (groups + 1,) where each group begins.
        sums: (groups, BUCKETS) to which the counts are added.
        ranks: (r,) rising percentiles, 0..100; none wanted where r is 0.
        values: (n, r) seconds, filled.
    """
    for group in numba.prange(len(sums)):
        blocks = np.empty(BUCKETS // BLOCK, np.int64)
        for i in range(first[group], first[group + 1]):
            histogram = histograms[members[i]]
            total = _sum_blocks(histogram, blocks)
            if len(ranks) > 0:
                _percentiles(histogram, blocks, total, ranks, values[members[i]])
            for block in range(len(blocks)):
                if blocks[block] > 0:
                    for bucket in range(block * BLOCK, (block + 1) * BLOCK):
                        sums[group, bucket] += histogram[bucket]
                        histogram[bucket] = 0

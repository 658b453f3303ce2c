"""From endpoints' histograms to percentiles of each and sums over groups alike."""

from typing import Any

import numba
import numpy as np

from results.histograms import BUCKETS, FIRST_BUCKET, MANTISSA_SHIFT
from simulations.compiled import kernel, parallel_kernel


@kernel
def _middle(bucket: int) -> float:
    """The middle of a bucket in seconds; see `results.histograms`."""
    low = np.int64((bucket + FIRST_BUCKET) << MANTISSA_SHIFT).view(np.float64)
    high = np.int64((bucket + 1 + FIRST_BUCKET) << MANTISSA_SHIFT).view(np.float64)
    return 0.5e-9 * (low + high)


@kernel
def _percentiles(histogram: Any, ranks: Any, values: Any) -> None:
    """The percentiles of one histogram; NaN of an empty one."""
    total = 0
    for bucket in range(BUCKETS):
        total += histogram[bucket]
    if total == 0:
        values[:] = np.nan
        return
    below = 0
    bucket = -1
    for i in range(len(ranks)):
        order = max(1, int(np.ceil(ranks[i] / 100.0 * total)))
        while below < order:
            bucket += 1
            below += histogram[bucket]
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
        for i in range(first[group], first[group + 1]):
            endpoint = members[i]
            histogram = histograms[endpoint]
            if len(ranks) > 0:
                _percentiles(histogram, ranks, values[endpoint])
            for bucket in range(BUCKETS):
                sums[group, bucket] += histogram[bucket]
            histogram[:] = 0

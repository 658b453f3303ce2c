"""Histograms of delays: fixed memory, percentiles within 1 % of the value.

A bucket is the leading bits of the value as a floating-point number: 64 buckets to an octave, as
in HdrHistogram. A bucket is at most 1/64 of its lower edge wide, so its middle is within 0.8 % of
any value in it. Values outside the range count in the first and the last bucket.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from results.ranks import order

SUB_BITS = 6
"""Buckets to an octave, as a power of two."""
SMALLEST_OCTAVE = 14
"""The first bucket begins at 2**14 ns, 16 µs."""
OCTAVES = 22
"""The last bucket ends at 2**36 ns, 69 s."""
BUCKETS = OCTAVES << SUB_BITS
MANTISSA_SHIFT = 52 - SUB_BITS
"""Right shift of a float64's bits that leaves exponent and sub-bucket."""
FIRST_BUCKET = (1023 + SMALLEST_OCTAVE) << SUB_BITS
"""What those bits are at the range's lower edge."""


def bucket_edges() -> NDArray[np.float64]:
    """The (BUCKETS + 1,) edges in seconds."""
    bits = (np.arange(BUCKETS + 1, dtype=np.int64) + FIRST_BUCKET) << MANTISSA_SHIFT
    return bits.view(np.float64) / 1e9


MIDDLES = (bucket_edges()[:-1] + bucket_edges()[1:]) / 2
"""(BUCKETS,) what a value in each bucket is taken for, in seconds."""


def bucket_of(nanoseconds: NDArray[np.int64]) -> NDArray[np.int64]:
    """The buckets of values in nanoseconds, elementwise."""
    bits = np.maximum(nanoseconds, 1).astype(np.float64).view(np.int64)
    return np.asarray(np.clip((bits >> MANTISSA_SHIFT) - FIRST_BUCKET, 0, BUCKETS - 1))


def quantiles(
    counts: NDArray[np.int64], ranks: Sequence[float] | NDArray[np.float64], first: int = 0
) -> NDArray[np.float64]:
    """Percentiles in seconds of histograms at ``ranks`` (0..100); NaN of those that are empty.

    Args:
        counts: (…, B) histograms of B consecutive buckets.
        ranks: (R,) see `results.ranks`.
        first: number of the first of these buckets.

    Returns:
        (…, R) middles of the buckets that hold the percentiles.
    """
    buckets = counts.shape[-1]
    found = np.full((*counts.shape[:-1], len(ranks)), np.nan)
    if not counts.size:
        return found
    sums = counts.cumsum(axis=-1)
    total = sums[..., -1:]
    filled = total[..., 0] > 0
    for i, rank in enumerate(ranks):
        bucket = (sums < order(float(rank), total)).sum(axis=-1)
        found[..., i] = np.where(filled, MIDDLES[first + np.minimum(bucket, buckets - 1)], np.nan)
    return found

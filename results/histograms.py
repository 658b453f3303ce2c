"""Histograms of delays: fixed memory, percentiles within 1 % of the value.

A bucket is the leading bits of the value as a floating-point number: 64 buckets to an octave, as
in HdrHistogram. A bucket is at most 1/64 of its lower edge wide, so its middle is within 0.8 % of
any value in it. Values outside the range count in the first and the last bucket.
"""

import numpy as np
from numpy.typing import NDArray

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


def bucket_of(nanoseconds: NDArray[np.int64]) -> NDArray[np.int64]:
    """The buckets of values in nanoseconds, elementwise."""
    bits = np.maximum(nanoseconds, 1).astype(np.float64).view(np.int64)
    return np.asarray(np.clip((bits >> MANTISSA_SHIFT) - FIRST_BUCKET, 0, BUCKETS - 1))


def quantiles(counts: NDArray[np.int64], ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Percentiles in seconds of a (BUCKETS,) histogram at ``ranks`` (0..100); NaN when empty.

    The value is the middle of the bucket that holds the ceil(rank · n)-th smallest value.
    """
    total = int(counts.sum())
    if total == 0:
        return np.full(len(ranks), np.nan)
    edges = bucket_edges()
    middles = (edges[:-1] + edges[1:]) / 2
    # Multiplied first: 7 / 100 * 100 is a little more than 7.
    order = np.clip(np.ceil(np.asarray(ranks) * total / 100), 1, total)
    return middles[np.searchsorted(np.cumsum(counts), order)]

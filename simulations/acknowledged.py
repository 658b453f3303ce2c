"""The bitrate that arrives, from what feedback acknowledges."""

from typing import Any

import numpy as np

from simulations.arrivals import MILLISECOND, NEVER
from simulations.compiled import inlined, kernel

UNKNOWN = -1.0
"""Of a rate."""

FIRST_WINDOW = 500 * MILLISECOND
WINDOW = 150 * MILLISECOND
"""ns that libwebrtc's samples are taken over."""
FIRST_VARIANCE = 50.0
DRIFT = 5.0
"""Added to the estimate's variance at each sample: rates change with time."""
SURPRISE = 200.0
"""Added when the rate is expected to change at once."""
UNCERTAINTY = 10.0
"""A sample's standard deviation, times its relative distance to the estimate."""

BUCKET = 25 * MILLISECOND
BUCKETS = 20
"""The draft's window of 0.5 s, of its [0.5 s, 1 s]."""

THROUGHPUT = np.dtype(
    [
        ("rate", np.float64),  # bit/s; UNKNOWN at first
        ("variance", np.float64),  # of the estimate in kbit/s
        ("bytes", np.int64),  # of the sample being taken
        ("passed", np.int64),  # of its window, ns
        ("newest", np.int64),  # last arrival, ns; NEVER: none
        ("free_at", np.int64),  # packets sent later are no longer limited by the application, ns
    ],
    align=True,
)
"""State of libwebrtc's estimate."""

WINDOWED = np.dtype(
    [
        ("bucket", np.int64),  # number of the newest bucket of time; NEVER: nothing arrived yet
        ("full", np.int64),  # buckets before it that are complete
        ("bytes", np.int32, (BUCKETS + 1,)),
    ],
    align=True,
)
"""State of the draft's: a sliding window."""


@inlined
def restart(throughput: Any) -> None:
    """Know nothing."""
    throughput.rate = UNKNOWN
    throughput.variance = FIRST_VARIANCE
    throughput.bytes = 0
    throughput.passed = 0
    throughput.newest = NEVER
    throughput.free_at = -NEVER


@inlined
def measure(throughput: Any, sent: int, arrival: int, size: int) -> None:
    """Take a packet that has arrived: libwebrtc's AcknowledgedBitrateEstimator.

    Args:
        sent, arrival: ns. An arrival before the last one counts as at the same time.
        size: bytes.
    """
    if sent > throughput.free_at:
        throughput.variance += SURPRISE
        throughput.free_at = -NEVER
    window = FIRST_WINDOW if throughput.rate < 0.0 else WINDOW
    if throughput.newest != NEVER:
        gap = max(arrival - throughput.newest, 0)
        throughput.passed += gap
        if gap > window:  # nothing for a whole window: no sample either
            throughput.bytes = 0
            throughput.passed %= window
    throughput.newest = max(arrival, throughput.newest)
    if throughput.passed >= window:
        sample = throughput.bytes * 8e6 / window  # kbit/s
        throughput.passed -= window
        throughput.bytes = 0
        _learn(throughput, sample)
    throughput.bytes += size


@kernel
def _learn(throughput: Any, sample: float) -> None:
    """A Bayesian update; the further off a sample is, the less it counts (BitrateEstimator)."""
    if throughput.rate < 0.0:
        throughput.rate = sample * 1e3
        return
    rate = throughput.rate * 1e-3
    deviation = UNCERTAINTY * abs(rate - sample) / max(rate, 1e-9)
    noise = deviation * deviation
    predicted = throughput.variance + DRIFT
    throughput.rate = (noise * rate + predicted * sample) / (noise + predicted) * 1e3
    throughput.variance = noise * predicted / (noise + predicted)


@inlined
def start_window(windowed: Any) -> None:
    """Know nothing."""
    windowed.bucket = NEVER
    windowed.full = 0


@inlined
def measure_window(windowed: Any, arrival: int, size: int) -> None:
    """Take a packet that has arrived, for the draft's rate.

    Args:
        arrival: ns. One before the newest bucket counts in it. size: bytes.
    """
    bucket = arrival // BUCKET
    if bucket > windowed.bucket:
        if windowed.bucket == NEVER:
            passed = BUCKETS + 1
        else:
            passed = min(bucket - windowed.bucket, BUCKETS + 1)
            windowed.full = min(windowed.full + passed, BUCKETS)
        for later in range(passed):
            windowed.bytes[(bucket - later) % (BUCKETS + 1)] = 0
        windowed.bucket = bucket
    windowed.bytes[windowed.bucket % (BUCKETS + 1)] += size


@kernel
def window_rate(windowed: Any) -> float:
    """The rate (bit/s) over the complete buckets of the window; UNKNOWN until it is full."""
    if windowed.full < BUCKETS:
        return UNKNOWN
    total = np.int64(0)
    for i in range(BUCKETS + 1):
        total += windowed.bytes[i]
    total -= windowed.bytes[windowed.bucket % (BUCKETS + 1)]
    return total * 8e9 / (BUCKETS * BUCKET)  # type: ignore[no-any-return]

"""The slope of the queueing delay over the last packet groups: libwebrtc's TrendlineEstimator."""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel

WINDOW = 20
"""Groups that the line is fitted through."""
SMOOTHING = 0.9
GAIN = 4.0
MOST_DELTAS = 60
"""Until so many groups have been seen the slope counts for less."""

TREND = np.dtype(
    [
        ("count", np.int64),  # groups seen
        ("slope", np.float64),  # of the delay, ms per ms
        ("accumulated", np.float64),  # delay since the first group, ms
        ("smoothed", np.float64),  # ms
        ("origin", np.int64),  # arrival of the first group, ns
        ("times", np.float64, (WINDOW,)),  # arrivals since the first, ms
        ("delays", np.float64, (WINDOW,)),  # smoothed, ms
    ],
    align=True,
)
"""State of one leg's line."""


@inlined
def restart(trend: Any) -> None:
    """Forget all groups."""
    trend.count = 0
    trend.slope = 0.0
    trend.accumulated = 0.0
    trend.smoothed = 0.0


@kernel
def fit(trend: Any, sent_delta: int, arrival_delta: int, arrival: int) -> float:
    """Take a group; the slope of the delay, scaled for comparison with a threshold in ms.

    Args:
        sent_delta, arrival_delta: ns between the group and the one before it.
        arrival: of the group, ns.
    """
    if trend.count == 0:
        trend.origin = arrival
    place = trend.count % WINDOW
    trend.count += 1
    trend.accumulated += (arrival_delta - sent_delta) * 1e-6
    trend.smoothed = SMOOTHING * trend.smoothed + (1.0 - SMOOTHING) * trend.accumulated
    trend.times[place] = (arrival - trend.origin) * 1e-6
    trend.delays[place] = trend.smoothed
    if trend.count >= WINDOW:
        trend.slope = _slope(trend, place)
    return min(trend.count, MOST_DELTAS) * trend.slope * GAIN  # type: ignore[no-any-return]


@inlined
def _slope(trend: Any, newest: int) -> float:
    """By least squares; the one before where all groups arrived at once."""
    times, delays = trend.times, trend.delays
    # Seen from the newest point, the numbers are small and the sums lose nothing.
    at, delay = times[newest], delays[newest]
    sum_x = sum_y = sum_xx = sum_xy = 0.0
    for i in range(0, WINDOW, 2):  # two by two: additions wait for each other
        x, also_x = times[i] - at, times[i + 1] - at
        y, also_y = delays[i] - delay, delays[i + 1] - delay
        sum_x += x + also_x
        sum_y += y + also_y
        sum_xx += x * x + also_x * also_x
        sum_xy += x * y + also_x * also_y
    spread = WINDOW * sum_xx - sum_x * sum_x
    if spread <= 0.0:
        return trend.slope  # type: ignore[no-any-return]
    return (WINDOW * sum_xy - sum_x * sum_y) / spread

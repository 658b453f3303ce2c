"""The slope of the queueing delay over the last packet groups: libwebrtc's TrendlineEstimator."""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel

WINDOW = 20
"""Groups that the line is fitted through."""
SMOOTHING = 0.9
GAIN = 4.0
_CLOSE = 1e-4
"""Share of the squares there have been below which points stand so close together that their spread
has lost digits."""
MOST_DELTAS = 60
"""Until so many groups have been seen the slope counts for less."""

TREND = np.dtype(
    [
        ("count", np.int64),  # groups seen
        ("slope", np.float64),  # of the delay, ms per ms
        ("accumulated", np.float64),  # delay since the first group, ms
        ("smoothed", np.float64),  # ms
        ("origin", np.int64),  # arrival of a group that is not long ago, ns
        # of the line's points
        ("sum_x", np.float64),
        ("sum_y", np.float64),
        ("sum_xx", np.float64),
        ("sum_xy", np.float64),
        ("widest", np.float64),  # most that `sum_xx` has been since the sums were begun
        ("times", np.float64, (WINDOW,)),  # arrivals since the origin, ms
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


@inlined
def fit(trend: Any, sent_delta: int, arrival_delta: int, arrival: int) -> float:
    """Take a group; the slope of the delay, scaled for comparison with a threshold in ms.

    Args:
        sent_delta, arrival_delta: ns between the group and the one before it.
        arrival: of the group, ns.
    """
    if trend.count == 0:
        trend.origin = arrival
    place: Any = np.uint64(trend.count) % np.uint64(WINDOW)
    trend.count += 1
    trend.accumulated += (arrival_delta - sent_delta) * 1e-6
    trend.smoothed = SMOOTHING * trend.smoothed + (1.0 - SMOOTHING) * trend.accumulated
    if trend.count > WINDOW:
        _add(trend, place, -1.0)
    trend.times[place] = (arrival - trend.origin) * 1e-6
    trend.delays[place] = trend.smoothed
    if place == 0:
        _begin_anew(trend, arrival)
    else:
        _add(trend, place, 1.0)
    if trend.count >= WINDOW:
        trend.widest = max(trend.widest, trend.sum_xx)
        if _spread(trend) < _CLOSE * WINDOW * trend.widest:
            _begin_anew(trend, arrival)
        if _spread(trend) > 0.0:  # otherwise all groups arrived at once: it stays as it was
            covariance = WINDOW * trend.sum_xy - trend.sum_x * trend.sum_y
            trend.slope = covariance / _spread(trend)
    return min(trend.count, MOST_DELTAS) * trend.slope * GAIN  # type: ignore[no-any-return]


@inlined
def _add(trend: Any, place: Any, sign: float) -> None:
    """Add a point to the sums, or take it from them."""
    x, y = trend.times[place], trend.delays[place]
    trend.sum_x += sign * x
    trend.sum_y += sign * y
    trend.sum_xx += sign * x * x
    trend.sum_xy += sign * x * y


@kernel
def _begin_anew(trend: Any, arrival: int) -> None:
    """Add up all points, seen from the one at ``arrival`` (ns).

    Seen from near by, the numbers are small and the sums lose little; what is added and taken away
    again leaves traces.
    """
    later = (arrival - trend.origin) * 1e-6
    trend.origin = arrival
    trend.sum_x = trend.sum_y = trend.sum_xx = trend.sum_xy = 0.0
    for i in range(min(trend.count, WINDOW)):
        trend.times[i] -= later
        _add(trend, i, 1.0)
    trend.widest = trend.sum_xx


@inlined
def _spread(trend: Any) -> Any:
    """Of the points in time: their variance, times the square of their number."""
    return WINDOW * trend.sum_xx - trend.sum_x * trend.sum_x

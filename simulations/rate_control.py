"""The delay-based estimate: additive increase, multiplicative decrease.

libwebrtc's AimdRateControl, LinkCapacityEstimator and DelayBasedBwe; draft-ietf-rmcat-gcc-02, 5.5.
What feeds it is the detector's word after each feedback message, and the rate that arrives.
"""

import math
from typing import Any

import numpy as np

from simulations.acknowledged import UNKNOWN
from simulations.arrivals import MILLISECOND, NEVER
from simulations.compiled import inlined, kernel, seldom
from simulations.overuse import OVERUSING, UNDERUSING

HOLD, INCREASE, DECREASE = 0, 1, 2

BACK_OFF = 0.85
"""Of the rate that arrives, so that the queue that was built drains."""
GROWTH = 1.08
"""In a second, far from convergence."""
LEAST_GROWTH = 1000.0
"""bit/s, at each update."""
REACTION = 100 * MILLISECOND
"""What the detector takes to notice overuse."""
LEAST_SLOPE = 4000.0
"""bit/s each second, near convergence (libwebrtc)."""
HEADROOM, ALLOWANCE = 1.5, 10_000.0
"""No increase beyond this multiple of the rate that arrives, plus (libwebrtc) bit/s."""
PACKET_BITS = 1200 * 8
FRAMES = 30
"""A second, to tell how large packets are at a rate."""
LEAST_WAIT, MOST_WAIT = 10 * MILLISECOND, 200 * MILLISECOND
"""Bounds of the RTT that passes between decreases (libwebrtc)."""
FIRST_RTT = 200 * MILLISECOND
"""While none is known."""

SMOOTHING = 0.05
"""Of the capacity: of the rates that arrived when there was overuse."""
DEVIATIONS = 3.0
"""Within so many, the estimate is close to the capacity."""
FIRST_VARIANCE, LEAST_VARIANCE, MOST_VARIANCE = 0.4, 0.4, 2.5
"""kbit/s: of the capacity, divided by it. At 500 kbit/s that is a deviation of 14 to 35 kbit/s. The
draft gives no first value and no bounds; libwebrtc's are used."""

RATE = np.dtype(
    [
        ("estimate", np.float64),  # bit/s
        ("state", np.int64),  # HOLD, INCREASE or DECREASE
        ("changed_at", np.int64),  # last increase or decrease, ns
        ("arrived", np.float64),  # last known rate that arrives, bit/s
        ("capacity", np.float64),  # of the link, kbit/s; UNKNOWN: not met yet, or changed since
        ("variance", np.float64),  # of it, relative to it, kbit/s
        ("summit", np.float64),  # that it comes back to after a decrease, bit/s
    ],
    align=True,
)
"""State of one leg's rate control."""


@inlined
def begin(rate: Any, estimate: float) -> None:
    """Start from ``estimate`` (bit/s)."""
    rate.estimate = estimate
    rate.arrived = estimate
    rate.state = HOLD
    rate.changed_at = NEVER
    rate.capacity = UNKNOWN
    rate.variance = FIRST_VARIANCE
    rate.summit = 0.0


@inlined
def assume(rate: Any, estimate: float, minimum: float, now: int) -> None:
    """Set the estimate (bit/s), as by a probe."""
    rate.estimate = max(estimate, minimum)
    rate.changed_at = now


@inlined
def learn_capacity(rate: Any, found: float, full: bool) -> None:
    """A probe has found this much (bit/s): all that the link carries, if it was ``full``; else what
    is known of the capacity holds only if it is about as much."""
    if full:
        rate.capacity = found * 1e-3
        rate.summit = found
    elif found > capacity_bound(rate, DEVIATIONS):
        rate.capacity = UNKNOWN


@kernel
def control(
    rate: Any, usage: int, arrived: float, probed: float, rtt: int, minimum: float, now: int
) -> None:
    """Update the estimate after a feedback message, as libwebrtc does.

    Args:
        usage: the detector's.
        arrived, probed: rates that arrive and that a probe found (bit/s), or UNKNOWN.
        rtt: ns; 0: not known yet. minimum: bit/s. now: ns.
    """
    if usage != OVERUSING:
        if probed >= 0.0:
            assume(rate, probed, minimum, now)
        else:
            _follow(rate, usage, arrived, rtt, minimum, now)
        return
    wait = min(max(rtt if rtt > 0 else FIRST_RTT, LEAST_WAIT), MOST_WAIT)
    waited = now - rate.changed_at >= wait
    if arrived < 0.0:  # overuse before anything could be measured
        if waited:
            assume(rate, 0.5 * rate.estimate, minimum, now)
    elif waited or arrived < 0.5 * rate.estimate:
        _follow(rate, usage, arrived, rtt, minimum, now)


@kernel
def _follow(rate: Any, usage: int, arrived: float, rtt: int, minimum: float, now: int) -> None:
    """libwebrtc's AimdRateControl::Update."""
    if arrived < 0.0:
        arrived = rate.arrived
    rate.arrived = arrived
    if usage == UNDERUSING:  # queues empty: wait until they are
        rate.state = HOLD
    elif usage == OVERUSING:
        rate.state = DECREASE
    elif rate.state != INCREASE:
        rate.changed_at = now
        rate.state = INCREASE
    if rate.state == INCREASE:
        if arrived > capacity_bound(rate, DEVIATIONS):
            rate.capacity = UNKNOWN
        limit = HEADROOM * arrived + ALLOWANCE
        if rate.estimate < limit:
            seconds = (now - rate.changed_at) * 1e-9
            if rate.capacity >= 0.0:
                step = _near_convergence(rate, rtt, seconds)
            else:
                step = max(rate.estimate * (GROWTH ** min(seconds, 1.0) - 1.0), LEAST_GROWTH)
            rate.estimate = max(min(rate.estimate + step, limit), minimum)
        rate.changed_at = now
    elif rate.state == DECREASE:
        lowered = BACK_OFF * arrived
        if lowered > rate.estimate and rate.capacity >= 0.0:
            lowered = BACK_OFF * rate.capacity * 1e3
        rate.estimate = max(min(rate.estimate, lowered), minimum)
        if arrived < capacity_bound(rate, -DEVIATIONS):
            rate.capacity = UNKNOWN
        _meet(rate, arrived)
        rate.changed_at = now


@seldom
def control_as_drafted(
    rate: Any, usage: int, arrived: float, rtt: int, minimum: float, now: int
) -> None:
    """Update the estimate after a feedback message, as the draft does.

    Where the draft bounds the estimate to 1.5 times what arrives, this bounds its increases, as
    libwebrtc does: each pause in sending would otherwise forget what is known of the path.

    Args: as `control`.
    """
    if usage == OVERUSING:
        rate.state = DECREASE
    elif usage == UNDERUSING:
        rate.state = HOLD
    else:
        rate.state = HOLD if rate.state == DECREASE else INCREASE
    if rate.state == INCREASE:
        if arrived > capacity_bound(rate, DEVIATIONS):
            rate.capacity = UNKNOWN
        passed = now - rate.changed_at
        if rate.capacity >= 0.0 and arrived >= capacity_bound(rate, -DEVIATIONS):
            share = 0.5 * min(passed * 1e-9 / _response(rtt), 1.0)
            raised = rate.estimate + max(LEAST_GROWTH, share * _packet(rate.estimate))
        else:
            raised = rate.estimate * GROWTH ** min(passed * 1e-9, 1.0)
        if arrived >= 0.0:
            raised = min(raised, HEADROOM * arrived)
        rate.estimate = max(rate.estimate, raised)
    elif rate.state == DECREASE and arrived >= 0.0:
        rate.estimate = max(min(rate.estimate, BACK_OFF * arrived), minimum)
        _meet(rate, arrived)
    rate.changed_at = now


@inlined
def capacity_bound(rate: Any, deviations: float) -> float:
    """The capacity's estimate plus so many standard deviations (bit/s); without one, no bound."""
    if rate.capacity < 0.0:
        return math.copysign(np.inf, deviations)
    deviation = math.sqrt(rate.variance * rate.capacity)
    return (rate.capacity + deviations * deviation) * 1e3  # type: ignore[no-any-return]


@seldom
def _meet(rate: Any, arrived: float) -> None:
    """There was overuse while this rate (bit/s) arrived: it is about what the link can carry.

    Where it is less than the last summit, others may need room, and part of it is left to them: the
    fast convergence of RFC 9438, 4.7.
    """
    rate.summit = arrived if arrived >= rate.summit else (1.0 + BACK_OFF) / 2.0 * arrived
    sample = arrived * 1e-3
    if rate.capacity < 0.0:
        rate.capacity = sample
    else:
        rate.capacity += SMOOTHING * (sample - rate.capacity)
    error = rate.capacity - sample
    spread = error * error / max(rate.capacity, 1.0)
    variance = rate.variance + SMOOTHING * (spread - rate.variance)
    rate.variance = min(max(variance, LEAST_VARIANCE), MOST_VARIANCE)


@inlined
def _near_convergence(rate: Any, rtt: int, seconds: float) -> float:
    """By how much the estimate grows (bit/s) in so many seconds once a capacity has been met.

    By a packet in two response times, as libwebrtc's. Below the summit by half of what is missing
    in each, if that is more: back to what the link was last seen to carry, where libwebrtc's would
    take seconds. This is the model's own, after BIC's binary search (Xu, Harfoush and Rhee, 'Binary
    Increase Congestion Control for Fast Long-Distance Networks', 2004).
    """
    responses = seconds / (2.0 * _response(rtt))
    missing = rate.summit - rate.estimate
    step: float = max(_packet(rate.estimate) * responses, missing * min(responses, 1.0))
    return max(step, LEAST_SLOPE * seconds)


@inlined
def _response(rtt: int) -> float:
    """Time (s) from a change of the rate to its effect on it."""
    return ((rtt if rtt > 0 else FIRST_RTT) + REACTION) * 1e-9


@inlined
def _packet(estimate: float) -> float:
    """Bits of a packet, where a second's pictures are sent at ``estimate`` bit/s."""
    frame = estimate / FRAMES
    return frame / max(math.ceil(frame / PACKET_BITS), 1.0)

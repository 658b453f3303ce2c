"""Controllers: the state of every leg's congestion control, see `simulations.congestion`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations import (
    acknowledged,
    arrivals,
    kalman,
    loss_control,
    overuse,
    probing,
    rate_control,
    trendline,
)
from simulations.arrivals import NEVER
from simulations.compiled import kernel, seldom
from simulations.layout import in_lines, zeros

PROFILES = ("libwebrtc", "draft-02")
LIBWEBRTC = 0

CONTROLLER = in_lines(
    [
        ("target", np.int64),  # rate that media may use, bit/s, within [minimum, maximum]
        ("rtt", np.int64),  # round trip, smoothed, ns; 0: not known yet
        ("loss", np.float64),  # share of packets lost, last reported
        ("minimum", np.int64),  # bit/s
        ("maximum", np.int64),  # bit/s
        ("state", np.int32),  # of the delay-based control: HOLD, INCREASE or DECREASE
        ("recovered", np.int32),  # 1: queues have emptied, as the feedback message being read says
        ("probe", np.int64),  # number of the last probe cluster begun; 0: none
        ("last_sent", np.int64),  # when a packet was last sent, ns; the sender may write it
        ("limited", np.int32),  # 1: by the application; the sender writes it, see `congestion`
        ("profile", np.int16),  # index in PROFILES
        ("forwards", np.int16),  # 1: a media node's, which sends what others do; the sender's word
        # of the feedback message being read
        ("received", np.int64),  # packets
        ("least_transit", np.int64),  # least (arrival − sent) of its packets, ns
        ("newest", np.int64),  # last arrival so far, ns
        ("round_trip", np.int64),  # last one, ns
        ("heard_at", np.int64),  # when it was measured, ns; NEVER: not yet
        ("groups", arrivals.GROUPS),
        ("throughput", acknowledged.THROUGHPUT),
        ("detector", overuse.DETECTOR),
        ("trend", trendline.TREND),
        ("rate", rate_control.RATE),
        ("losses", loss_control.LOSSES),
        ("probing", probing.PROBING),
        ("kalman", kalman.KALMAN),
        ("windowed", acknowledged.WINDOWED),
    ]
)
"""State of one leg's congestion control."""


def make_controllers(
    count: int, profile: str, start: int, minimum: int, maximum: int
) -> NDArray[Any]:
    """Controllers of ``count`` legs.

    Args:
        profile: one of PROFILES.
        start, minimum, maximum: bit/s; libwebrtc's defaults are 300 kbit/s, 5 kbit/s and none.

    Returns:
        (count,) CONTROLLER.

    Raises:
        ValueError: for an unknown profile, or rates out of order.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile {profile!r} must be one of {', '.join(PROFILES)}")
    if not 0 < minimum <= start <= maximum:
        raise ValueError(
            f"rates must be 0 < minimum <= start <= maximum, not {minimum}, {start}, {maximum}"
        )
    controllers = zeros(count, CONTROLLER)
    controllers["profile"] = PROFILES.index(profile)
    controllers["target"] = start
    controllers["minimum"] = minimum
    controllers["maximum"] = maximum
    _prepare(controllers)
    return controllers


@kernel
def _prepare(controllers: Any) -> None:
    for i in range(len(controllers)):
        controller = controllers[i]
        controller.last_sent = NEVER
        controller.newest = NEVER
        controller.heard_at = NEVER
        forget_delays(controller)
        acknowledged.restart(controller.throughput)
        acknowledged.start_window(controller.windowed)
        rate_control.begin(controller.rate, float(controller.target))
        loss_control.begin(controller.losses, float(controller.target))
        probing.begin(controller.probing, controller.target)


@seldom
def forget_delays(controller: Any) -> None:
    """Forget the delays measured so far."""
    arrivals.restart(controller.groups)
    trendline.restart(controller.trend)
    kalman.restart(controller.kalman)
    overuse.restart(controller.detector)

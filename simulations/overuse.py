"""Whether the path is overused: the delay's trend against a threshold that adapts to it.

libwebrtc's TrendlineEstimator (Detect, UpdateThreshold); draft-ietf-rmcat-gcc-02, 5.4. The
threshold's adaptation keeps flows on loss-based control beside it from starving this one (Carlucci
et al., 'Analysis and Design of the Google Congestion Control for WebRTC', 2016).
"""

from typing import Any

import numpy as np

from simulations.arrivals import NEVER
from simulations.compiled import inlined

NORMAL, OVERUSING, UNDERUSING = 0, 1, 2

FIRST_THRESHOLD = 12.5
LEAST_THRESHOLD = 6.0
MOST_THRESHOLD = 600.0
"""ms."""
SPIKE = 15.0
"""A trend by so much (ms) over the threshold is a sudden change, not one to adapt to."""
OVERUSE_TIME = 10.0
"""ms over the threshold until it is overuse."""
UP, DOWN, LONGEST = 0.0087, 0.039, 100.0
"""libwebrtc's gains per ms above and below the threshold, and the ms that count at most."""
DRAFT_UP, DRAFT_DOWN = 0.01, 0.00018
"""The draft's; there all ms count."""

DETECTOR = np.dtype(
    [
        ("usage", np.int32),  # NORMAL, OVERUSING or UNDERUSING
        ("samples", np.int32),  # groups above the threshold, until it is called overuse
        ("threshold", np.float64),  # ms
        ("over", np.float64),  # time above the threshold, ms; −1: not above it
        ("before", np.float64),  # trend at the group before
        ("adapted_at", np.int64),  # arrival of the group before, ns; NEVER: there was none
    ],
    align=True,
)
"""State of one leg's detector."""


@inlined
def restart(detector: Any) -> None:
    """Forget all groups."""
    detector.usage = NORMAL
    detector.threshold = FIRST_THRESHOLD
    detector.over = -1.0
    detector.samples = 0
    detector.before = 0.0
    detector.adapted_at = NEVER


@inlined
def detect(detector: Any, scaled: float, trend: float, sent_delta: int, arrival: int) -> None:
    """Judge a group as libwebrtc does: what is neither confirmed nor over stays as it was.

    Args:
        scaled: the trend, scaled for comparison with the threshold, ms.
        trend: the same unscaled.
        sent_delta: ns between the sending of the group and the one before.
        arrival: of the group, ns.
    """
    if scaled > detector.threshold:
        _stay_over(detector, sent_delta, 0.5)  # since half-way to the group before
        lasting = detector.over > OVERUSE_TIME and detector.samples > 1
        if lasting and trend >= detector.before:
            detector.over = 0.0
            detector.samples = 0
            detector.usage = OVERUSING
    else:
        detector.over = -1.0
        detector.samples = 0
        detector.usage = UNDERUSING if scaled < -detector.threshold else NORMAL
    detector.before = trend
    _adapt(detector, scaled, arrival, UP, DOWN, LONGEST)


@inlined
def detect_as_drafted(
    detector: Any, scaled: float, trend: float, sent_delta: int, arrival: int
) -> None:
    """Judge a group as the draft does: what is not over- or underuse is normal.

    Args: as `detect`.
    """
    usage = NORMAL
    if scaled > detector.threshold:
        _stay_over(detector, sent_delta, 0.0)
        if detector.over >= OVERUSE_TIME and trend >= detector.before:
            usage = OVERUSING
    else:
        detector.over = -1.0
        if scaled < -detector.threshold:
            usage = UNDERUSING
    detector.usage = usage
    detector.before = trend
    _adapt(detector, scaled, arrival, DRAFT_UP, DRAFT_DOWN, np.inf)


@inlined
def _stay_over(detector: Any, sent_delta: int, first_share: float) -> None:
    passed = sent_delta * 1e-6
    detector.over = first_share * passed if detector.over < 0.0 else detector.over + passed
    detector.samples += 1


@inlined
def _adapt(
    detector: Any, scaled: float, arrival: int, up: float, down: float, longest: float
) -> None:
    """Move the threshold towards the trend."""
    if detector.adapted_at == NEVER:
        detector.adapted_at = arrival
    passed = (arrival - detector.adapted_at) * 1e-6
    detector.adapted_at = arrival
    distance = abs(scaled) - detector.threshold
    if distance > SPIKE:
        return
    gain = down if distance < 0.0 else up
    threshold = detector.threshold + gain * distance * min(passed, longest)
    detector.threshold = min(max(threshold, LEAST_THRESHOLD), MOST_THRESHOLD)

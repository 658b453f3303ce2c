"""The change of the queueing delay from group to group, by a Kalman filter.

draft-ietf-rmcat-gcc-02, 5.3, in milliseconds. The draft leaves open from how many groups it takes
their highest rate, and the noise's variance to begin with: here 20, and the least that it allows.
"""

import math
from typing import Any

import numpy as np

from simulations.compiled import inlined, seldom

STATE_NOISE = 1e-3
"""q, ms²."""
FIRST_ERROR = 0.1
"""e(0), ms²."""
CHI = 0.01
"""Filter coefficient of the noise's variance, of [0.001, 0.1]."""
_FADING = 30.0 / 1000.0 * math.log(1.0 - CHI)
LEAST_VARIANCE = 1.0
"""ms²."""
OUTLIER = 3.0
"""Standard deviations of the noise that a residual counts for at most, on both sides as in
libwebrtc's OveruseEstimator. The draft's words name the upper one only; but then a queue that
empties makes the noise look so large that the filter is blind for minutes."""
WINDOW = 20
"""K: groups that the highest rate is taken from."""
MOST_DELTAS = 60
"""The draft compares the estimate itself with a threshold whose figures (6 to 600 ms) are meant for
it times the groups seen, 60 at most: libwebrtc's OveruseDetector, whose text the draft is."""

KALMAN = np.dtype(
    [
        ("count", np.int64),  # groups seen
        ("estimate", np.float64),  # m: change of the delay from group to group, ms
        ("error", np.float64),  # e, ms²
        ("variance", np.float64),  # of the measurement's noise, ms²
        ("intervals", np.float64, (WINDOW,)),  # between the groups' sending, ms
    ],
    align=True,
)
"""State of one leg's filter."""


@inlined
def restart(state: Any) -> None:
    """Forget all groups."""
    state.count = 0
    state.estimate = 0.0
    state.error = FIRST_ERROR
    state.variance = LEAST_VARIANCE


@seldom
def track(state: Any, sent_delta: int, arrival_delta: int) -> float:
    """Take a group; the estimate, scaled for comparison with a threshold in ms.

    Args:
        sent_delta, arrival_delta: ns between the group and the one before it.
    """
    state.intervals[state.count % WINDOW] = max(sent_delta, 0) * 1e-6
    state.count += 1
    shortest = state.intervals[0]
    for i in range(1, min(state.count, WINDOW)):
        shortest = min(shortest, state.intervals[i])
    residual = (arrival_delta - sent_delta) * 1e-6 - state.estimate
    keep = math.exp(_FADING * shortest)  # (1 − χ)^(30 / 1000 f_max)
    counted = min(abs(residual), OUTLIER * math.sqrt(state.variance))
    variance = keep * state.variance + (1.0 - keep) * counted * counted
    state.variance = max(variance, LEAST_VARIANCE)
    uncertain = state.error + STATE_NOISE
    gain = uncertain / (state.variance + uncertain)
    state.estimate += gain * residual
    state.error = (1.0 - gain) * uncertain
    return min(state.count, MOST_DELTAS) * state.estimate  # type: ignore[no-any-return]

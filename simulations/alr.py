"""Application-limited regions: whether a sender has less to send than it might.

libwebrtc's AlrDetector. A budget fills at a share of the estimate and is spent by what is sent; it
holds half a second's worth. While it is nearly full, the application is the limit.
"""

from typing import Any

from simulations.compiled import kernel
from simulations.rate_control import BACK_OFF

USAGE = BACK_OFF
"""Of the estimate; libwebrtc's is 65 %. Overuse lowers the estimate of a sender that is limited to
0.85 times itself, that of others to 0.85 times what arrives. As long as the former leaves room for
what is sent, nothing tells that the link does not carry it: of a node whose next layer does not fit
into the rest, a key frame's burst alone would else take the layer that does. This is the model's
own."""
WINDOW = 0.5
"""Seconds whose worth the budget holds, either way."""
BEGIN, END = 0.8, 0.5
"""Shares of the budget above which a region begins, and below which it ends."""


@kernel
def spend(leg: Any, target: int, sent: int, passed: float) -> None:
    """Update ``leg.budget`` (bytes) and ``leg.limited`` (1: limited by the application).

    Args:
        target: the estimate, bit/s. sent: bytes, in the ``passed`` seconds since the last time.
    """
    rate = USAGE * target / 8.0
    most = WINDOW * rate
    spent = max(min(leg.budget, most) - sent, -most)
    leg.budget = min(spent + rate * passed, most)
    if leg.budget > BEGIN * most:
        leg.limited = 1
    elif leg.budget < END * most:
        leg.limited = 0

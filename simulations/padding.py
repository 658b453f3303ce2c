"""Padding: what a sender adds where a probe is to be faster than its media.

libwebrtc's BitrateProber: a cluster's packets leave at the probe's rate, media first; padding fills
up what is missing. Media that comes at the same time takes the place of padding.
"""

from typing import Any

import numpy as np

from simulations.compiled import seldom

CLUSTER_TIME = 15_000_000
CLUSTER_PACKETS = 5
"""A probe cluster lasts at least so long (ns) and has so many packets (libwebrtc,
ProbeController)."""


@seldom
def cluster_of(rate: int, size: int) -> Any:
    """A probe cluster at ``rate`` bit/s.

    Args:
        size: bytes of a packet of padding.

    Returns:
        Its bytes, and the time that each takes (ns).
    """
    least = np.int64(rate * (CLUSTER_TIME / 8e9))
    return max(least, np.int64(CLUSTER_PACKETS * size)), np.int64(max(8e9 / rate, 1.0))

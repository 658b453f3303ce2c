"""Padding: what a sender adds to its media so that both together make a probe."""

from typing import Any

import numpy as np

from simulations.compiled import kernel

CLUSTER_TIME = 15_000_000
CLUSTER_PACKETS = 5
"""A probe cluster lasts at least so long (ns) and has so many packets (libwebrtc,
ProbeController)."""
SPARE = 1.5
"""Times as long as it must be: media does not come as evenly as padding."""
LEAST = 0.25
"""Of the probe, at least so much is padding: media may pause just then."""


@kernel
def padding_for(rate: int, media: float, size: int) -> Any:
    """Padding for a probe at ``rate``, beside media of ``media`` bit/s.

    Args:
        size: bytes of a packet of padding.

    Returns:
        How many packets, and the time between them (ns).
    """
    bits = 8e9 * size
    gap = bits / max(rate - media, LEAST * rate)
    length = SPARE * max(float(CLUSTER_TIME), CLUSTER_PACKETS * bits / rate)
    return 1 + np.int64(length / gap), np.int64(gap)

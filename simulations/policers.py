"""A policer: a token bucket that drops what exceeds it and queues nothing."""

from typing import Any

import numpy as np

from simulations.compiled import inlined

POLICER = np.dtype(
    [
        ("depth", np.float64),  # bits
        ("tokens", np.float64),  # bits, at `filled`
        ("filled", np.int64),  # ns
        ("rate", np.float64),  # bit/s; 0: no policer
    ],
    align=True,
)
"""State of one token bucket."""


@inlined
def conforms(policer: Any, now: int, size: int) -> bool:
    """Whether a packet of ``size`` bytes finds tokens for all of its bits; it then takes them."""
    if policer.rate <= 0.0:
        return True
    gained = (now - policer.filled) * 1e-9 * policer.rate
    policer.tokens = min(policer.depth, policer.tokens + gained)
    policer.filled = now
    if policer.tokens < 8.0 * size:
        return False
    policer.tokens -= 8.0 * size
    return True

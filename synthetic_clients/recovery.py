"""How clients notice that they are cut off, and how they come back: data, and a schedule."""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Recovery:
    """When a client takes its session for lost, and when it tries again."""

    silence_s: float = 10.0
    """Without any datagram from the server (LiveKit's server takes a client for disconnected
    then)."""
    consent_s: float = 30.0
    """Without an answer to ICE's consent checks (RFC 7675, section 5.1)."""
    delays_s: tuple[float, ...] = (0.0, 0.3, 1.2, 2.7, 4.8, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0)
    """Before each attempt (LiveKit's JavaScript client)."""
    spread_s: float = 1.0
    """Up to which each delay from the third on is drawn out at random (the same)."""

    def waits(self, draw: random.Random, after_s: float | None = None) -> Iterator[float]:
        """Seconds to wait before each attempt; ``after_s`` is what the server asked for."""
        for number, delay in enumerate(self.delays_s):
            drawn = draw.uniform(0, self.spread_s) if number >= 2 else 0.0
            yield max(delay + drawn, after_s or 0.0)


RECOVERY = Recovery()
"""What clients do unless told otherwise."""

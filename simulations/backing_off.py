"""Back-off: how long a client waits before each attempt to come back."""

from scenarios.recovery import Recovery

LARGEST_DOUBLING = 40


def backing_off(recovery: Recovery, attempt: int, draw: float) -> int:
    """ns before ``attempt``, counted from 1.

    A list of delays begins again after the person has joined anew by hand.

    Args:
        draw: uniform in (0, 1).
    """
    if recovery.delays:
        attempt = 1 + (attempt - 1) % (len(recovery.delays) + 1)
        if attempt > len(recovery.delays):
            return round(recovery.rejoin * (0.5 + draw))
        delay = recovery.delays[attempt - 1]
    else:
        delay = min(recovery.cap, recovery.base << min(attempt - 1, LARGEST_DOUBLING))
    if attempt < recovery.jitter_from or recovery.jitter == "none":
        return delay
    return round(delay * draw if recovery.jitter == "full" else delay + recovery.spread * draw)

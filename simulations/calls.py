"""Calls to the floor: how long each took, and where the time went."""

from dataclasses import dataclass

import numpy as np

from simulations.world import World

NEVER = -1
AUDIENCE = (0.5, 0.95)
"""Shares of the endpoints whose time is told."""


@dataclass
class Call:
    """One call, in ns of the meeting."""

    called: int
    endpoint: int
    granted: int = NEVER
    """When the endpoint knew."""
    sent: int = NEVER
    """When the first packet of the frame left that the command centre showed first."""
    at_node: int = NEVER
    """When that frame was whole at the endpoint's media node."""
    arrived: int = NEVER
    """When it was whole at the command centre."""
    shown: int = NEVER
    """When the command centre showed it."""
    audience: tuple[int, ...] = (NEVER,) * len(AUDIENCE)
    """When AUDIENCE of the endpoints had shown one."""


def finish_call(call: Call, world: World) -> None:
    """Take down what became of the call that has the floor, before the floor moves on."""
    if call.granted == NEVER:
        return
    shown, sent, at_node, arrived = (int(value) for value in world.call)
    if shown != NEVER:
        call.shown, call.sent, call.at_node, call.arrived = shown, sent, at_node, arrived
    seen = np.delete(world.endpoints["seen"][:-1], call.endpoint)
    times = np.sort(seen[seen >= 0])
    ranks = [int(np.ceil(share * len(seen))) for share in AUDIENCE]
    call.audience = tuple(
        int(times[rank - 1]) if 0 < rank <= len(times) else NEVER for rank in ranks
    )

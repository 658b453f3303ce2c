"""Membership: whom each media node serves, in the order in which it does so.

The order is drawn once for all endpoints, so that it is no one's favour, and does not depend on who
came when.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.compiled import kernel

FORGOTTEN, ABSENT = -1, -2
"""In `ENDPOINT.served`, where no node serves the endpoint: its node has lost its session, and it
does not know; it is not connected."""


def members(
    order: NDArray[np.int64], node: NDArray[np.int32], nodes: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Everyone a member of their node.

    Args:
        order: endpoints in the order in which they are served. node: (n,) of each endpoint.

    Returns:
        `World.subscribers`, `World.audience` and `World.ranks`.
    """
    subscribers = np.full((nodes, len(node)), -1, np.int32)
    audience = np.zeros(nodes, np.int64)
    ranks = np.empty(len(node), np.int32)
    ranks[order] = np.arange(len(node))
    for n in range(nodes):
        mine = order[node[order] == n]
        subscribers[n, : len(mine)] = mine
        audience[n] = len(mine)
    return subscribers, audience, ranks


@kernel
def enter(world: Any, endpoint: int, n: int) -> None:
    """Let the node ``n`` serve ``endpoint``, which no node serves."""
    subscribers, ranks = world.subscribers[n], world.ranks
    place = world.audience[n]
    while place > 0 and ranks[subscribers[place - 1]] > ranks[endpoint]:
        subscribers[place] = subscribers[place - 1]
        place -= 1
    subscribers[place] = endpoint
    world.audience[n] += 1
    world.endpoints[endpoint].node = n
    world.endpoints[endpoint].served = n


@kernel
def leave(world: Any, endpoint: int, state: int) -> None:
    """Let no node serve ``endpoint`` any more; it is FORGOTTEN or ABSENT from now on."""
    n = world.endpoints[endpoint].served
    world.endpoints[endpoint].served = state
    if n < 0:
        return
    subscribers = world.subscribers[n]
    place = 0
    while subscribers[place] != endpoint:
        place += 1
    world.audience[n] -= 1
    for i in range(place, world.audience[n]):
        subscribers[i] = subscribers[i + 1]

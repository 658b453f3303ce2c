"""Membership: whom each media node serves, in the order in which it does so.

The order is drawn once for all groups, and for all endpoints within theirs, so that it is no one's
favour, and does not depend on who came when. What goes to one group leaves the node together. Of
all orders this one fills the queues of aggregations most, as a packet's copies come to each as fast
as the node can send. It is also the fastest to play: what is touched in succession stands together.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.compiled import kernel

FORGOTTEN, ABSENT = -1, -2
"""In `ENDPOINT.served`, where no node serves the endpoint: its node has lost its session, and it
does not know; it is not connected."""


def fan_out_order(
    draws: NDArray[np.float64], group_draws: NDArray[np.float64], group: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Endpoints in the order in which nodes serve them.

    Args:
        draws, group_draws: (n,) uniform of each endpoint; the second of a group's first one is the
            group's.
        group: (n,) of each endpoint.
    """
    _, first, place = np.unique(group, return_index=True, return_inverse=True)
    return np.lexsort((draws, group_draws[first][place]))


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

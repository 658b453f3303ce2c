"""Shares: the parts of a media node's subscribers that threads serve side by side.

Whom a node sends a packet, and when its pacers let it, follows from each subscriber's own state. So
each share decides on its copies by itself, bundle by bundle (`simulations.fanout`). When they leave
depends on what the others' take of the node's processor: `simulations.departures` has them leave,
in order of time and of packets, and everybody's copies of a packet in the order of shares, which is
the order of subscribers.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.compiled import inlined, kernel
from simulations.layout import unshared, zeros
from simulations.packets import EDGE, ITEM

SHARES = 4
"""Of each node. Not as many as there are threads: it says whose turn it is of what happens in the
same nanosecond."""

SHARE = unshared(
    [
        ("until", np.int64),  # ns, up to when it has been played, or is being played
        ("first", np.int64),  # among the node's subscribers; its own stand together
        ("last", np.int64),
        ("bundles", np.int64),  # decided upon
        ("copies", np.int64),  # in all bundles
        ("left", np.int64),  # bundles that have left the node
        ("copies_left", np.int64),  # in them
        ("turn", np.int64),  # twice the packets read that came to the node
        ("noted", np.int64),  # bundles of which it has been noted when their copies left
        ("copies_noted", np.int64),  # in them
        ("thread", np.int64),  # that decides on them
        ("dropped", np.int64),  # copies that found no room to wait; of the running epoch
        ("full", np.int64),  # 1: there is no room for the next bundle
        ("heap", EDGE),  # what the node sends of its own accord, see `simulations.heaps`
    ]
)
"""State of one share."""

BUNDLE = np.dtype(
    [
        ("time", np.int64),  # ns
        ("packet", np.uint32),
        ("turn", np.uint32),  # of bundles that leave at the same time the lower one comes first
        ("count", np.uint32),
        ("slot", np.int16),  # the receivers' stream
        ("kind", np.int8),  # see `simulations.history`
        ("cause", np.int8),
    ],
    align=True,
)
"""Copies of one packet that leave a node in a row."""

PASSED_ON, CAME, ORDERED = 0, 1, 2
"""Causes of bundles: a packet that came, of which the first share keeps the books; and what the
node sends of its own accord, its pacers' releases aside."""

DEPARTURE = np.dtype(
    [
        ("left", np.int64),  # ns; DROPPED: the node had no time for it
        ("endpoint", np.uint32),
        ("entry", np.uint32),
        ("place", np.uint32),
    ]
)
"""A copy that is to leave: whose it is, its entry in that endpoint's history, and where that
stands."""


_COPIES = 16
"""Room for copies in an epoch, for each subscriber; the engine doubles it when it must."""


def shared_out(nodes: int, endpoints: int, orders: int) -> dict[str, NDArray[Any]]:
    """The arrays of `World` that belong to shares.

    Args:
        orders: that a node may have for an endpoint in a tick, at most.
    """
    most = -(-endpoints // SHARES)
    shares = zeros((nodes, SHARES), SHARE)
    room = most * (orders + 1)  # a heap never has to grow
    shares["until"] = -1
    shares["heap"]["base"] = np.arange(nodes * SHARES).reshape(nodes, SHARES) * room
    shares["heap"]["mask"] = -1
    copies = 1 << (64 + most * _COPIES).bit_length()
    return {
        "shares": shares,
        "bundles": zeros((nodes, SHARES, copies), BUNDLE),
        "departures": zeros((nodes, SHARES, copies), DEPARTURE),
        "heap_items": zeros(nodes * SHARES * room, ITEM),
    }


@inlined
def share_of(world: Any, endpoint: Any) -> Any:
    """The share of its node's subscribers that an endpoint belongs to, whichever its node is."""
    return world.ranks[endpoint] * SHARES // len(world.ranks)


@inlined
def first_of(world: Any, n: int, k: int) -> int:
    """Where among the subscribers of the node ``n`` those of the share ``k`` begin."""
    subscribers, low, high = world.subscribers[n], 0, world.audience[n]
    while low < high:
        middle = (low + high) >> 1
        if share_of(world, np.uint64(subscribers[middle])) < k:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def is_any_full(world: Any) -> bool:
    """Whether a share had no room for its next bundle."""
    for n in range(len(world.shares)):
        for k in range(SHARES):
            if world.shares[n, k].full:
                return True
    return False

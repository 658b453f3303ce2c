"""Packets: a ring of records that streams of copies point into, and sorted streams of them.

A packet's copies share size, timestamps and numbers; a copy on its way is its packet's number, its
endpoint, its place in the endpoint's history and a time.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined
from simulations.layout import unshared

PACKET = np.dtype(
    [
        ("sent", np.int64),  # leaving the publisher, ns
        ("captured", np.int64),  # ns
        ("at_node", np.int64),  # arrival at the first media node, ns; −1: not there
        ("publisher", np.int32),  # endpoint
        ("source", np.int32),  # stream (SSRC)
        ("sequence", np.int32),
        ("frame", np.int32),
        ("frame_packets", np.int32),
        ("index", np.int32),  # within its frame
        ("size", np.int32),  # bytes at the IP layer
        ("seat", np.int16),  # see `simulations.seats`
        ("media", np.int16),
        ("layer", np.int16),
        ("key", np.int16),  # 1: of a key frame
        ("again", np.int16),  # 1: a retransmission by the publisher
        ("probe", np.int16),  # number of the probe cluster it belongs to; 0: none
    ],
    align=True,
)
"""What all copies of a packet have in common."""

AUDIO, PICTURE, SCREEN, PADDING, RESENT = 0, 1, 2, 3, 4
"""Media of packets and tracks. Padding ends at the first node; what a publisher sends again comes
from a track of its own, but goes under the medium of its first transmission."""

ITEM = np.dtype(
    # Unsigned: of a signed index, numba has to see whether it counts from the end.
    [
        ("time", np.int64),
        ("packet", np.uint32),
        ("endpoint", np.uint32),
        ("entry", np.uint64),
        ("step", np.uint32),  # ns
        ("count", np.uint32),
    ],
    align=True,
)
"""A copy on its way: arrival at the edge's target (ns), index of its packet, whose it is, and its
entry in that endpoint's history (see `simulations.history`). Where there are several, see
`simulations.trains`, they come a step apart, and it is the first one's."""

EDGE = unshared(
    [
        ("base", np.int64),  # first slot of the edge's ring
        ("mask", np.int64),
        ("head", np.int64),
        ("tail", np.int64),
        ("delay", np.int64),  # propagation, ns
        ("source", np.int32),  # station that writes it; negative: see `simulations.topology`
        ("cascade", np.int32),  # 1: what another node sends
        ("entered", np.int64),  # items, ever put in; of heaps only
        ("last", np.int64),  # where the last train begins, see `simulations.trains`
        ("last_time", np.int64),  # arrival of its last copy, ns
    ]
)
"""A stream of copies from one station to the next, in order of arrival there."""


@inlined
def slot(edge: Any, position: int) -> Any:
    """Index of the item at ``position`` of the edge's stream."""
    return np.uint64(edge.base + (position & edge.mask))


@inlined
def is_full(edge: Any, items: int) -> bool:
    """Whether the edge's ring has no room for ``items`` more."""
    return bool(edge.tail - edge.head + items > edge.mask + 1)


@inlined
def push(edge: Any, items: Any, time: int, packet: int, endpoint: int, entry: int) -> None:
    """Append a copy that leaves the edge's source at ``time``; times never go back."""
    item = items[slot(edge, edge.tail)]
    item.time = time + edge.delay
    item.packet = packet
    item.endpoint = endpoint
    item.entry = entry
    item.count = 1
    edge.tail += 1


@inlined
def insert(edge: Any, items: Any, time: int, packet: int, endpoint: int, entry: int) -> None:
    """As `push`, for sources that do not keep the order between endpoints; after equal times."""
    arrival = time + edge.delay
    position = edge.tail
    while position > edge.head:
        before = slot(edge, position - 1)
        if items[before].time <= arrival:
            break
        items[slot(edge, position)] = items[before]
        position -= 1
    item = items[slot(edge, position)]
    item.time = arrival
    item.packet = packet
    item.endpoint = endpoint
    item.entry = entry
    item.count = 1
    edge.tail += 1

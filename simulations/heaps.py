"""Heaps: like edges, but read in order of time and written in none.

A heap begins with its first slot: ``head`` stays 0, and what comes first stands there. Of equal
times what was put in first comes first: above what it was put in with, an item's ``entry`` holds
how many were put in before it.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel, seldom

_SHIFT = np.uint64(11)
MOST = 2047
"""The largest entry."""


@seldom
def put(edge: Any, items: Any, time: int, packet: int, endpoint: Any, entry: int) -> None:
    """Put an item into a heap that is not full.

    Args:
        edge, items: an EDGE record and all heaps' ITEMs (see `simulations.packets`).
        time: ns. entry: 0 to MOST.
    """
    heap, place = np.uint64(edge.base), np.uint64(edge.tail)
    while place > 0:
        parent = (place - np.uint64(1)) >> np.uint64(1)
        if items[heap + parent].time <= time:
            break
        items[heap + place] = items[heap + parent]
        place = parent
    item = items[heap + place]
    item.time = time
    item.packet = packet
    item.endpoint = endpoint
    item.entry = (np.uint64(edge.entered) << _SHIFT) | np.uint64(entry)
    edge.entered += 1
    edge.tail += 1


@inlined
def entry_of(item: Any) -> int:
    """The entry that an item was put in with."""
    return np.int64(item.entry & np.uint64(MOST))  # type: ignore[return-value]


@kernel
def drop_first(edge: Any, items: Any) -> None:
    """Take what comes first from a heap that is not empty."""
    edge.tail -= 1
    last = np.uint64(edge.tail)
    if last > 0:
        items[np.uint64(edge.base)] = items[np.uint64(edge.base) + last]
        _sink(edge, items, np.uint64(0))


@kernel
def put_off(edge: Any, items: Any, time: int) -> None:
    """Take what comes first from a heap, and put it in again for a later ``time`` (ns)."""
    item = items[np.uint64(edge.base)]
    item.time = time
    item.entry = (np.uint64(edge.entered) << _SHIFT) | (item.entry & np.uint64(MOST))
    edge.entered += 1
    _sink(edge, items, np.uint64(0))


@kernel
def drop_of(edge: Any, items: Any, endpoint: int) -> None:
    """Take all that is an endpoint's from a heap."""
    heap, kept = np.uint64(edge.base), 0
    for place in range(edge.tail):
        if items[heap + np.uint64(place)].endpoint != endpoint:
            items[heap + np.uint64(kept)] = items[heap + np.uint64(place)]
            kept += 1
    edge.tail = kept
    for place in range(kept // 2 - 1, -1, -1):
        _sink(edge, items, np.uint64(place))


@inlined
def _sink(edge: Any, items: Any, place: Any) -> None:
    """Let an item sink to where all below it come later."""
    heap, count, one = np.uint64(edge.base), np.uint64(edge.tail), np.uint64(1)
    item = items[heap + place]
    time, packet, endpoint, entry = item.time, item.packet, item.endpoint, item.entry
    while True:
        child = place + place + one
        if child >= count:
            break
        if child + one < count and _comes_before(items[heap + child + one], items[heap + child]):
            child += one
        below = items[heap + child]
        if below.time > time or (below.time == time and below.entry > entry):
            break
        items[heap + place] = below
        place = child
    item = items[heap + place]
    item.time = time
    item.packet = packet
    item.endpoint = endpoint
    item.entry = entry


@inlined
def _comes_before(item: Any, other: Any) -> bool:
    """Whether an item comes before another one."""
    return bool(item.time < other.time or (item.time == other.time and item.entry < other.entry))

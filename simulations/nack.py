"""Which packets of a stream are missing, and when to ask for them again: generic NACK.

The rules and numbers are libwebrtc's (NackRequester, and the processing that runs it at intervals;
RFC 4585, 6.2.1 is the message). It drops a packet from its list as it asks for the last time; here
the packet stays until that try has had its round trip too, so that what comes after all counts as
recovered. What goes out is the same.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined, seldom
from simulations.layout import in_lines

NACK = in_lines(
    [
        ("next", np.int64),  # number after the highest that came; 0: nothing came yet
        ("count", np.int64),  # numbers in the list of what is missing
        ("key_from", np.int64),  # what lies before is not of the newest key frame nor after it
        ("key", np.int32),  # 1: the highest that came is of a key frame
        ("gave_up", np.int32),  # 1: a packet that what came since refers to; cleared by who reads
        # since the last sample
        ("asked", np.int64),  # packets asked for, every asking
        ("recovered", np.int64),  # packets that were missing and came
        ("abandoned", np.int64),  # packets that were missing and are no longer waited for
    ]
)
"""State of one stream; all zeros before its first packet."""

NACK_COUNTS = ("asked", "recovered", "abandoned")

MISSING = np.dtype(
    [("asked", np.int64), ("number", np.int32), ("tries", np.int32)],
    align=True,
)
"""A packet that is missing: when it was last asked for (ns), and how often. The list of a stream
is an array of them, of which the first `NACK.count` hold, in ascending order of number."""

CAPACITY = 1024
"""Room for a stream's list."""
LONGEST = 1000
"""Packets in a list at most (kMaxNackPackets)."""
OLDEST = 10_000
"""A packet is given up that far behind the highest number (kMaxPacketAge)."""
TRIES = 10
"""Times that a packet is asked for at most (kMaxNackRetries)."""
DEFAULT_RTT = 100_000_000
"""ns between askings until a round trip has been measured (kDefaultRtt)."""


@inlined
def note(nack: Any, missing: Any, number: int, key: int) -> bool:
    """Take notice of a packet that came, for the first time or again.

    Args:
        missing: the stream's list, (CAPACITY,) MISSING.
        key: 1: the packet is of a key frame.

    Returns:
        Whether a key frame must be asked for: more was missing than the list holds.
    """
    if number == nack.next and nack.count == 0:
        if nack.key != key:
            nack.key = key
            if key:
                nack.key_from = number
        nack.next = number + 1
        return False
    if number < nack.next:
        _recover(nack, missing, number)
        return False
    return _advance(nack, missing, number, key)


@seldom
def _position(nack: Any, missing: Any, number: int) -> int:
    """Where in the list ``number`` stands, or what first comes after it."""
    low, high = 0, nack.count
    while low < high:
        middle = (low + high) >> 1
        if missing[np.uint64(middle)].number < number:
            low = middle + 1
        else:
            high = middle
    return low


@seldom
def _remove(nack: Any, missing: Any, first: int, last: int) -> None:
    """Take the places from ``first`` to before ``last`` out of the list."""
    gone = last - first
    if gone <= 0:
        return
    for i in range(last, nack.count):
        missing[np.uint64(i - gone)] = missing[np.uint64(i)]
    nack.count -= gone


@seldom
def _recover(nack: Any, missing: Any, number: int) -> None:
    place = _position(nack, missing, number)
    if place < nack.count and missing[np.uint64(place)].number == number:
        _remove(nack, missing, place, place + 1)
        nack.recovered += 1


@seldom
def _advance(nack: Any, missing: Any, number: int, key: int) -> bool:
    """Take notice of the highest number so far; see `note`."""
    if nack.next == 0:  # the first packet of all begins the sequence
        nack.next = number
    if nack.key != key:
        nack.key = key
        if key:  # the packet before was of an earlier frame, what is between may be of this one
            nack.key_from = nack.next
    gap = number - nack.next
    if nack.count > 0 and missing[0].number < number - OLDEST:
        if missing[0].number >= nack.key_from:
            nack.gave_up = 1
        _clear_to(nack, missing, number - OLDEST)
    longest = min(LONGEST, len(missing))
    if nack.count + gap > longest:
        clear_to(nack, missing, nack.key_from)
    full = nack.count + gap > longest
    if full:
        nack.abandoned += nack.count + gap
        nack.count = 0
        nack.gave_up = 1
    else:
        for lost in range(nack.next, number):
            entry = missing[np.uint64(nack.count)]
            entry.number = lost
            entry.tries = 0
            nack.count += 1
    nack.next = number + 1
    return full  # type: ignore[no-any-return]


@inlined
def _wait(rtt: int) -> int:
    """ns between two askings."""
    return rtt if rtt > 0 else DEFAULT_RTT


@seldom
def due(nack: Any, missing: Any, now: int, rtt: int, numbers: Any, room: int) -> int:
    """Choose what to ask for ``now`` (ns): what has not been asked for yet, and what was asked for
    a round trip ago or longer. What has had all its tries by then is given up.

    Args:
        missing: as in `note`.
        rtt: the round trip, ns; 0: not known.
        numbers: int32 array that the chosen numbers are written to.
        room: how many it takes at most; the others have to wait.

    Returns:
        How many were written.
    """
    wait = _wait(rtt)
    room = min(room, len(numbers))
    chosen = kept = 0
    for i in range(nack.count):
        entry = missing[np.uint64(i)]
        ripe = entry.tries == 0 or now - entry.asked >= wait
        if ripe and entry.tries >= TRIES:
            nack.abandoned += 1
            if entry.number >= nack.key_from:
                nack.gave_up = 1
            continue
        if ripe and chosen < room:
            numbers[np.uint64(chosen)] = entry.number
            chosen += 1
            entry.tries += 1
            entry.asked = now
        if kept < i:
            missing[np.uint64(kept)] = entry
        kept += 1
    nack.count = kept
    nack.asked += chosen
    return chosen


@seldom
def next_asking(nack: Any, missing: Any, rtt: int) -> int:
    """When something of what is missing is asked for next (ns); 0: it has not been asked for yet.

    Args:
        missing: as in `note`. rtt: as in `due`.
    """
    earliest = missing[0].asked
    for i in range(nack.count):
        entry = missing[np.uint64(i)]
        if entry.tries == 0:
            return 0
        earliest = min(earliest, entry.asked)
    return earliest + _wait(rtt)  # type: ignore[no-any-return]


@inlined
def clear_to(nack: Any, missing: Any, number: int) -> None:
    """Wait no longer for what lies before ``number``: it was decoded without, or skipped."""
    if nack.count > 0 and missing[0].number < number:
        _clear_to(nack, missing, number)


@seldom
def _clear_to(nack: Any, missing: Any, number: int) -> None:
    gone = _position(nack, missing, number)
    _remove(nack, missing, 0, gone)
    nack.abandoned += gone

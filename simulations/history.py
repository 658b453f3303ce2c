"""What a media node sent to each subscriber, copy by copy: a ring of records for each.

The node numbers all copies to a subscriber, of all streams (transport-wide sequence numbers,
draft-holmer-rmcat-transport-wide-cc-extensions-01); entries are these numbers. Receiver and node
both look things up here: the network between them carries the entry.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined, seldom

COPY = np.dtype(
    [
        ("sent", np.int64),  # leaving the node, ns
        ("arrival", np.int64),  # at the receiver, ns; 0: not arrived
        ("packet", np.uint32),
        ("number", np.int32),  # RTP sequence number that the node gave it, contiguous in its slot
        ("size", np.uint16),  # bytes at the IP layer
        ("slot", np.int16),  # the receiver's stream
        ("probe", np.int16),  # number of the probe cluster it belongs to; 0: none
        ("kind", np.int8),
    ],
    align=True,
)
"""One copy that was sent."""

BLOCK = 16
"""Entries that stand together. Behind them stand the same entries of the next subscriber: of what
everyone is sent at about the same time, several share a page of memory."""

_SHIFT = BLOCK.bit_length() - 1
"""Whole parts of numbers with a sign, which division rounds down, take some ten instructions."""

FIRST, AGAIN, FILLER = 0, 1, 2
"""Kinds of copy: a first transmission, a retransmission, padding."""

SENDER = np.dtype(
    [
        ("base", np.int32),  # where the subscriber's ring begins
        ("stride", np.int32),  # from one of its BLOCKs to the next
        ("mask", np.int32),
        ("probe", np.int32),  # number of the probe cluster that is being sent; 0: none
        ("next", np.int64),  # entry of the next copy
        ("bytes", np.int64),  # sent, ever
        ("pacing", np.int64),  # ns that a byte takes at the pace; 0: there is none
        ("free_at", np.int64),  # when all that was sent is paid off, ns; see `simulations.pacer`
        ("probe_at", np.int64),  # when padding is due if nothing else is sent, ns
        ("probe_bytes", np.int32),  # of the probe, still to send
        ("probe_gap", np.int32),  # ns that each of them takes
    ],
    align=True,
)
"""What the node keeps of one subscriber to number its copies."""


@inlined
def entry_slot(sender: Any, entry: int) -> Any:
    """Index of ``entry`` in the arrays of the rings."""
    place = np.int64(entry) & sender.mask
    return np.uint64(sender.base + (place >> _SHIFT) * sender.stride + (place & (BLOCK - 1)))


@inlined
def next_slot(sender: Any, place: Any, entry: int) -> Any:
    """As `entry_slot`, where that of the entry before is known to be ``place``."""
    if np.int64(entry) & (BLOCK - 1):
        return place + np.uint64(1)
    return entry_slot(sender, entry)


@inlined
def oldest_kept(sender: Any) -> Any:
    """The oldest entry that has not been written over; < 0 while none has been."""
    return sender.next - sender.mask - 1


@inlined
def is_kept(sender: Any, entry: int) -> bool:
    """Whether ``entry`` has not been written over."""
    return bool(np.int64(entry) >= oldest_kept(sender))


@seldom
def find_copy(sender: Any, copies: Any, slot: int, number: int, since: int) -> int:
    """The newest entry that carries ``number`` of the stream ``slot``, or −1.

    Looks no further back than to what was sent at ``since`` (ns) or is still kept.
    """
    oldest = max(0, oldest_kept(sender))
    entry = sender.next - 1
    while entry >= oldest:
        copy = copies[entry_slot(sender, entry)]
        if copy.sent < since:
            return -1
        if copy.slot == slot and copy.kind != FILLER:
            if copy.number == number:
                return int(entry)
            if copy.number < number and copy.kind == FIRST:
                return -1  # what is sent for the first time is sent in order
        entry -= 1
    return -1

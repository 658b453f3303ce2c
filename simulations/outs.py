"""What a media node sends of each stream to each subscriber: the layer, and renumbering.

A receiver sees one contiguous sequence of numbers in each stream, whoever is shown and whichever
layer is forwarded (RFC 7667, 3.7: the middlebox rewrites sequence numbers). What is lost before the
node leaves a gap.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined
from simulations.layout import in_lines

OUT = in_lines(
    [
        ("source", np.int32),  # SSRC that is forwarded; −1: none
        ("offset", np.int32),  # to the packets' own sequence numbers
        ("highest", np.int32),  # number given out
        ("first", np.int32),  # number with which the source began
        ("wanted", np.int8),  # layer to forward; −1: none
        ("layer", np.int8),  # layer forwarded; −1: none
        ("before", np.int8),  # layer wanted before the allocation that is being made
        # voices only, ever
        ("copies", np.int32),  # that left the node
        ("waited", np.int64),  # ns that they took to leave it
    ]
)
"""One stream to one subscriber. It fills half of a cache line, and has one to itself: those of
neighbours are read and written by threads at the same time."""

NOTHING = -1


@inlined
def out_index(settings: Any, endpoints: int, slot: int, endpoint: int) -> Any:
    """Where the stream ``slot`` of ``endpoint`` stands; tiles are the command centre's only."""
    everyone = settings.voices + settings.pictures
    if slot < everyone:
        return np.uint64(slot * endpoints + endpoint)
    return np.uint64(everyone * endpoints + slot - everyone)


@inlined
def begin(out: Any, packet: Any) -> None:
    """Forward the packet's source from now on, beginning with it."""
    out.source = packet.source
    out.offset = out.highest + 1 - packet.sequence
    out.first = out.highest + 1
    out.layer = packet.layer


@inlined
def takes_picture(out: Any, packet: Any, meant: bool) -> bool:
    """Whether a packet of a picture is forwarded; a change of source waits for a key frame.

    Args:
        meant: whether the stream is meant to show the packet's publisher; one that it showed before
            is forwarded until then.
    """
    if out.source == packet.source:
        return True
    if not meant or packet.layer != out.wanted or packet.again:
        return False
    if packet.key and packet.index == 0:
        begin(out, packet)
        return True
    return False


@inlined
def is_ahead(out: Any, packet: Any) -> bool:
    """Whether a packet before it in the stream has not come."""
    return bool(packet.sequence + out.offset > out.highest + 1)


@inlined
def number_of(out: Any, packet: Any) -> int:
    """The packet's number in the stream."""
    number = packet.sequence + out.offset
    out.highest = max(out.highest, number)
    return number  # type: ignore[no-any-return]

"""Seats: who publishes at the moment, where receivers put it, and the seat's way to its node.

An endpoint that is heard, seen or shown takes a seat. A seat has the same tracks, in this order: a
voice, retransmissions, every simulcast layer, a screen, padding.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined

SEAT = np.dtype(
    [
        ("publisher", np.int32),  # endpoint; −1: free
        ("first_source", np.int32),  # of its session; the node knows none that are lower
        ("only", np.int32),  # the one endpoint that its picture is for; −1: for everyone
        ("voice_slot", np.int16),  # where receivers put what it sends; −1: nowhere
        ("picture_slot", np.int16),
        ("screen_slot", np.int16),
        ("tile_slot", np.int16),
        ("opened", np.int64),  # ns
        # its way to the node: packets numbered as `simulations.history` numbers copies
        ("next", np.int64),
        ("arrived", np.int64),  # end of what is known to have arrived
        ("reported", np.int64),  # end of what feedback has told of
        ("feedback_at", np.int64),  # next transport feedback, ns
        ("active", np.int64),  # bits of the layers that the node wants, as the publisher knows
        ("told", np.int64),  # the same, as the node last told it
        # the publisher's pacer
        ("pacer_free", np.int64),  # ns; 0: no pacer
        ("pacing", np.float64),  # ns per byte
        ("resend_head", np.int64),
        ("resend_tail", np.int64),
        ("repair", np.float64),  # bytes that retransmissions may still take
        ("padding", np.int64),  # bytes of the running probe still to send; ≤ 0: none is running
        ("padding_gap", np.int64),  # ns that each takes
        ("padding_probe", np.int64),  # number of its cluster
        ("target_before", np.int64),  # estimate at the last tick, bit/s
        ("lowered_at", np.int64),  # when it last fell by a twentieth or more, ns
        ("recent", np.float64),  # bit/s sent lately
        ("recent_bytes", np.int64),  # since the last tick
        # since the last sample
        ("bytes", np.int64),
        ("delay_sum", np.int64),  # ns from sending to the node
        ("delay_packets", np.int64),
        ("delay_max", np.int64),
    ],
    align=True,
)
"""State of one seat."""

SEAT_COUNTS = ("bytes", "delay_sum", "delay_packets", "delay_max")

NO_SESSION = 2**31 - 1
"""`SEAT.first_source` where the node does not know the publisher: it takes nothing from it."""

VOICE_TRACK, RESEND_TRACK, FIRST_LAYER_TRACK = 0, 1, 2

RESENDS = 256
"""Retransmissions that wait in a publisher's pacer at most."""
KEPT = 4096
"""Packets of a seat that can be on their way, reported on and sent again."""


def tracks_per_seat(layers: int) -> int:
    """Tracks of a seat with ``layers`` simulcast layers."""
    return layers + 4


@inlined
def screen_track(tracks_each: int) -> int:
    """Place of a seat's screen among its tracks."""
    return tracks_each - 2


@inlined
def padding_track(tracks_each: int) -> int:
    """Place of a seat's padding among its tracks."""
    return tracks_each - 1


@inlined
def kept_packet(seat_packets: Any, s: int, entry: int) -> Any:
    """Index of the packet that the seat ``s`` sent as ``entry``."""
    return seat_packets[s, np.uint64(entry & (KEPT - 1))]

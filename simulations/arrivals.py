"""Groups of packets that left within 5 ms, and how much further apart they arrive than they left.

libwebrtc's InterArrivalDelta; draft-ietf-rmcat-gcc-02, 5.2. One clock for sending, another for
arrivals: only differences within each are used.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined

NEVER = -(2**61)
"""A time (ns) so long ago that any interval has passed since; differences with it fit 64 bits."""

MILLISECOND = 1_000_000

GROUP_LENGTH = 5 * MILLISECOND
"""Packets sent within this time (ns) of a group's first one belong to it."""
BURST_GAP = 5 * MILLISECOND
"""A queue or channel that opens releases what waited as one burst, gaps up to this (ns) in it."""
LONGEST_BURST = 100 * MILLISECOND
"""libwebrtc ends a burst after this time (ns)."""
UNENDING_BURST = 2**61
"""The draft does not."""
REORDERED_LIMIT = 3
"""Groups that arrived before the group before them, one after another, until all starts anew."""

GROUPS = np.dtype(
    [
        ("first_sent", np.int64),  # of the group that is being filled, ns; NEVER: there is none
        ("last_sent", np.int64),
        ("first_arrival", np.int64),
        ("last_arrival", np.int64),
        ("before_sent", np.int64),  # last ones of the group before, ns; NEVER: there is none
        ("before_arrival", np.int64),
        ("sent_delta", np.int64),  # between the last two complete groups, ns
        ("arrival_delta", np.int64),
        ("reordered", np.int64),  # groups in succession that arrived before their predecessor
    ],
    align=True,
)
"""State of the grouping of one leg's packets."""


@inlined
def restart(groups: Any) -> None:
    """Forget all groups."""
    groups.first_sent = NEVER
    groups.before_sent = NEVER
    groups.reordered = 0


@inlined
def take(groups: Any, sent: int, arrival: int, longest_burst: int) -> bool:
    """Take a packet that has arrived; whether it completed a group that has one before it.

    If so ``groups.sent_delta`` and ``groups.arrival_delta`` are theirs, and ``before_arrival`` the
    arrival of the complete group. A packet that was sent before its group's first is ignored.

    Args:
        sent, arrival: ns. longest_burst: ns.
    """
    if groups.first_sent == NEVER:
        _open(groups, sent, arrival)
        return False
    if sent < groups.first_sent:
        return False
    if sent - groups.first_sent <= GROUP_LENGTH or _in_burst(groups, sent, arrival, longest_burst):
        groups.last_sent = max(groups.last_sent, sent)
        groups.last_arrival = arrival
        return False
    measured = groups.before_sent != NEVER
    if measured:
        groups.sent_delta = groups.last_sent - groups.before_sent
        groups.arrival_delta = groups.last_arrival - groups.before_arrival
        if groups.arrival_delta < 0:
            groups.reordered += 1
            if groups.reordered >= REORDERED_LIMIT:
                restart(groups)
            return False
        groups.reordered = 0
    groups.before_sent = groups.last_sent
    groups.before_arrival = groups.last_arrival
    _open(groups, sent, arrival)
    return measured  # type: ignore[no-any-return]


@inlined
def _open(groups: Any, sent: int, arrival: int) -> None:
    groups.first_sent = sent
    groups.last_sent = sent
    groups.first_arrival = arrival
    groups.last_arrival = arrival


@inlined
def _in_burst(groups: Any, sent: int, arrival: int, longest_burst: int) -> bool:
    """Whether a packet only came with those before it because all waited for the same opening."""
    sent_gap = sent - groups.last_sent
    arrival_gap = arrival - groups.last_arrival
    if sent_gap == 0:
        return True
    closing_up = arrival_gap < sent_gap and arrival_gap <= BURST_GAP
    return closing_up and arrival - groups.first_arrival < longest_burst  # type: ignore[no-any-return]

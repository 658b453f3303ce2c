"""The pacer of a leg: pictures leave a media node at 2.5 times the leg's estimate.

libwebrtc's PacingController. Whatever is sent but padding makes a debt that is paid off at the
pace; while more than a burst is owed, pictures wait in a queue. Voices never wait. Where what waits
would take longer than LONGEST_WAIT on average, the pace is raised.

A leg whose pace is faster than what comes never has anything in its queue; that costs one
comparison for each copy.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel

PACING = 2.5
"""Media leaves at up to this multiple of the target (libwebrtc, kDefaultPaceMultiplier)."""
BURST = 5_000_000
"""ns of sending that may be owed. Packets of so short a time are one to the receiver's trend line
(packet groups). libwebrtc's first pacers worked every 5 ms; newer ones let 40 ms go at once, in
order to wake up less often."""
MOST_DEBT = 500_000_000
"""ns of sending that are owed at most (libwebrtc, kMaxDebtInTime): voices alone may exceed the
pace."""
LONGEST_WAIT = 2_000_000_000
"""ns (libwebrtc, kMaxExpectedQueueLength)."""
LEAST_LEFT = 1_000_000
"""ns that are left at least to send what waits."""

PACER = np.dtype(
    [
        ("head", np.int64),
        ("tail", np.int64),
        ("bytes", np.int64),  # that wait
        ("accepted", np.int64),  # sum of the times at which they were accepted, ns
    ],
    align=True,
)
"""What waits on one leg."""

HELD = np.dtype(
    [
        ("accepted", np.int64),  # ns
        ("packet", np.uint32),
        ("number", np.int32),
        ("size", np.int32),  # bytes at the IP layer
        ("slot", np.int16),
        ("kind", np.int8),
        ("ahead", np.int8),  # 1: a packet before it in its stream has not come
    ],
    align=True,
)
"""A copy that waits; it has had its number since it was accepted."""

ROOM = 512
"""Copies that wait on one leg, at most."""


@kernel
def pacing_of(target: int) -> int:
    """ns that a byte takes at the pace for an estimate of ``target`` bit/s."""
    return np.int64(8e9 / (PACING * target))  # type: ignore[return-value]


@inlined
def charge(sender: Any, pacing: int, now: int, size: int) -> None:
    """Add ``size`` bytes that leave ``now`` to the debt, at ``pacing`` ns each."""
    sender.free_at = min(max(sender.free_at, now) + size * pacing, now + MOST_DEBT)


@inlined
def hold(
    pacer: Any,
    held: Any,
    now: int,
    packet: int,
    size: int,
    number: int,
    slot: int,
    kind: int,
    ahead: bool,
) -> None:
    """Let a copy wait; the caller has seen to the room."""
    waiting = held[np.uint64(pacer.tail & (ROOM - 1))]
    waiting.accepted = now
    waiting.packet = packet
    waiting.number = number
    waiting.size = size
    waiting.slot = slot
    waiting.kind = kind
    waiting.ahead = ahead
    pacer.tail += 1
    pacer.bytes += size
    pacer.accepted += now


@inlined
def pace(pacer: Any, pacing: int, now: int) -> int:
    """ns that a byte takes: ``pacing``, or less so that what waits is gone in time."""
    waiting = pacer.tail - pacer.head
    waited = now - pacer.accepted // waiting
    return min(pacing, max(LONGEST_WAIT - waited, LEAST_LEFT) // pacer.bytes)  # type: ignore[no-any-return]


@inlined
def release(pacer: Any, oldest: Any) -> None:
    """Take the oldest copy that waits out of the queue: ``held[pacer.head & (ROOM − 1)]``."""
    pacer.head += 1
    pacer.bytes -= oldest.size
    pacer.accepted -= oldest.accepted

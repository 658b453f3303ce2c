"""RTCP on its way from the receiver of a leg to its sender: transport feedback, NACK, PLI.

A message is what goes out at one tick as one compound packet. It says which entries of the history
it reports on; the arrival times stand in the history itself, where the sender reads them only once
the message is there. Sizes: RFC 3550, 6.4; RFC 4585, 6; draft-holmer-rmcat-transport-wide-cc
-extensions-01, 3.1.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined
from simulations.randomness import uniform

MESSAGE = np.dtype(
    [
        ("arrival", np.int64),  # at the sender, ns
        ("first", np.int64),  # entries reported on: first to last; none where last < first
        ("last", np.int64),
        ("requests", np.int64),  # end of its requests in the ring of requests
        ("active", np.int64),  # bits of the layers that are wanted; to publishers only
    ],
    align=True,
)
"""One RTCP packet on its way."""

REQUEST = np.dtype(
    [("number", np.int32), ("slot", np.int16), ("kind", np.int16)],
    align=True,
)
"""What a message asks for: a packet of a stream, or a key frame."""

PACKET_WANTED, KEY_FRAME_WANTED = 0, 1

MAIL = np.dtype(
    [
        ("head", np.int64),
        ("tail", np.int64),
        ("request_head", np.int64),
        ("request_tail", np.int64),
    ],
    align=True,
)
"""Where the rings of messages and requests of one leg stand."""

MESSAGES, REQUESTS = 64, 1024
"""Room in each ring. While it is full the receiver holds its RTCP back."""

_HEADERS = 20 + 8 + 14 + 8
"""IPv4, UDP, SRTCP's index and tag, an empty receiver report (RFC 3711, 3.4)."""


_SHARED = np.uint64(0x5A4ED)


@inlined
def lost_on_shared(link: Any, share: float, now: int) -> bool:
    """Whether degraded shared links, which lose a ``share`` of all, lose what an access link
    carries at the tick ``now`` (ns)."""
    return share > 0.0 and uniform(link.loss.loss_key ^ _SHARED, now) < share


@inlined
def feedback_size(reported: int, packets_wanted: int, key_frames_wanted: int) -> int:
    """Bytes of a compound packet at the IP layer.

    A reported packet takes about 1.25 bytes (a status of 2 bits, a delta of 8), a packet asked for
    at most 4, a key frame asked for 12.
    """
    size = _HEADERS + 4 * packets_wanted + 12 * key_frames_wanted
    if packets_wanted > 0:
        size += 12
    if reported > 0:
        size += 20 + reported * 5 // 4
    return size


@inlined
def room_for_requests(mail: Any) -> int:
    """Requests that the ring can still take."""
    return REQUESTS - (mail.request_tail - mail.request_head)  # type: ignore[no-any-return]


@inlined
def request(mail: Any, requests: Any, kind: int, slot: int, number: int) -> None:
    """Append a request to the message that is being written."""
    wanted = requests[np.uint64(mail.request_tail & (REQUESTS - 1))]
    wanted.kind = kind
    wanted.slot = slot
    wanted.number = number
    mail.request_tail += 1


@inlined
def post(mail: Any, messages: Any, arrival: int, first: int, last: int, active: int) -> None:
    """Send the message that has been written: it reaches the sender at ``arrival`` (ns)."""
    message = messages[np.uint64(mail.tail & (MESSAGES - 1))]
    message.arrival = arrival
    message.first = first
    message.last = last
    message.requests = mail.request_tail
    message.active = active
    mail.tail += 1

"""RTP headers, read under SRTP: one compiled loop over a batch (RFC 3550, 5.1; RFC 8285)."""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel
from synthetic_clients.sockets import RTP

PACKET = np.dtype(
    [
        ("stream", np.int64),  # index of the stream that it belongs to; −1: nobody's
        ("arrival", np.int64),  # ns on the run's clock
        ("capture", np.int64),  # ns on the run's clock, from abs-capture-time; NONE: it has none
        ("ssrc", np.int64),
        ("sequence", np.int64),  # 16 bits
        ("stamp", np.int64),  # 32 bits
        ("size", np.int64),  # bytes at the IP layer
        ("row", np.int64),  # in the slab
        ("payload_type", np.int64),
        ("marker", np.int8),
        ("key", np.int8),  # 1: begins a key frame, as far as anyone has looked
    ],
    align=True,
)
"""A packet of media as its header tells."""

NONE = -(1 << 62)
UDP_HEADERS = 28
"""Bytes of IPv4 and UDP."""
NTP_OFFSET = 2_208_988_800
"""Seconds from NTP's era to Unix's (RFC 5905)."""
_ONE_BYTE = 0xBEDE
_SECOND = 1_000_000_000


@inlined
def _word(row: Any, at: int) -> int:
    return np.int64(
        (np.int64(row[at]) << 24)
        | (np.int64(row[at + 1]) << 16)
        | (np.int64(row[at + 2]) << 8)
        | np.int64(row[at + 3])
    )  # type: ignore[return-value]


@inlined
def _extension(row: Any, length: int, wanted: int, wanted_length: int) -> int:  # noqa: PLR0911
    """Where the data of the header extension ``wanted`` begins; −1: it is not there, or shorter."""
    at = 12 + 4 * (row[0] & 15)
    if not row[0] & 16 or at + 4 > length:
        return -1
    profile = (np.int64(row[at]) << 8) | np.int64(row[at + 1])
    end = at + 4 + 4 * ((np.int64(row[at + 2]) << 8) | np.int64(row[at + 3]))
    at += 4
    if end > length:
        return -1
    while at < end:
        if profile == _ONE_BYTE:
            if row[at] == 0:
                at += 1
                continue
            number, size = row[at] >> 4, (row[at] & 15) + 1
            at += 1
            if number == 15:
                return -1
        elif profile & 0xFFF0 == 0x1000:
            if row[at] == 0:
                at += 1
                continue
            if at + 2 > end:
                return -1
            number, size = row[at], np.int64(row[at + 1])
            at += 2
        else:
            return -1
        if at + size > end:
            return -1
        if number == wanted:
            return at if size >= wanted_length else -1
        at += size
    return -1


@inlined
def ntp_to_unix(seconds: int, fraction: int) -> int:
    """ns of Unix time of an NTP time stamp's two words."""
    return np.int64((seconds - NTP_OFFSET) * _SECOND + ((fraction * _SECOND + (1 << 31)) >> 32))  # type: ignore[return-value]


@kernel
def parse(slab: Any, filled: int, sockets: Any, state: Any, epoch: int, packets: Any) -> int:
    """Read the headers of a batch, and find the stream that each packet belongs to.

    Args:
        slab: a `Slab`, of which ``filled`` rows were read.
        sockets: (n,) SOCKET: who owns them, and counts of packets that belong to no stream.
        state: see `synthetic_clients.state`. Streams whose SSRC is not known yet take that of a
            packet whose payload type is theirs.
        epoch: Unix time at which the run's clock is 0, ns.
        packets: (ROWS,) PACKET, filled.

    Returns:
        How many packets there are.
    """
    rows, datagrams = slab.rows, slab.datagrams
    count = 0
    for r in range(filled):
        datagram = datagrams[r]
        if datagram.kind != RTP:
            continue
        socket = sockets[datagram.socket]
        endpoint = socket.owner
        row, length = rows[r], datagram.length
        if row[0] & 15 > 0 and 12 + 4 * (row[0] & 15) > length:
            endpoint = -1
        ssrc = _word(row, 8)
        payload_type = np.int64(row[1] & 127)
        view = -1
        if endpoint >= 0:
            view = _find(state, endpoint, ssrc, payload_type)  # type: ignore[arg-type]
        if view < 0:
            socket.strangers += 1
            continue
        packet = packets[count]
        packet.stream = view
        packet.arrival = datagram.arrival - epoch
        packet.ssrc = ssrc
        packet.sequence = (np.int64(row[2]) << 8) | np.int64(row[3])
        packet.stamp = _word(row, 4)
        packet.size = length + UDP_HEADERS
        packet.row = r
        packet.payload_type = payload_type
        packet.marker = row[1] >> 7
        packet.key = 0
        packet.capture = NONE
        each = state.views[view]
        if each.capture_id > 0:
            at = _extension(row, length, each.capture_id, 8)
            if at >= 0:
                packet.capture = ntp_to_unix(_word(row, at), _word(row, at + 4)) - epoch
        if packet.sequence != each.coming:
            each.look = 1
        each.coming = (packet.sequence + 1) & 0xFFFF
        count += 1
    return count


@kernel
def _find(state: Any, endpoint: int, ssrc: int, payload_type: int) -> int:
    """The endpoint's stream that ``ssrc`` is of; −1: none."""
    place = state.endpoints[endpoint]
    for v in range(place.first_view, place.first_view + place.views):
        if state.views[v].ssrc == ssrc:
            return v
    for v in range(place.first_view, place.first_view + place.views):
        view = state.views[v]
        if view.ssrc < 0 and view.payload_type == payload_type:
            view.ssrc = ssrc
            return v
    return -1

"""Which protocol a datagram on the one socket speaks (RFC 7983, RFC 5761 § 4)."""

from enum import IntEnum


class Protocol(IntEnum):
    """What shares the socket."""

    OTHER = 0
    STUN = 1
    DTLS = 2
    RTP = 3
    RTCP = 4


_BY_FIRST_BYTE = bytes(
    Protocol.STUN
    if first < 4
    else Protocol.DTLS
    if 20 <= first < 64
    else Protocol.RTP
    if 128 <= first < 192
    else Protocol.OTHER
    for first in range(256)
)


def protocol_of(datagram: bytes | memoryview) -> Protocol:
    """The protocol of ``datagram`` by its first two bytes; too short for a header is OTHER."""
    if len(datagram) < 8:
        return Protocol.OTHER
    protocol = _BY_FIRST_BYTE[datagram[0]]
    if protocol == Protocol.RTP:
        if 192 <= datagram[1] <= 223:
            return Protocol.RTCP
        return Protocol.RTP if len(datagram) >= 12 else Protocol.OTHER
    return Protocol(protocol)

"""Which protocol a datagram speaks."""

import pytest

from reference_sfu.demux import Protocol, protocol_of


@pytest.mark.parametrize(
    ("first", "second", "protocol"),
    [
        (0, 1, Protocol.STUN),
        (3, 1, Protocol.STUN),
        (4, 1, Protocol.OTHER),
        (19, 1, Protocol.OTHER),  # TURN channels and ZRTP are not spoken here
        (20, 1, Protocol.DTLS),
        (63, 1, Protocol.DTLS),
        (64, 1, Protocol.OTHER),
        (127, 1, Protocol.OTHER),
        (128, 111, Protocol.RTP),
        (191, 0x80 | 96, Protocol.RTP),
        (128, 191, Protocol.RTP),
        (128, 192, Protocol.RTCP),
        (129, 200, Protocol.RTCP),
        (143, 206, Protocol.RTCP),
        (128, 223, Protocol.RTCP),
        (128, 224, Protocol.RTP),
        (192, 96, Protocol.OTHER),
        (255, 96, Protocol.OTHER),
    ],
)
def test_the_first_two_bytes_decide(first: int, second: int, protocol: Protocol) -> None:
    assert protocol_of(bytes((first, second)) + bytes(10)) is protocol


@pytest.mark.parametrize("size", range(8))
def test_what_is_too_short_for_any_header_is_nothing(size: int) -> None:
    assert protocol_of(b"\x80" * size) is Protocol.OTHER


def test_rtp_is_longer_than_the_shortest_rtcp() -> None:
    assert protocol_of(b"\x80\xc9" + bytes(6)) is Protocol.RTCP
    assert protocol_of(b"\x80\x60" + bytes(6)) is Protocol.OTHER

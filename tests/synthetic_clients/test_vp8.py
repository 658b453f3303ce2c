from hypothesis import given
from hypothesis import strategies as st

from synthetic_clients.vp8 import (
    begins_frame,
    begins_key_frame,
    depacketize,
    packetize,
    payload_of,
)
from tests.synthetic_clients.rtp import one_byte_extension, rtp


@given(st.binary(min_size=1, max_size=20_000), st.integers(100, 1200))
def test_frames_survive_packets(frame: bytes, largest: int) -> None:
    payloads = list(packetize(frame, largest))
    assert b"".join(map(depacketize, payloads)) == frame
    assert all(len(payload) <= largest for payload in payloads)
    assert [begins_frame(payload) for payload in payloads] == [True] + [False] * (len(payloads) - 1)


def test_key_frames_are_told_through_every_descriptor() -> None:
    for descriptor in (b"\x10", b"\x90\x80\x12", b"\x90\x80\x92\x34", b"\x90\xf0\x80\x01\x02\x03"):
        for first, key in ((0x30, True), (0x31, False)):
            payload = descriptor + bytes([first]) + bytes(10)
            assert begins_key_frame(rtp(1, 1, 1, payload=payload)) is key
    assert not begins_key_frame(rtp(1, 1, 1, payload=b"\x00\x30"))  # goes on
    assert not begins_key_frame(rtp(1, 1, 1, payload=b"\x11\x30"))  # partition 1


def test_payloads_lie_between_extensions_and_padding() -> None:
    extension = one_byte_extension(1, b"0")
    assert payload_of(rtp(1, 1, 1, extension=extension, payload=b"sound")) == b"sound"
    padded = bytearray(rtp(1, 1, 1, payload=b"sound\x00\x02"))
    padded[0] |= 32
    assert payload_of(bytes(padded)) == b"sound"


@given(st.binary(max_size=40))
def test_malformed_packets_begin_no_key_frame_nor_raise(data: bytes) -> None:
    begins_key_frame(data)
    begins_key_frame(b"\x90" + data)
    depacketize(data)

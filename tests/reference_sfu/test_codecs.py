"""Key frames and picture numbers, with aiortc's VP8 payload descriptors as a second opinion."""

import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from reference_sfu.codecs import H264, NO_NUMBERS, OPUS, VP8, begins_key_frame, numbers_of


@given(
    st.booleans(), st.none() | st.integers(0, 0x7FFF), st.none() | st.integers(0, 255),
    st.none() | st.integers(0, 3), st.none() | st.integers(0, 31), st.booleans(),
)  # fmt: skip
def test_vp8_is_read_as_another_implementation_writes_it(
    start: bool, picture: int | None, tl0: int | None, tid: int | None, key: int | None, inter: bool
) -> None:
    descriptor = bytes(
        VpxPayloadDescriptor(
            partition_start=int(start), partition_id=0, picture_id=picture, tl0picidx=tl0,
            tid=None if tid is None else (tid, 0), keyidx=key,
        )
    )  # fmt: skip
    payload = descriptor + bytes((int(inter), 1, 2))
    assert begins_key_frame(VP8, payload) == (start and not inter)
    numbers = numbers_of(VP8, payload)
    if picture is not None:
        found = int.from_bytes(payload[numbers.picture_at :][:2], "big")
        assert found & 0x7FFF == picture
    else:
        assert numbers.picture_at == -1
    assert (numbers.tl0_at >= 0) == (tl0 is not None)
    if tl0 is not None:
        assert payload[numbers.tl0_at] == tl0


def test_only_the_first_partition_begins_a_frame() -> None:
    assert begins_key_frame(VP8, b"\x10\x00")
    assert not begins_key_frame(VP8, b"\x11\x00")
    assert not begins_key_frame(VP8, b"\x00\x00")


@pytest.mark.parametrize(
    ("payload", "begins"),
    [
        (b"\x65", True),  # IDR
        (b"\x67", True),  # SPS
        (b"\x61", False),
        (b"\x78\x00\x02\x67\x42", True),  # STAP-A with an SPS first
        (b"\x78\x00\x02\x61\x42", False),
        (b"\x7c\x85", True),  # FU-A, the start of an IDR
        (b"\x7c\x05", False),  # its middle
        (b"\x7c\x81", False),
        (b"", False),
        (b"\x78", False),
        (b"\x7c", False),
    ],
)
def test_h264_key_frames(payload: bytes, begins: bool) -> None:
    assert begins_key_frame(H264, payload) is begins
    assert numbers_of(H264, payload) is NO_NUMBERS


def test_every_voice_packet_is_a_beginning() -> None:
    assert begins_key_frame(OPUS, b"")


@given(st.binary(max_size=8), st.sampled_from([VP8, H264]))
def test_places_are_within_the_payload(payload: bytes, codec: str) -> None:
    begins_key_frame(codec, payload)
    numbers = numbers_of(codec, payload)
    assert numbers.picture_at + 1 < max(1, len(payload))
    assert numbers.tl0_at < max(0, len(payload)) or numbers.tl0_at == -1

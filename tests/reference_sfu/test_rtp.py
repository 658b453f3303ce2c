"""RTP packets and their dialects, against aiortc's reading of them."""

import contextlib

import pytest
from aiortc import rtp as other
from hypothesis import given
from hypothesis import strategies as st

from reference_sfu import rtp
from reference_sfu.rtp import Dialect, Packet

elements = st.dictionaries(
    st.integers(1, 14) | st.integers(16, 255), st.binary(min_size=1, max_size=30), max_size=5
)


@given(
    st.booleans(), st.integers(0, 127), st.integers(0, 65_535), st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1), st.binary(max_size=50), st.integers(0, 15), st.integers(0, 20),
)  # fmt: skip
def test_another_implementations_packets_are_read(
    marker: bool, payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes,
    contributors: int, padding: int,
) -> None:  # fmt: skip
    packet = other.RtpPacket(payload_type, int(marker), sequence, timestamp, ssrc, payload)
    packet.csrc = list(range(contributors))
    packet.padding_size = padding
    read = rtp.parse(packet.serialize())
    assert (read.marker, read.payload_type) == (marker, payload_type)
    assert (read.sequence, read.timestamp, read.ssrc) == (sequence, timestamp, ssrc)
    assert read.payload[: len(payload)] == payload
    assert len(read.payload) == len(payload) + padding
    assert read.padded == bool(padding)


@given(elements)
def test_extensions_are_written_as_they_are_read(values: dict[int, bytes]) -> None:
    written = rtp.write_extensions(values)
    assert len(written) % 4 == 0
    packet = bytes((0x90, 96)) + bytes(10) + written + b"x"
    if values:
        read = rtp.parse(packet)
        assert read.extensions == values
        assert read.payload == b"x"
    else:
        assert written == b""


def test_a_packet_is_put_in_the_subscribers_words() -> None:
    capture_time, level = bytes(range(8)), b"\x85"
    packet = Packet(
        96, 1000, 4000, 7, b"picture", marker=True, extensions={3: capture_time, 5: level, 9: b"?"}
    )
    theirs = {rtp.ABS_CAPTURE_TIME: 3, rtp.AUDIO_LEVEL: 5, rtp.MID: 9}
    dialect = Dialect(
        111, b"2",
        ((rtp.MID, 1), (rtp.ABS_CAPTURE_TIME, 12), (rtp.ABS_SEND_TIME, 2), (rtp.RID, 4)),
    )  # fmt: skip
    phrase = rtp.phrase(packet, theirs, dialect, 1_500_000_000)
    assert phrase.data[phrase.payload_at :] == b"picture"
    read = rtp.parse(phrase.data)
    assert (read.payload_type, read.marker, read.padded) == (111, True, False)
    assert read.extensions == {1: b"2", 12: capture_time, 2: (3 << 17).to_bytes(3, "big")}


def test_the_same_arguments_give_the_same_bytes() -> None:
    dialect = Dialect(111, b"2", ((rtp.ABS_SEND_TIME, 2),))
    packet = Packet(96, 1000, 4000, 7, b"picture")
    assert rtp.phrase(packet, {}, dialect, 5) == rtp.phrase(packet, {}, dialect, 5)
    other_time = rtp.phrase(packet, {}, dialect, 10**9)
    assert other_time != rtp.phrase(packet, {}, dialect, 5)


def test_without_extensions_there_is_no_header_for_them() -> None:
    phrase = rtp.phrase(Packet(96, 1, 2, 3, b"x"), {}, Dialect(111, b"", ()), 0)
    assert len(phrase.data) == rtp.HEADER_BYTES + 1


@pytest.mark.parametrize(
    "data",
    [
        bytes(11),
        b"\x40" + bytes(20),  # version 1
        b"\x8f" + bytes(20),  # contributors that are not there
        b"\x90" + bytes(12),
        b"\x90" + bytes(11) + b"\xbe\xde\x00\x09" + bytes(8),
        b"\xa0" + bytes(11) + b"\x05",  # more padding than packet
        b"\xa0" + bytes(12),  # padding of nothing
    ],
)
def test_what_is_malformed_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"short|not an RTP|padding"):
        rtp.parse(data)


@given(st.binary(min_size=12, max_size=60), st.sampled_from([0x80, 0x90, 0xB3]))
def test_no_bytes_raise_anything_else(data: bytes, first: int) -> None:
    for profile in (b"", b"\xbe\xde\x00\x02", b"\x10\x00\x00\x02"):
        with contextlib.suppress(ValueError):
            rtp.parse(bytes((first,)) + data[1:12] + profile + data[12:])


@pytest.mark.parametrize(
    ("sequence", "than", "newer"),
    [(1, 0, True), (0, 1, False), (0, 0, False), (0, 65_535, True), (32_767, 0, True),
     (32_768, 0, False)],
)  # fmt: skip
def test_newer_goes_around(sequence: int, than: int, newer: bool) -> None:
    assert rtp.newer(sequence, than) is newer

"""RTCP against aiortc's, a second implementation."""

import contextlib

import pytest
from aiortc import rtp as other
from hypothesis import given
from hypothesis import strategies as st

from reference_sfu import rtcp

words = st.integers(0, 2**32 - 1)
blocks = st.builds(
    rtcp.ReportBlock, words, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), words, words,
    words, words,
)  # fmt: skip


def as_other(block: rtcp.ReportBlock) -> other.RtcpReceiverInfo:
    return other.RtcpReceiverInfo(
        block.ssrc, block.fraction_lost, block.lost, block.highest, block.jitter, block.last_sr,
        block.delay,
    )  # fmt: skip


@given(words, st.lists(blocks, max_size=31))
def test_receiver_reports_are_the_other_implementations(
    ssrc: int, reports: list[rtcp.ReportBlock]
) -> None:
    data = rtcp.receiver_report(ssrc, reports)
    assert data == bytes(other.RtcpRrPacket(ssrc, [as_other(each) for each in reports]))
    assert list(rtcp.read(data)) == reports


@given(words, st.integers(0, 2**64 - 1), words, words, words, st.lists(blocks, max_size=3))
def test_sender_reports_are_the_other_implementations(
    ssrc: int, ntp: int, rtp: int, packets: int, octets: int, reports: list[rtcp.ReportBlock]
) -> None:
    report = rtcp.SenderReport(ssrc, ntp, rtp, packets, octets)
    data = rtcp.sender_report(report, reports)
    info = other.RtcpSenderInfo(ntp, rtp, packets, octets)
    assert data == bytes(other.RtcpSrPacket(ssrc, info, [as_other(each) for each in reports]))
    assert list(rtcp.read(data)) == [report, *reports]


@given(words, words, st.integers(0, 65_535), st.sets(st.integers(0, 300), min_size=1, max_size=60))
def test_nacks_ask_for_what_they_are_made_of(
    sender: int, media: int, first: int, offsets: set[int]
) -> None:
    sequences = [(first + offset) & 0xFFFF for offset in sorted(offsets)]
    data = rtcp.lost(sender, media, sequences)
    assert list(rtcp.read(data)) == [rtcp.Lost(media, sequences)]
    [read] = other.RtcpPacket.parse(data)
    assert isinstance(read, other.RtcpRtpfbPacket)
    assert [each & 0xFFFF for each in read.lost] == sequences


def test_feedback_is_the_other_implementations() -> None:
    pli = other.RtcpPsfbPacket(other.RTCP_PSFB_PLI, 1, 2)
    assert rtcp.picture_loss(1, 2) == bytes(pli)
    assert list(rtcp.read(bytes(pli))) == [rtcp.PictureLoss(2)]
    fir = other.RtcpPsfbPacket(other.RTCP_PSFB_FIR, 1, 0, (7).to_bytes(4, "big") + bytes(4))
    assert list(rtcp.read(bytes(fir))) == [rtcp.PictureLoss(7)]
    assert list(rtcp.read(bytes(other.RtcpByePacket([3, 4])))) == [rtcp.Goodbye((3, 4))]
    name = other.RtcpSdesPacket([other.RtcpSourceInfo(9, [(1, b"sfu")])])
    [read] = other.RtcpPacket.parse(rtcp.source_description(9, "sfu"))
    assert read == name


@given(st.integers(0, 10**12))
def test_estimates_lose_no_more_than_their_mantissa_cannot_hold(bitrate: int) -> None:
    data = rtcp.estimate(1, bitrate, [5, 6])
    [read] = rtcp.read(data)
    assert isinstance(read, rtcp.Estimate)
    assert 0 <= bitrate - read.bitrate <= bitrate / 2**17
    [packet] = other.RtcpPacket.parse(data)
    assert isinstance(packet, other.RtcpPsfbPacket)
    assert other.unpack_remb_fci(packet.fci) == (read.bitrate, [5, 6])


@given(st.integers(0, 2_000_000_000_000_000_000))
def test_times_survive_ntp(unix_ns: int) -> None:
    assert abs(rtcp.unix_time(rtcp.ntp_time(unix_ns)) - unix_ns) <= 1


def test_a_compound_packet_is_read_to_its_end() -> None:
    data = rtcp.receiver_report(1, []) + rtcp.source_description(1, "a") + rtcp.picture_loss(1, 2)
    assert list(rtcp.read(data)) == [rtcp.PictureLoss(2)]


def test_one_nack_asks_for_no_more_than_a_bounded_number() -> None:
    everything = b"\x00\x01\xff\xff" * 300
    words = 2 + len(everything) // 4
    data = bytes((0x81, rtcp.RTPFB)) + words.to_bytes(2, "big") + bytes(8) + everything
    [read] = rtcp.read(data)
    assert isinstance(read, rtcp.Lost)
    assert len(read.sequences) < 600


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",
        b"\x40\xc9\x00\x00",  # version 1
        b"\x80\xc9\x00\x05" + bytes(4),  # longer than it is
        b"\x81\xc9\x00\x01" + bytes(4),  # a report that is not there
        b"\x80\xc8\x00\x01" + bytes(4),
        b"\x81\xce\x00\x01" + bytes(4),
        b"\x82\xcb\x00\x01" + bytes(4),
        b"\x8f\xce\x00\x03" + bytes(8) + b"REMB",
    ],
)
def test_what_is_malformed_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"short|not an RTCP"):
        list(rtcp.read(data))


@given(st.binary(max_size=100))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for kind in range(200, 208):
        whole = bytes((0x80 | len(data) & 31, kind)) + (len(data) // 4).to_bytes(2, "big") + data
        with contextlib.suppress(ValueError):
            list(rtcp.read(whole))

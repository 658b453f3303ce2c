import statistics

import pytest
from aiortc.rtp import (
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    unpack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from synthetic_clients.reports import (
    bandwidth_estimate,
    nack,
    picture_loss,
    read_reports,
    receiver_report,
    report_interval,
)


def test_reports_take_a_twentieth_of_the_bandwidth_and_come_every_second_to_five() -> None:
    draws = [(i + 0.5) / 1000 for i in range(1000)]

    def mean(bandwidth: float, size: int = 110) -> float:
        return statistics.fmean(report_interval(bandwidth, draw, size) for draw in draws)

    assert mean(2_000_000) == pytest.approx(1.0 / 1.21828, rel=0.01)
    assert mean(36_000, size=10) == pytest.approx(5.0 / 1.21828, rel=0.01)
    assert mean(100_000) == pytest.approx(3.6 / 1.21828, rel=0.01)
    # 220 bytes for both members at 5 % of 4 kbit/s
    assert mean(4_000) == pytest.approx(8.8 / 1.21828, rel=0.01)


def test_requests_are_packed_and_part_where_numbers_wrap() -> None:
    packets = read_reports(nack(1, 2, [65_534, 65_535, 65_536, 65_540, 65_600]))
    assert all(isinstance(packet, RtcpRtpfbPacket) for packet in packets)
    lost = [n for packet in packets for n in packet.lost]  # type: ignore[attr-defined]
    assert lost == [65_534, 65_535, 0, 4, 64]


def test_feedback_can_be_read_again() -> None:
    (loss,) = read_reports(picture_loss(1, 2))
    assert isinstance(loss, RtcpPsfbPacket)
    assert (loss.fmt, loss.media_ssrc) == (1, 2)
    (told,) = read_reports(bandwidth_estimate(1, 1_234_567, [5, 6]))
    assert isinstance(told, RtcpPsfbPacket)
    bitrate, ssrcs = unpack_remb_fci(told.fci)
    assert bitrate == pytest.approx(1_234_567, rel=1e-4)
    assert ssrcs == [5, 6]


def test_a_report_has_a_name_and_no_more_blocks_than_fit() -> None:
    block = RtcpReceiverInfo(
        ssrc=7, fraction_lost=3, packets_lost=4, highest_sequence=5, jitter=6, lsr=7, dlsr=8
    )
    report, names = read_reports(receiver_report(9, "site", [block] * 40))
    assert isinstance(report, RtcpRrPacket)
    assert len(report.reports) == 31
    assert report.reports[0] == block
    assert names.chunks[0].items == [(1, b"site")]  # type: ignore[attr-defined]


@given(st.binary(max_size=200))
def test_garbage_is_no_report(data: bytes) -> None:
    read_reports(data)
    read_reports(b"\x81\xc9" + data)

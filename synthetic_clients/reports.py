"""RTCP: what receivers send, and when (RFC 3550, 6; RFC 4585; draft-alvestrand-rmcat-remb)."""

from collections.abc import Iterable, Sequence

from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSourceInfo,
    pack_remb_fci,
)

HEADERS = 28 + 14
"""Bytes that a packet of RTCP adds at the IP layer: IPv4, UDP, SRTCP's index and tag."""
SHARE = 0.05
"""Of the session's bandwidth, for RTCP (RFC 3550, 6.2)."""
LONGEST_S = 5.0
"""Least interval of RFC 3550, 6.2; 6.2 lets it shrink to 360 s over the bandwidth in kbit/s."""
SHORTEST_S = 1.0
"""Shorter intervals gain nothing: NACK and PLI are sent at once (RFC 4585, 3.4). As libwebrtc's."""
_CORRECTION = 1.21828
"""e − 3/2: what randomizing takes from the mean (RFC 3550, 6.3.1)."""


def report_interval(bandwidth: float, draw: float, size: int = 110, members: int = 2) -> float:
    """Seconds until the next regular report (RFC 3550, 6.3.1).

    Args:
        bandwidth: the session's, bit/s.
        draw: uniform in (0, 1).
        size: mean size of a compound packet, bytes.
    """
    least = min(LONGEST_S, max(SHORTEST_S, 360.0 / max(bandwidth / 1000, 1e-3)))
    fair = size * 8 * members / max(SHARE * bandwidth, 1.0)
    return max(least, fair) * (0.5 + draw) / _CORRECTION


def receiver_report(ssrc: int, name: str, blocks: Sequence[RtcpReceiverInfo]) -> bytes:
    """A report with up to 31 ``blocks``, and the CNAME that a compound packet must have."""
    source = RtcpSourceInfo(ssrc=ssrc, items=[(1, name.encode())])
    return bytes(RtcpRrPacket(ssrc=ssrc, reports=list(blocks[:31]))) + bytes(
        RtcpSdesPacket(chunks=[source])
    )


def nack(ssrc: int, media_ssrc: int, numbers: Iterable[int]) -> bytes:
    """Ask for packets again by their numbers, extended and ascending."""
    runs: dict[int, list[int]] = {}
    for number in numbers:
        runs.setdefault(number >> 16, []).append(number & 0xFFFF)
    return b"".join(
        bytes(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=ssrc, media_ssrc=media_ssrc, lost=run))
        for run in runs.values()
    )


def picture_loss(ssrc: int, media_ssrc: int) -> bytes:
    """Ask for a key frame."""
    return bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=ssrc, media_ssrc=media_ssrc))


def bandwidth_estimate(ssrc: int, bitrate: int, media_ssrcs: Sequence[int]) -> bytes:
    """Tell the sender what the receiver takes the path to carry (REMB)."""
    return bytes(
        RtcpPsfbPacket(
            fmt=RTCP_PSFB_APP,
            ssrc=ssrc,
            media_ssrc=0,
            fci=pack_remb_fci(bitrate, list(media_ssrcs)),
        )
    )


def read_reports(data: bytes) -> Sequence[object]:
    """The packets of a compound one; none if it is malformed."""
    try:
        return RtcpPacket.parse(data)
    except (ValueError, IndexError):
        return ()

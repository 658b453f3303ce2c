"""What a forwarder must know of codecs: where key frames begin, and where pictures are numbered."""

from dataclasses import dataclass

OPUS = "opus/48000/2"
VP8 = "VP8/90000"
H264 = "H264/90000"
CLOCK_RATES = {OPUS: 48_000, VP8: 90_000, H264: 90_000}
"""Ticks of the RTP clock per second, by codec."""

_IDR, _SPS, _STAP_A, _FU_A = 5, 7, 24, 28


@dataclass(frozen=True, slots=True)
class Numbers:
    """Where a VP8 payload descriptor numbers pictures (RFC 7741 § 4.2); -1 where it does not."""

    picture_at: int = -1
    """Of the 15-bit PictureID."""
    tl0_at: int = -1
    """Of TL0PICIDX."""


NO_NUMBERS = Numbers()


def begins_key_frame(codec: str, payload: bytes) -> bool:
    """Whether a decoder can begin at the packet with ``payload``."""
    if codec == VP8:
        at = _vp8_header_bytes(payload)
        begins = at < len(payload) and payload[0] & 0x17 == 0x10  # S set, partition 0
        return begins and not payload[at] & 1
    if codec == H264:
        return _h264_begins_key_frame(payload)
    return True


def numbers_of(codec: str, payload: bytes) -> Numbers:
    """Where ``payload`` numbers its picture."""
    if codec != VP8 or len(payload) < 2 or not payload[0] & 0x80:
        return NO_NUMBERS
    flags, at = payload[1], 2
    picture_at = tl0_at = -1
    if flags & 0x80 and at < len(payload):
        if payload[at] & 0x80:
            picture_at = at
        at += 2 if payload[at] & 0x80 else 1
    if flags & 0x40:
        tl0_at = at
        at += 1
    return Numbers(picture_at, tl0_at) if at <= len(payload) else NO_NUMBERS


def _vp8_header_bytes(payload: bytes) -> int:
    """Bytes of the payload descriptor; len(payload) or more where it is cut short."""
    if not payload or not payload[0] & 0x80:
        return 1
    if len(payload) < 3:
        return len(payload)
    flags, at = payload[1], 2
    if flags & 0x80:
        at += 2 if payload[at] & 0x80 else 1
    return at + bool(flags & 0x40) + bool(flags & 0x30)


def _h264_begins_key_frame(payload: bytes) -> bool:
    """Payloads of RFC 6184: single units, STAP-A, FU-A."""
    if not payload:
        return False
    kind = payload[0] & 31
    if kind == _STAP_A:
        return len(payload) > 3 and payload[3] & 31 in (_IDR, _SPS)
    if kind == _FU_A:
        return len(payload) > 1 and bool(payload[1] & 0x80) and payload[1] & 31 == _IDR
    return kind in (_IDR, _SPS)

"""RTCP in and out: what a forwarding server reads and writes, cheaply (RFC 3550, RFC 4585).

`read` yields the few things that matter of a compound packet; thousands of subscribers report
every second, so that what does not matter is skipped and not parsed.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206
NACK = 1
PLI, FIR, APPLICATION = 1, 4, 15

NTP_EPOCH_S = 2_208_988_800
"""Seconds from 1900, where NTP's time begins, to 1970."""

_HEADER = struct.Struct("!BBH")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")
_TWO = struct.Struct("!II")
_PAIR = struct.Struct("!HH")
_MAX_LOST = 512
"""Sequence numbers that one NACK message may ask for."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """A point on a stream's line from NTP time to RTP time (RFC 3550 § 6.4.1)."""

    ssrc: int
    ntp: int
    """64 bits, 32 of them below a second."""
    rtp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How a receiver fares with a stream (RFC 3550 § 6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Of 256, since the last report."""
    lost: int
    highest: int
    """Extended highest sequence number."""
    jitter: int
    """In units of the RTP clock."""
    last_sr: int
    """Middle 32 bits of the last sender report's NTP time, 0 where there was none."""
    delay: int
    """Since that report came, in units of 1/65536 s."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Packets that a receiver misses (RFC 4585 § 6.2.1)."""

    ssrc: int
    sequences: list[int]


@dataclass(frozen=True, slots=True)
class PictureLoss:
    """A receiver needs a key frame (RFC 4585 § 6.3.1, RFC 5104 § 4.3.1)."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a receiver believes it can take in all: REMB (draft-alvestrand-rmcat-remb-03)."""

    bitrate: int
    """Bits per second."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Streams that end (RFC 3550 § 6.6)."""

    ssrcs: tuple[int, ...]


Item = SenderReport | ReportBlock | Lost | PictureLoss | Estimate | Goodbye


def read(data: bytes) -> Iterator[Item]:
    """What the compound packet ``data`` says; raises ValueError at the first that is malformed."""
    position = 0
    while position < len(data):
        if position + 4 > len(data):
            raise ValueError("an RTCP header is cut short")
        first, kind, words = _HEADER.unpack_from(data, position)
        begin, end = position + 4, position + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise ValueError("not an RTCP packet")
        count = first & 31
        if kind == RR:
            yield from _blocks(data, begin + 4, end, count)
        elif kind == SR:
            if begin + _SENDER.size > end:
                raise ValueError("a sender report is cut short")
            yield SenderReport(*_SENDER.unpack_from(data, begin))
            yield from _blocks(data, begin + _SENDER.size, end, count)
        elif kind in (RTPFB, PSFB):
            if begin + 8 > end:
                raise ValueError("a feedback message is cut short")
            yield from _feedback(data, kind, count, begin, end)
        elif kind == BYE:
            if begin + 4 * count > end:
                raise ValueError("a goodbye is cut short")
            yield Goodbye(struct.unpack_from(f"!{count}I", data, begin))
        position = end


def _blocks(data: bytes, begin: int, end: int, count: int) -> Iterator[ReportBlock]:
    if begin + 24 * count > end:
        raise ValueError("a report is cut short")
    for position in range(begin, begin + 24 * count, 24):
        ssrc, loss, highest, jitter, last_sr, delay = _BLOCK.unpack_from(data, position)
        lost = loss & 0xFFFFFF
        if lost & 0x800000:
            lost -= 0x1000000
        yield ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last_sr, delay)


def _feedback(data: bytes, kind: int, form: int, begin: int, end: int) -> Iterator[Item]:
    _, ssrc = _TWO.unpack_from(data, begin)
    rest = begin + 8
    if kind == RTPFB and form == NACK:
        sequences: list[int] = []
        for position in range(rest, end - 3, 4):
            first, mask = _PAIR.unpack_from(data, position)
            sequences.append(first)
            sequences += [first + 1 + bit & 0xFFFF for bit in range(16) if mask >> bit & 1]
            if len(sequences) >= _MAX_LOST:
                break
        yield Lost(ssrc, sequences)
    elif kind == PSFB and form == PLI:
        yield PictureLoss(ssrc)
    elif kind == PSFB and form == FIR:
        for position in range(rest, end - 7, 8):
            yield PictureLoss(_TWO.unpack_from(data, position)[0])
    elif kind == PSFB and form == APPLICATION and data[rest : rest + 4] == b"REMB":
        if rest + 8 > end:
            raise ValueError("a bandwidth estimate is cut short")
        word = int.from_bytes(data[rest + 4 : rest + 8], "big")
        # 64 bits hold more than any link carries: beyond is no estimate.
        yield Estimate(min((word & 0x3FFFF) << (word >> 18 & 0x3F), 1 << 63))


# ------------------------------------------------------------------ out


def sender_report(report: SenderReport, blocks: Sequence[ReportBlock] = ()) -> bytes:
    """An SR packet."""
    body = _SENDER.pack(report.ssrc, report.ntp, report.rtp, report.packets, report.octets)
    return _packet(SR, len(blocks), body + _pack_blocks(blocks))


def receiver_report(ssrc: int, blocks: Sequence[ReportBlock]) -> bytes:
    """An RR packet; at most 31 blocks."""
    return _packet(RR, len(blocks), struct.pack("!I", ssrc) + _pack_blocks(blocks))


def source_description(ssrc: int, cname: str) -> bytes:
    """An SDES packet that gives ``ssrc`` its canonical name (RFC 3550 § 6.5).

    One chunk only: not every receiver finds the second where the padding of the first ends.
    """
    name = cname.encode()
    item = bytes((1, len(name))) + name
    return _packet(SDES, 1, struct.pack("!I", ssrc) + item + bytes(4 - len(item) % 4))


def picture_loss(sender: int, media: int) -> bytes:
    """A PLI."""
    return _packet(PSFB, PLI, _TWO.pack(sender, media))


def lost(sender: int, media: int, sequences: Sequence[int]) -> bytes:
    """A NACK for ``sequences``, which ascend (modulo 2¹⁶)."""
    pairs: list[tuple[int, int]] = []
    for each in sequences:
        gap = each - pairs[-1][0] - 1 & 0xFFFF if pairs else 16
        if gap < 16:
            pairs[-1] = (pairs[-1][0], pairs[-1][1] | 1 << gap)
        else:
            pairs.append((each, 0))
    body = b"".join(_PAIR.pack(*pair) for pair in pairs)
    return _packet(RTPFB, NACK, _TWO.pack(sender, media) + body)


def estimate(sender: int, bitrate: int, ssrcs: Sequence[int]) -> bytes:
    """A REMB of ``bitrate`` bits per second for ``ssrcs``."""
    exponent = max(0, bitrate.bit_length() - 18)
    word = len(ssrcs) << 24 | exponent << 18 | bitrate >> exponent
    body = b"REMB" + struct.pack(f"!{1 + len(ssrcs)}I", word, *ssrcs)
    return _packet(PSFB, APPLICATION, _TWO.pack(sender, 0) + body)


def ntp_time(unix_ns: int) -> int:
    """Nanoseconds since 1970 as NTP's 64 bits."""
    seconds, rest = divmod(unix_ns, 1_000_000_000)
    return (seconds + NTP_EPOCH_S) << 32 | (rest << 32) // 1_000_000_000


def unix_time(ntp: int) -> int:
    """NTP's 64 bits as nanoseconds since 1970."""
    return ((ntp >> 32) - NTP_EPOCH_S) * 1_000_000_000 + ((ntp & 0xFFFFFFFF) * 1_000_000_000 >> 32)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _pack_blocks(blocks: Sequence[ReportBlock]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | block.lost & 0xFFFFFF,
            block.highest,
            block.jitter,
            block.last_sr,
            block.delay,
        )
        for block in blocks
    )

"""RTP packets as a forwarder sees them: header, extensions, and how a subscriber is told them.

A subscriber may have negotiated other payload types and other numbers for header extensions than
the publisher (RFC 8285). A `Dialect` is what it negotiated for a media section; `phrase` puts a
packet in it, once for all subscribers that share it. What differs between them then has a fixed
place: sequence number, timestamp and SSRC in the header, picture numbers in the payload.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
VIDEO_ORIENTATION = "urn:3gpp:video-orientation"

PASSED = (ABS_CAPTURE_TIME, AUDIO_LEVEL, VIDEO_ORIENTATION)
"""Extensions whose values go from publisher to subscriber as they are."""
KNOWN = (MID, RID, REPAIRED_RID, ABS_SEND_TIME, *PASSED)
"""Extensions that answers accept."""

_HEADER = struct.Struct("!BBHII")
HEADER_BYTES = _HEADER.size


@dataclass(slots=True)
class Packet:
    """An RTP packet (RFC 3550 § 5.1); contributing sources are left out."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    """With padding, where there is any."""
    marker: bool = False
    padded: bool = False
    extensions: dict[int, bytes] = field(default_factory=dict)


def parse(data: bytes) -> Packet:
    """``data`` as a packet; raises ValueError where it is none."""
    if len(data) < HEADER_BYTES:
        raise ValueError("shorter than an RTP header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    position = HEADER_BYTES + 4 * (first & 15)
    extensions: dict[int, bytes] = {}
    if first & 0x10:
        if position + 4 > len(data):
            raise ValueError("the header extension is cut short")
        profile, words = struct.unpack_from("!HH", data, position)
        position += 4
        end = position + 4 * words
        if end > len(data):
            raise ValueError("the header extension is cut short")
        extensions = _read_extensions(profile, data[position:end])
        position = end
    padded = bool(first & 0x20)
    if first >> 6 != 2 or position > len(data):
        raise ValueError("not an RTP packet")
    if padded and not 0 < data[-1] <= len(data) - position:
        raise ValueError("more padding than packet")
    return Packet(
        second & 0x7F, sequence, timestamp, ssrc, data[position:], bool(second & 0x80), padded,
        extensions,
    )  # fmt: skip


def _read_extensions(profile: int, data: bytes) -> dict[int, bytes]:
    """Elements by number (RFC 8285 §§ 4.2, 4.3); what is neither form has none."""
    found: dict[int, bytes] = {}
    two_byte = profile & 0xFFF0 == 0x1000
    if not two_byte and profile != 0xBEDE:
        return found
    position = 0
    while position < len(data):
        if data[position] == 0:  # padding
            position += 1
            continue
        if two_byte:
            if position + 2 > len(data):
                break
            number, size = data[position], data[position + 1]
            position += 2
        else:
            number, size = data[position] >> 4, (data[position] & 15) + 1
            position += 1
            if number == 15:
                break
        if position + size > len(data):
            break
        found[number] = data[position : position + size]
        position += size
    return found


def write_extensions(elements: Mapping[int, bytes]) -> bytes:
    """The header extension with ``elements`` by number; empty without any."""
    if not elements:
        return b""
    one_byte = all(number < 15 and 0 < len(value) <= 16 for number, value in elements.items())
    if one_byte:
        body = b"".join(
            bytes((number << 4 | len(value) - 1,)) + value for number, value in elements.items()
        )
    else:
        body = b"".join(bytes((number, len(value))) + value for number, value in elements.items())
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", 0xBEDE if one_byte else 0x1000, len(body) // 4) + body


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a subscriber negotiated for a media section."""

    payload_type: int
    mid: bytes
    extensions: tuple[tuple[str, int], ...]
    """URIs and their numbers."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A packet in a dialect: all that its subscribers have in common."""

    data: bytes
    """The plain RTP packet, sequence number, timestamp and SSRC still the publisher's."""
    payload_at: int
    """Where the payload begins."""


def phrase(packet: Packet, numbers: Mapping[str, int], dialect: Dialect, sent_ns: int) -> Phrase:
    """``packet`` in ``dialect``.

    ``numbers`` are the publisher's of extensions by URI; ``sent_ns``, in nanoseconds since 1970,
    is what abs-send-time tells. The same arguments give the same bytes, so that a retransmission
    is the packet that it repeats.
    """
    elements: dict[int, bytes] = {}
    for uri, number in dialect.extensions:
        if uri in PASSED:
            value = packet.extensions.get(numbers.get(uri, 0))
            if value is not None:
                elements[number] = value
        elif uri == MID:
            elements[number] = dialect.mid
        elif uri == ABS_SEND_TIME:
            elements[number] = abs_send_time(sent_ns)
    extension = write_extensions(elements)
    header = _HEADER.pack(
        0x80 | packet.padded << 5 | bool(extension) << 4,
        packet.marker << 7 | dialect.payload_type,
        packet.sequence,
        packet.timestamp,
        packet.ssrc,
    )
    return Phrase(header + extension + packet.payload, HEADER_BYTES + len(extension))


def abs_send_time(unix_ns: int) -> bytes:
    """Seconds modulo 64 in 24 bits, 18 of them below a second."""
    return ((unix_ns << 18) // 1_000_000_000 & 0xFFFFFF).to_bytes(3, "big")


def newer(sequence: int, than: int) -> bool:
    """Whether ``sequence`` comes after ``than``, modulo 2¹⁶ (RFC 3550 Appendix A.1)."""
    return 0 < (sequence - than & 0xFFFF) < 0x8000

"""VP8 in RTP (RFC 7741): payload descriptors, as far as they are needed here."""

from collections.abc import Iterator

BEGINS, GOES_ON = b"\x10", b"\x00"
"""The shortest descriptor: of a frame's first packet, and of the others."""
DESCRIPTOR = 1


def packetize(frame: bytes, largest: int) -> Iterator[bytes]:
    """Payloads of at most ``largest`` bytes, of like size, that carry ``frame``."""
    pieces = -(-len(frame) // (largest - DESCRIPTOR))
    for i in range(pieces):
        begin, end = len(frame) * i // pieces, len(frame) * (i + 1) // pieces
        yield (GOES_ON if i else BEGINS) + frame[begin:end]


def depacketize(payload: bytes) -> bytes:
    """A payload without its descriptor; empty if it is malformed."""
    return payload[_descriptor_length(payload) :] if payload else b""


def begins_frame(payload: bytes) -> bool:
    """Whether a payload begins a frame: the S bit, and partition 0."""
    return bool(payload) and payload[0] & 0x17 == 0x10


def _descriptor_length(payload: bytes) -> int:
    length = 1
    if payload[0] & 0x80 and len(payload) > 1:
        flags = payload[1]
        length += 1
        if flags & 0x80 and len(payload) > length:
            length += 2 if payload[length] & 0x80 else 1
        length += bool(flags & 0x40) + bool(flags & 0x30)
    return length


def begins_key_frame(packet: bytes) -> bool:
    """Whether an RTP packet, decrypted, begins a key frame."""
    payload = payload_of(packet)
    if not begins_frame(payload):
        return False
    frame = depacketize(payload)
    return bool(frame) and frame[0] & 1 == 0  # RFC 6386, 9.1


def payload_of(packet: bytes) -> bytes:
    """The payload of an RTP packet (RFC 3550, 5.1); empty if it is malformed."""
    if len(packet) < 12:
        return b""
    begin, end = 12 + 4 * (packet[0] & 15), len(packet)
    if packet[0] & 16:
        if len(packet) < begin + 4:
            return b""
        begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4], "big")
    if packet[0] & 32 and end > begin:
        end -= packet[-1]
    return packet[begin:end]

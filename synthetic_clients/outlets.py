"""Outlets: what an endpoint publishes as it goes to one server, under that session's keys."""

import secrets
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scenarios.units import SECOND
from synthetic_clients.aiortc_parts import Wire
from synthetic_clients.descriptions import CAPTURE_TIME, CLOCKS, MID, RID, Kind, Slot
from synthetic_clients.headers import NTP_OFFSET

HISTORY = 1024
"""Packets of a stream that can be sent again."""
_KEPT_NTP = 1 << 64


@dataclass
class Stream:
    """One RTP stream that is sent."""

    slot: Slot
    ssrc: int
    clock: int
    """Ticks of its time stamps in a second."""
    encoding: str = ""
    """Its name (RFC 8852); empty: it is the only one."""
    sequence: int = field(default_factory=lambda: secrets.randbits(15))
    offset: int = field(default_factory=lambda: secrets.randbits(32))
    packets: int = 0
    octets: int = 0
    sent: dict[int, bytes] = field(default_factory=dict)
    """SRTP packets by sequence number, the last HISTORY."""

    def stamp(self, capture: int) -> int:
        """The time stamp of a capture time (ns on the run's clock)."""
        return (self.offset + capture * self.clock // SECOND) & 0xFFFFFFFF

    def packet(self, payload: bytes, capture: int, epoch: int, marker: bool) -> bytes:
        """The next RTP packet."""
        extensions = b""
        if number := self.slot.extensions.get(MID):
            mid = self.slot.mid.encode()
            extensions += bytes([number << 4 | len(mid) - 1]) + mid
        if self.encoding and (number := self.slot.extensions.get(RID)):
            rid = self.encoding.encode()
            extensions += bytes([number << 4 | len(rid) - 1]) + rid
        if number := self.slot.extensions.get(CAPTURE_TIME):
            extensions += bytes([number << 4 | 7]) + struct.pack("!Q", ntp_of(epoch + capture))
        extensions += bytes(-len(extensions) % 4)
        header = struct.pack(
            "!BBHLL",
            0x90 if extensions else 0x80,
            self.slot.payload_type | (0x80 if marker else 0),
            self.sequence,
            self.stamp(capture),
            self.ssrc,
        )
        if extensions:
            header += struct.pack("!HH", 0xBEDE, len(extensions) // 4) + extensions
        self.packets += 1
        self.octets += len(payload)
        return header + payload

    def keep(self, packet: bytes) -> None:
        """Remember a packet, SRTP, and go on to the next number."""
        self.sent[self.sequence] = packet
        self.sent.pop((self.sequence - HISTORY) & 0xFFFF, None)
        self.sequence = (self.sequence + 1) & 0xFFFF


def ntp_of(unix: int) -> int:
    """Unix time in ns as an NTP time stamp of 64 bits."""
    seconds, rest = divmod(unix, SECOND)
    return ((seconds + NTP_OFFSET) << 32 | (rest << 32) // SECOND) % _KEPT_NTP


class Outlet:
    """A session with a server, and the streams that it takes."""

    def __init__(self, wire: Wire, slots: Sequence[Slot], ssrcs: Sequence[int]) -> None:
        """
        Args:
            slots, ssrcs: lines as agreed, and what each sends.
        """
        self.wire = wire
        self.streams: Mapping[tuple[Kind, str], Stream] = {
            (slot.kind, name): Stream(slot, _ssrc(ssrc, i), CLOCKS[slot.kind], name)
            for slot, ssrc in zip(slots, ssrcs, strict=False)
            if slot.accepted
            for i, name in enumerate(slot.encodings or [""])
        }
        self.encodings = frozenset(name for _, name in self.streams) - {""}
        """Of the picture that the server takes at the same time; none: it takes one."""

    def takes(self, kind: Kind) -> bool:
        """Whether the server takes media of ``kind``."""
        return any(each == kind for each, _ in self.streams)

    def encoding_of(self, ssrc: int) -> str | None:
        """The encoding that is sent as ``ssrc``, empty if it is the only one; None: nothing is."""
        found = (name for (_, name), stream in self.streams.items() if stream.ssrc == ssrc)
        return next(found, None)

    def packet(
        self, kind: Kind, encoding: str, payload: bytes, capture: int, epoch: int, marker: bool
    ) -> bytes | None:
        """The next packet of ``kind`` and encoding, SRTP; None where it cannot be sent."""
        stream = self.streams.get((kind, encoding if encoding in self.encodings else ""))
        if stream is None or not self.wire.connected:
            return None
        packet = self.wire.protect(stream.packet(payload, capture, epoch, marker))
        stream.keep(packet)
        return packet

    def kept(self, ssrc: int, sequences: Sequence[int]) -> Sequence[bytes | None]:
        """Packets of the picture ``ssrc`` by their sequence numbers, SRTP; None: forgotten."""
        pictures = (each for (kind, _), each in self.streams.items() if kind == "video")
        stream = next((each for each in pictures if each.ssrc == ssrc), None)
        if stream is None:
            return ()
        return [stream.sent.get(sequence & 0xFFFF) for sequence in sequences[:HISTORY]]


def _ssrc(first: int, number: int) -> int:
    """Of an encoding: the first has the one that was offered."""
    return first if number == 0 else secrets.randbits(31) | 1

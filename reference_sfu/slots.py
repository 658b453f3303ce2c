"""A subscriber's slots: each is one outgoing stream, whatever source fills it (RFC 7667 § 3.7)."""

import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reference_sfu import rtp
from reference_sfu.codecs import numbers_of
from reference_sfu.offers import Section, Streams
from reference_sfu.rows import Rows, rewrite, switch
from reference_sfu.rtp import Dialect, Packet
from reference_sfu.streams import Stream

_SEGMENTS = 4
"""Switches that a retransmission may reach back over."""


@dataclass(eq=False, slots=True)
class Track:
    """What a site publishes of a kind, in one or more encodings, and the slots that show it."""

    site: str
    kind: str
    streams: list[Stream] = field(default_factory=list)
    slots: set["Slot"] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a slot's outgoing stream that one source filled."""

    stream: Stream
    first: int
    """Its first sequence number, as sent."""
    row: Any
    """A copy of the row, whose shifts are the segment's."""


class Dealer:
    """Names and numbers a subscriber's streams, one section of its offer after another."""

    def __init__(self) -> None:
        self.dealt: list[Streams] = []
        self._places = {"audio": 0, "video": 0}

    def __call__(self, kind: str) -> Streams:
        """The next stream of ``kind``: the programme's, the called site's, then tiles'."""
        place = self._places[kind]
        self._places[kind] += 1
        name = ("programme", "called")[place] if place < 2 else f"tile-{place - 2}"
        streams = Streams(name, self._ssrc(), self._ssrc())
        self.dealt.append(streams)
        return streams

    def _ssrc(self) -> int:
        """One that no other of the subscriber's streams has."""
        taken = {ssrc for each in self.dealt for ssrc in (each.ssrc, each.repair_ssrc)}
        while (ssrc := secrets.randbits(32)) in taken:
            pass
        return ssrc


class Slot:
    """One outgoing stream of a subscriber."""

    def __init__(self, section: Section, streams: Streams, rows: Rows) -> None:
        self.kind = section.kind
        self.ssrc = streams.ssrc
        self.repair_ssrc = streams.repair_ssrc
        self.track: Track | None = None
        """What floor control wants here."""
        self.stream: Stream | None = None
        """What is sent."""
        self.next: Stream | None = None
        """What will be, from its next key frame on."""
        self.reported_packets = 0
        """Packets sent when the last sender report was made."""
        self.number = rows.take(streams.ssrc, secrets.randbelow(0x8000))
        self._rows = rows
        extensions = tuple(section.extensions.items())
        mid = section.mid.encode()
        self._dialects = {
            codec.name: Dialect(codec.payload_type, mid, extensions) for codec in section.codecs
        }
        self._repair_types = {codec.name: codec.repair_type for codec in section.codecs}
        self._repair_sequence = secrets.randbelow(0x8000)
        self._segments: deque[Segment] = deque(maxlen=_SEGMENTS)

    @property
    def row(self) -> Any:
        """Its row of the table."""
        return self._rows.table[self.number]

    def candidates(self, streams: Iterable[Stream]) -> list[Stream]:
        """Those of ``streams`` whose codec the subscriber knows."""
        return [stream for stream in streams if stream.codec.name in self._dialects]

    def show(self, track: Track | None) -> None:
        """Show ``track`` from its next key frame on; without one, or any stream in it, nothing."""
        if track is not self.track:
            if self.track is not None:
                self.track.slots.discard(self)
            self.track = track
            if track is not None:
                track.slots.add(self)
        possible = self.candidates(track.streams) if track is not None else []
        if self.next not in possible:
            self._stop_waiting()
        if not possible:
            self.clear()
        elif self.stream not in possible and self.next is None:
            self.aim(possible[-1])

    def aim(self, stream: Stream) -> None:
        """Switch to ``stream`` with its next key frame; until then what is sent goes on."""
        self._stop_waiting()
        if stream is not self.stream:
            self.next = stream
            stream.waiting.add(self)

    def begin(self, stream: Stream, packet: Packet, now_ns: int) -> None:
        """Switch to ``stream`` now: ``packet`` is the first of it."""
        self._leave()
        self._stop_waiting()
        numbers = numbers_of(stream.codec.name, packet.payload)
        payload = packet.payload
        picture = tl0 = -1
        if numbers.picture_at >= 0:
            picture = int.from_bytes(payload[numbers.picture_at : numbers.picture_at + 2], "big")
        if numbers.tl0_at >= 0:
            tl0 = payload[numbers.tl0_at]
        row = self.row
        switch(
            row, packet.sequence, packet.timestamp, picture & 0x7FFF, tl0, stream.clock_rate, now_ns
        )
        first = (packet.sequence + int(row["sequence_shift"])) & 0xFFFF
        self._segments.append(Segment(stream, first, row.copy()))
        self.stream = stream
        stream.add(self._dialects[stream.codec.name], self.number)

    def clear(self) -> None:
        """Send nothing."""
        self._stop_waiting()
        self._leave()
        self.stream = None

    def close(self) -> None:
        """Give the row back."""
        self.show(None)
        self._rows.give_back(self.number)

    def _stop_waiting(self) -> None:
        if self.next is not None:
            self.next.waiting.discard(self)
            self.next = None

    def _leave(self) -> None:
        if self.stream is not None:
            self.stream.discard(self._dialects[self.stream.codec.name], self.number)

    def repair(self, sequence: int) -> bytes | None:
        """The packet that was sent as ``sequence``, to be sent again; None where it is forgotten.

        In the subscriber's retransmission stream where one was negotiated (RFC 4588), else as the
        very packet that it was.
        """
        segment = next(
            (s for s in reversed(self._segments) if not rtp.newer(s.first, sequence)), None
        )
        if segment is None:
            return None
        row, stream = segment.row, segment.stream
        found = stream.history.find((sequence - int(row["sequence_shift"])) & 0xFFFF)
        if found is None:
            return None
        packet, sent_ns = found
        codec = stream.codec.name
        phrase = rtp.phrase(packet, stream.extensions, self._dialects[codec], sent_ns)
        numbers = numbers_of(codec, packet.payload)
        data = np.frombuffer(bytearray(phrase.data), np.uint8)
        copy = np.array([row])
        copy["first_sequence"] = packet.sequence
        own = rewrite(
            copy[0], data, packet.sequence, packet.timestamp,
            phrase.payload_at + numbers.picture_at if numbers.picture_at >= 0 else -1,
            phrase.payload_at + numbers.tl0_at if numbers.tl0_at >= 0 else -1,
            0, 0,
        )  # fmt: skip
        plain = data.tobytes()
        repair_type = self._repair_types[codec]
        if not own or repair_type is None:
            return plain
        self._repair_sequence = (self._repair_sequence + 1) & 0xFFFF
        return (
            plain[:1]
            + bytes((plain[1] & 0x80 | repair_type,))
            + self._repair_sequence.to_bytes(2, "big")
            + plain[4:8]
            + self.repair_ssrc.to_bytes(4, "big")
            + plain[rtp.HEADER_BYTES : phrase.payload_at]
            + plain[2:4]
            + plain[phrase.payload_at :]
        )

"""A room without a network: publishers' packets in, what each row was sent out."""

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reference_sfu import rtp
from reference_sfu.codecs import OPUS, VP8
from reference_sfu.offers import Codec, Section, Streams
from reference_sfu.publications import Publication
from reference_sfu.room import Room
from reference_sfu.rows import rewrite
from reference_sfu.slots import Slot
from reference_sfu.subscriptions import Subscription

MS = 1_000_000
SECOND = 1000 * MS
EXTENSIONS = {rtp.MID: 1, rtp.RID: 4, rtp.REPAIRED_RID: 5, rtp.ABS_CAPTURE_TIME: 3}
VOICE = Section("audio", "0", (Codec(OPUS, 111, None),), EXTENSIONS)
PICTURE = Section("video", "1", (Codec(VP8, 96, 97),), EXTENSIONS)
SIMULCAST = Section("video", "1", (Codec(VP8, 96, 97),), EXTENSIONS, rids=("low", "high"))
KEY, DELTA = b"\x90\x80\x80\x05\x00key", b"\x90\x80\x80\x05\x01delta"


@dataclass
class Sent:
    """What a row was sent."""

    row: int
    packet: rtp.Packet


@dataclass
class Meeting:
    """A room, its time, and all that was sent."""

    now_ns: int = SECOND
    sent: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.room = Room(self._send)
        self._ssrc = 1000

    def _send(
        self, table: Any, rows: Any, data: bytes, sequence: int, timestamp: int, picture_at: int,
        tl0_at: int, payload_bytes: int, now_ns: int,
    ) -> None:  # fmt: skip
        for row in rows:
            own = np.frombuffer(bytearray(data), np.uint8)
            if rewrite(
                table[row], own, sequence, timestamp, picture_at, tl0_at, payload_bytes, now_ns
            ):
                self.sent.append(Sent(int(row), rtp.parse(own.tobytes())))

    def publish(self, site: str, *sections: Section) -> Publication:
        return self.room.publish(site, list(sections or (VOICE, PICTURE)))

    def slots(self, *sections: Section) -> list[Slot]:
        made = []
        for section in sections or (VOICE, PICTURE):
            self._ssrc += 2
            made.append(Slot(section, Streams("x", self._ssrc, self._ssrc + 1), self.room.rows))
        return made

    def subscribe(self, site: str, *sections: Section) -> Subscription:
        return self.room.subscribe(site, self.slots(*sections))

    def play(
        self, publication: Publication, ssrc: int, payload_type: int, sequence: int,
        payload: bytes = b"", elements: dict[int, bytes] | None = None,
    ) -> list[Sent]:  # fmt: skip
        """Let a packet in 20 ms after the last; gives what was sent for it."""
        self.now_ns += 20 * MS
        extension = rtp.write_extensions(elements or {})
        header = struct.pack(
            "!BBHII", 0x80 | bool(extension) << 4, payload_type, sequence & 0xFFFF,
            960 * sequence & 0xFFFFFFFF, ssrc,
        )  # fmt: skip
        before = len(self.sent)
        self.room.take(publication, header + extension + payload, self.now_ns, self.now_ns)
        return self.sent[before:]

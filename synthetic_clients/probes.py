"""Probe clients: decrypt and decode everything, to check the clients that read headers only.

A probe measures in its own way, packet by packet in Python, from what it decrypted: nothing is
shared with the kernels but the packets and the times at which they have crossed the virtual link.
"""

import statistics
from dataclasses import dataclass, field
from typing import Any

from scenarios.units import SECOND
from synthetic_clients.aiortc_parts import Wire
from synthetic_clients.sockets import Reader
from synthetic_clients.vp8 import begins_frame, depacketize, payload_of

HELD = 1 << 15
"""Packets that a process's probes hold at most, on their way over virtual links."""
FREEZE_FRAMES, FREEZE_LEAST, FREEZE_LONGER = 30, 5, 0.150
"""W3C webrtc-stats, freezeCount; see `simulations.freezes`."""


@dataclass
class Heard:
    """What a probe made of one stream."""

    audio: bool
    packets: int = 0
    decoded: int = 0
    """Frames of sound or of pictures."""
    undecodable: int = 0
    gaps: int = 0
    """Runs of packets that were not there in their turn: audible, or seen as frames left out."""
    jitter_s: float = 0.0
    shown: list[float] = field(default_factory=list)
    """When each picture was decoded, s."""
    _transit: float | None = None
    _stamp: int | None = None
    _extended: int = 0
    _next: int | None = None
    _frame: list[bytes] = field(default_factory=list)
    _whole: bool = False
    _decoder: Any = None

    @property
    def freezes(self) -> int:
        """Freezes so far, by the definition's words."""
        found = 0
        gaps = [b - a for a, b in zip(self.shown[:-1], self.shown[1:], strict=True)]
        for i in range(len(gaps)):
            window = gaps[max(0, i - FREEZE_FRAMES + 2) : i + 1]
            if len(window) >= FREEZE_LEAST:
                mean = statistics.fmean(window)
                found += gaps[i] >= max(3 * mean, mean + FREEZE_LONGER)
        return found

    def take(self, packet: bytes, arrival: float) -> None:
        """Take a packet, decrypted, in order of arrival (s)."""
        self.packets += 1
        sequence = int.from_bytes(packet[2:4], "big")
        stamp = int.from_bytes(packet[4:8], "big")
        rate = 48_000 if self.audio else 90_000
        if self._stamp is None:
            self._extended = stamp
        else:
            step = (stamp - self._stamp) & 0xFFFFFFFF
            self._extended += step if step < 1 << 31 else step - (1 << 32)
        self._stamp = stamp
        transit = arrival - self._extended / rate
        if self._transit is not None:
            self.jitter_s += (abs(transit - self._transit) - self.jitter_s) / 16
        self._transit = transit
        in_turn = self._next is None or sequence == self._next
        self.gaps += not in_turn
        self._next = (sequence + 1) & 0xFFFF
        payload = payload_of(packet)
        if self.audio:
            self._decode(payload, arrival)
            return
        if begins_frame(payload):
            self._frame, self._whole = [], True
        self._whole = self._whole and (in_turn or begins_frame(payload))
        self._frame.append(depacketize(payload))
        if packet[1] & 0x80 and self._whole:
            self._decode(b"".join(self._frame), arrival)

    def _decode(self, data: bytes, arrival: float) -> None:
        import av  # noqa: PLC0415  # loads FFmpeg

        if self._decoder is None:
            self._decoder = av.CodecContext.create("opus" if self.audio else "vp8", "r")
            if not self.audio:
                self._decoder.thread_count = 1
        try:
            frames = self._decoder.decode(av.Packet(data))
        except av.FFmpegError:
            self.undecodable += 1
            return
        if frames:
            self.decoded += len(frames)
            if not self.audio:
                self.shown.append(arrival)


class Probes:
    """The probes of a process."""

    def __init__(self) -> None:
        self.wires: dict[int, Wire] = {}
        """By endpoint."""
        self.heard: dict[int, Heard] = {}
        """By stream."""
        self._held: dict[tuple[int, int], bytes] = {}
        self.forged = 0
        """Packets that were not authentic."""

    def hold(self, packets: Any, state: Any, reader: Reader) -> None:
        """Decrypt the probes' packets of a batch (PACKET), before they cross their links."""
        owners = state.views["endpoint"][packets["stream"]]
        for p in range(len(packets)):
            wire = self.wires.get(int(owners[p]))
            if wire is None:
                continue
            row = int(packets[p]["row"])
            length = int(reader.slab.datagrams[row]["length"])
            plain = wire.unprotect(reader.slab.rows[row, :length].tobytes())
            if plain is None:
                self.forged += 1
                continue
            if len(self._held) >= HELD:
                self._held.pop(next(iter(self._held)))
            self._held[int(packets[p]["stream"]), int(packets[p]["sequence"])] = plain

    def plain(self, stream: int, sequence: int) -> bytes | None:
        """A packet that is held."""
        return self._held.get((stream, sequence))

    def take(self, taps: Any, state: Any) -> None:
        """Decode what has arrived (TAP), in order."""
        for stream, sequence, arrival in taps.tolist():
            packet = self._held.pop((stream, sequence), None)
            if packet is not None:
                heard = self.heard.setdefault(stream, Heard(bool(state.views[stream]["audio"])))
                heard.take(packet, arrival / SECOND)

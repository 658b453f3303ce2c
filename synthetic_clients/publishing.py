"""Publishers: recorded media as SRTP, at its times, over the endpoint's virtual uplink.

A publisher answers requests for a key frame by beginning its picture anew, requests for packets by
sending them again, and an estimate (REMB) by sending the encoding that fits.
"""

import asyncio
import heapq
import itertools
import math
import secrets
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)

from scenarios.media import Media
from scenarios.randomness import entity_keys, stream_key, uniforms
from scenarios.units import SECOND
from synthetic_clients.aiortc_parts import Wire
from synthetic_clients.descriptions import CAPTURE_TIME, CLOCKS, MID, Slot
from synthetic_clients.headers import NTP_OFFSET
from synthetic_clients.media import Recording
from synthetic_clients.receiving import cross_downlink, cross_uplink, send_media
from synthetic_clients.reports import HEADERS, read_reports
from synthetic_clients.state import State
from synthetic_clients.vp8 import packetize

HISTORY = 1024
"""Packets of a stream that can be sent again."""
KEY_FRAME_SPACING = SECOND // 5
"""ns between key frames that are asked for, at least."""
REPORT_INTERVAL = SECOND
"""ns between sender reports."""
SRTP_TAG = 10
_KEPT_NTP = 1 << 64

Clock = Callable[[], int]


class Outbox:
    """Packets that wait until they have crossed a virtual uplink."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self._loop, self._clock = loop, clock
        self._waiting: list[tuple[int, int, Wire, bytes]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def post(self, at: int, wire: Wire, packet: bytes) -> None:
        """Send ``packet``, SRTP, at the time ``at`` (ns), or now if that is past."""
        heapq.heappush(self._waiting, (at, next(self._numbers), wire, packet))
        if self._waiting[0][0] == at:
            self._wake(at)

    def _wake(self, at: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(at - self._clock(), 0) / SECOND, self._send)

    def _send(self) -> None:
        now = self._clock()
        while self._waiting and self._waiting[0][0] <= now:
            _, _, wire, packet = heapq.heappop(self._waiting)
            wire.send(packet)
        self._timer = None
        if self._waiting:
            self._wake(self._waiting[0][0])

    def later(self, delay_s: float, what: Callable[[bytes], None], data: bytes) -> None:
        """Do ``what`` with ``data`` after a while."""
        self._loop.call_later(delay_s, what, data)

    def close(self) -> None:
        """Send nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()


@dataclass
class Stream:
    """One RTP stream that is sent."""

    slot: Slot
    ssrc: int
    clock: int
    """Ticks of its time stamps in a second."""
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


class Publisher:
    """One endpoint's voice and picture."""

    def __init__(
        self,
        endpoint: int,
        name: str,
        wire: Wire,
        slots: Sequence[Slot],
        ssrcs: Sequence[int],
        recording: Recording,
        media: Media,
        state: State,
        outbox: Outbox,
        clock: Clock,
        epoch: int,
        seed: int = 0,
    ) -> None:
        """
        Args:
            endpoint: its index in ``state``.
            slots, ssrcs: lines as agreed, and what each sends.
            clock, epoch: the run's clock, and the Unix time at which it is 0 (ns).
        """
        self.endpoint, self.name, self.wire = endpoint, name, wire
        self.recording, self.media, self.state = recording, media, state
        self.outbox, self.clock, self.epoch = outbox, clock, epoch
        streams = {
            slot.kind: Stream(slot, ssrc, CLOCKS[slot.kind])
            for slot, ssrc in zip(slots, ssrcs, strict=False)
            if slot.accepted
        }
        self.voice, self.picture = streams.get("audio"), streams.get("video")
        self.heard = False
        self.layers: Sequence[str] = ()
        """Encodings that may be sent; none: the camera is off."""
        self.layer: str | None = None
        self.estimate: float | None = None
        """The server's, bit/s; None: it has not told any."""
        self.sent = self.key_frames = self.nacked = 0
        self.restart_counts()
        self._next_voice = self._next_frame = self._next_report = 0
        self._frame = self._sound = 0
        self._key_at = -KEY_FRAME_SPACING
        self._wants_key = False
        key = stream_key(seed, 0, "live voice")
        self._spurts = _spurts(int(entity_keys(key, [name])[0]), media)
        self._talking, self._turns_at = True, 0

    def restart_counts(self) -> None:
        """Empty the counts of an interval that has been sampled."""
        self.packets = self.bytes = self.retransmitted = 0
        self.delay_sum = self.delay_max = self.delayed = 0

    # ------------------------------------------------------------ what is sent

    def hear(self, heard: bool) -> None:
        """Send a voice, or none, from now on."""
        if heard and not self.heard:
            self._next_voice = self.clock()
            self._talking, self._turns_at = True, self._next_voice + next(self._spurts)
        self.heard = heard and self.voice is not None

    def show(self, layers: Sequence[str]) -> None:
        """Send one of these encodings, or none, from now on; a new picture begins with a key
        frame."""
        if self.picture is None or tuple(layers) == tuple(self.layers):
            return
        if layers and not self.layers:
            self._next_frame = self.clock()
        self.layers = tuple(layers)
        self._choose()

    def _choose(self) -> None:
        """Choose the highest encoding that fits the estimate, or the lowest; without an estimate
        the highest."""
        room = math.inf if self.estimate is None else self.estimate
        room -= self.media.audio.bitrate if self.heard else 0
        wanted = None
        for layer in self.media.video.layers:
            if layer.name in self.layers and (wanted is None or layer.bitrate <= room):
                wanted = layer.name
        if wanted != self.layer:
            self.layer = wanted
            self._frame = 0

    def play(self, until: int) -> int:
        """Send all that is to be sent before ``until`` (ns).

        Returns:
            When there is more.
        """
        audio, video = self.media.audio, self.media.video
        while self.heard and self._next_voice < until:
            at = self._next_voice
            if at >= self._turns_at:
                self._talking = not self._talking
                self._turns_at = at + next(self._spurts)
            if self._talking:
                payload = self.recording.voice[self._sound % len(self.recording.voice)]
                self._sound += 1
                self._next_voice += audio.ptime
            else:
                payload = self.recording.noise
                self._next_voice = min(at + audio.comfort_noise_interval, self._turns_at)
            self._send(self.voice, payload, at, at - audio.encode_delay, False)
        while self.layer is not None and self._next_frame < until:
            at = self._next_frame
            if self._wants_key and at - self._key_at >= KEY_FRAME_SPACING:
                self._frame = 0
            frames = self.recording.pictures[self.layer]
            if self._frame % len(frames) == 0:
                self._key_at, self._wants_key = at, False
                self.key_frames += 1
            self._send_frame(frames[self._frame % len(frames)], at)
            self._frame += 1
            self._next_frame += SECOND // video.frame_rate
        if (self.heard or self.layer) and self._next_report < until:
            self._report(until)
            self._next_report = until + REPORT_INTERVAL
        times = [self._next_report]
        times += [self._next_voice] if self.heard else []
        times += [self._next_frame] if self.layer else []
        return min(times)

    def _send_frame(self, frame: bytes, at: int) -> None:
        video = self.media.video
        rate = next(layer.bitrate for layer in video.layers if layer.name == self.layer)
        payloads = list(packetize(frame, video.payload))
        capture = at - video.encode_delay
        for i, payload in enumerate(payloads):
            self._send(self.picture, payload, at, capture, i == len(payloads) - 1)
            at += round(len(payload) * 8 * SECOND / (video.pacing * rate))

    def _send(
        self, stream: Stream | None, payload: bytes, at: int, capture: int, marker: bool
    ) -> None:
        if stream is None or not self.wire.connected:
            return
        packet = self.wire.protect(stream.packet(payload, capture, self.epoch, marker))
        stream.keep(packet)
        self._post(packet, at)

    def _post(self, packet: bytes, at: int) -> None:
        size = len(packet) + HEADERS - 14
        self.sent += 1
        self.packets += 1
        self.bytes += size
        arrival = send_media(self.state, self.endpoint, at, size)
        if arrival >= 0:
            self.delayed += 1
            self.delay_sum += arrival - at
            self.delay_max = max(self.delay_max, arrival - at)
            self.outbox.post(arrival, self.wire, packet)

    def _report(self, now: int) -> None:
        for stream in (self.voice, self.picture):
            if stream is None or stream.packets == 0:
                continue
            info = RtcpSenderInfo(
                ntp_timestamp=ntp_of(self.epoch + now),
                rtp_timestamp=stream.stamp(now),
                packet_count=stream.packets & 0xFFFFFFFF,
                octet_count=stream.octets & 0xFFFFFFFF,
            )
            source = RtcpSourceInfo(ssrc=stream.ssrc, items=[(1, self.name.encode())])
            report = bytes(RtcpSrPacket(ssrc=stream.ssrc, sender_info=info))
            report += bytes(RtcpSdesPacket(chunks=[source]))
            arrival = cross_uplink(self.state, self.endpoint, now, len(report) + HEADERS)
            if arrival >= 0:
                delay = max(arrival - self.clock(), 0) / SECOND
                self.outbox.later(delay, self.wire.send_rtcp, report)

    # ------------------------------------------------------------ what is asked for

    def hear_rtcp(self, data: bytes) -> None:
        """Take RTCP from the server, once it has crossed the virtual downlink."""
        now = self.clock()
        arrival = cross_downlink(self.state, self.endpoint, now, len(data) + HEADERS)
        if arrival < 0:
            return
        if arrival <= now:
            self._obey(data)
        else:
            self.outbox.later((arrival - now) / SECOND, self._obey, data)

    def _obey(self, data: bytes) -> None:
        for packet in read_reports(data):
            if isinstance(packet, RtcpPsfbPacket):
                if packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
                    self._wants_key = True
                elif packet.fmt == RTCP_PSFB_APP:
                    self._hear_estimate(packet.fci)
            elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                self._send_again(packet.media_ssrc, packet.lost)

    def _hear_estimate(self, fci: bytes) -> None:
        try:
            self.estimate = float(unpack_remb_fci(fci)[0])
        except (ValueError, struct.error):
            return
        if self.layers:
            self._choose()

    def _send_again(self, ssrc: int, sequences: Sequence[int]) -> None:
        stream = self.picture
        if stream is None or stream.ssrc != ssrc:
            return
        for sequence in sequences[:HISTORY]:
            self.nacked += 1
            packet = stream.sent.get(sequence & 0xFFFF)
            if packet is not None:
                self.retransmitted += 1
                self._post(packet, self.clock())


def _spurts(key: int, media: Media) -> Iterator[int]:
    """Lengths (ns) of talk spurts and pauses in turn (ITU-T P.59); one endless spurt without
    DTX."""
    if not media.audio.dtx:
        while True:
            yield 1 << 60
    for counter in itertools.count():
        mean = media.audio.pause if counter % 2 else media.audio.talk
        draw = float(uniforms(np.uint64(key), counter))
        yield max(round(-mean * math.log(draw)), media.audio.ptime)

"""Publishers: recorded media as SRTP, at its times, over the endpoint's virtual uplink.

A publisher answers requests for a key frame by beginning its picture anew, requests for packets by
sending them again, and an estimate (REMB) by sending the encoding that fits.
"""

import asyncio
import heapq
import itertools
import math
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial

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
from synthetic_clients.crossing import cross_downlink, cross_uplink, send_media
from synthetic_clients.descriptions import Kind, Slot
from synthetic_clients.media import Recording
from synthetic_clients.outlets import Outlet, ntp_of
from synthetic_clients.reports import HEADERS, read_reports
from synthetic_clients.state import State
from synthetic_clients.vp8 import packetize

KEY_FRAME_SPACING = SECOND // 5
"""ns between key frames that are asked for, at least."""
REPORT_INTERVAL = SECOND
"""ns between sender reports."""
SRTP_TAG = 10

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


class Publisher:
    """One endpoint's voice and picture, for every server that takes them.

    A packet crosses the virtual uplink once, and then goes to all of them: what media nodes would
    hand on to one another.
    """

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
            wire, slots, ssrcs: of the first session; see `add`.
            clock, epoch: the run's clock, and the Unix time at which it is 0 (ns).
        """
        self.endpoint, self.name = endpoint, name
        self.recording, self.media, self.state = recording, media, state
        self.outbox, self.clock, self.epoch = outbox, clock, epoch
        self.heard = False
        self.layers: Sequence[str] = ()
        """Encodings that may be sent; none: the camera is off."""
        self.sending: Sequence[str] = ()
        """Those that are sent, the best last."""
        self.estimate: float | None = None
        """The server's, bit/s; None: it has not told any."""
        self.sent = self.key_frames = self.nacked = 0
        self.restart_counts()
        self._next_voice = self._next_frame = self._next_report = 0
        self._sound = 0
        self._frames: dict[str, int] = {}
        """Of the recording, the next of each encoding."""
        self._key_at: dict[str, int] = {}
        self.outlets: list[Outlet] = []
        self._wants_key: set[str] = set()
        """Encodings of which a key frame was asked for."""
        self.add(wire, slots, ssrcs)
        key = stream_key(seed, 0, "live voice")
        self._spurts = _spurts(int(entity_keys(key, [name])[0]), media)
        self._talking, self._turns_at = True, 0

    def add(self, wire: Wire, slots: Sequence[Slot], ssrcs: Sequence[int]) -> Outlet:
        """Send to another server too; ``slots`` and ``ssrcs`` are lines as agreed, and what each
        sends. Its picture begins with a key frame."""
        outlet = Outlet(wire, slots, ssrcs)
        self.outlets.append(outlet)
        self._wants_key.update(self.sending)
        if self.layers:
            self._choose()
        return outlet

    def remove(self, outlet: Outlet) -> None:
        """Send there no longer."""
        if outlet in self.outlets:
            self.outlets.remove(outlet)

    def _takes(self, kind: Kind) -> bool:
        return any(outlet.takes(kind) for outlet in self.outlets)

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
        self.heard = heard and self._takes("audio")

    def show(self, layers: Sequence[str]) -> None:
        """Send one of these encodings, or none, from now on; a new picture begins with a key
        frame."""
        if not self._takes("video") or tuple(layers) == tuple(self.layers):
            return
        if layers and not self.layers:
            self._next_frame = self.clock()
        self.layers = tuple(layers)
        self._choose()

    @property
    def layer(self) -> str | None:
        """The best encoding that is sent; None: the camera is off."""
        return self.sending[-1] if self.sending else None

    def _choose(self) -> None:
        """Choose encodings by the estimate: where servers take several at a time, those that fit
        together, the lowest first; else the highest that fits. One at least; without an estimate
        all, or the highest."""
        room = math.inf if self.estimate is None else self.estimate
        room -= self.media.audio.bitrate if self.heard else 0
        together = any(outlet.encodings for outlet in self.outlets)
        wanted: list[str] = []
        for layer in self.media.video.layers:
            if layer.name in self.layers and (not wanted or layer.bitrate <= room):
                wanted = [*wanted, layer.name] if together else [layer.name]
                room -= layer.bitrate if together else 0
        for name in wanted:
            if name not in self.sending:
                self._frames[name] = 0
        self.sending = wanted

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
            self._send("audio", "", payload, at, at - audio.encode_delay, False)
        while self.sending and self._next_frame < until:
            for name in self.sending:
                self._send_picture(name, self._next_frame)
            self._next_frame += SECOND // video.frame_rate
        if (self.heard or self.layer) and self._next_report < until:
            self._report(until)
            self._next_report = until + REPORT_INTERVAL
        times = [self._next_report]
        times += [self._next_voice] if self.heard else []
        times += [self._next_frame] if self.layer else []
        return min(times)

    def _send_picture(self, name: str, at: int) -> None:
        """Send the next frame of an encoding."""
        frames = self.recording.pictures[name]
        last_key = self._key_at.get(name, -KEY_FRAME_SPACING)
        if name in self._wants_key and at - last_key >= KEY_FRAME_SPACING:
            self._frames[name] = 0
        number = self._frames.get(name, 0)
        if number % len(frames) == 0:
            self._key_at[name] = at
            self._wants_key.discard(name)
            self.key_frames += 1
        self._send_frame(name, frames[number % len(frames)], at)
        self._frames[name] = number + 1

    def _send_frame(self, name: str, frame: bytes, at: int) -> None:
        video = self.media.video
        rate = next(layer.bitrate for layer in video.layers if layer.name == name)
        payloads = list(packetize(frame, video.payload))
        capture = at - video.encode_delay
        for i, payload in enumerate(payloads):
            self._send("video", name, payload, at, capture, i == len(payloads) - 1)
            at += round(len(payload) * 8 * SECOND / (video.pacing * rate))

    def _send(
        self, kind: Kind, encoding: str, payload: bytes, at: int, capture: int, marker: bool
    ) -> None:
        copies = []
        for outlet in self.outlets:
            if kind == "video" and not outlet.encodings and encoding != self.layer:
                continue  # it takes but one
            packet = outlet.packet(kind, encoding, payload, capture, self.epoch, marker)
            if packet is not None:
                copies.append((outlet.wire, packet))
        if copies:
            self._post(copies, at)

    def _post(self, copies: Sequence[tuple[Wire, bytes]], at: int) -> None:
        size = len(copies[0][1]) + HEADERS - 14
        self.sent += 1
        self.packets += 1
        self.bytes += size
        arrival = send_media(self.state, self.endpoint, at, size)
        if arrival >= 0:
            self.delayed += 1
            self.delay_sum += arrival - at
            self.delay_max = max(self.delay_max, arrival - at)
            for wire, packet in copies:
                self.outbox.post(arrival, wire, packet)

    def _report(self, now: int) -> None:
        for outlet, stream in [(o, s) for o in self.outlets for s in o.streams.values()]:
            if stream.packets == 0:
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
                self.outbox.later(delay, outlet.wire.send_rtcp, report)

    # ------------------------------------------------------------ what is asked for

    def hear_rtcp(self, data: bytes, outlet: Outlet | None = None) -> None:
        """Take RTCP from the server of ``outlet``, the first unless said, once it has crossed the
        virtual downlink."""
        outlet = outlet or self.outlets[0]
        now = self.clock()
        arrival = cross_downlink(self.state, self.endpoint, now, len(data) + HEADERS)
        if arrival < 0:
            return
        if arrival <= now:
            self._obey(outlet, data)
        else:
            self.outbox.later((arrival - now) / SECOND, partial(self._obey, outlet), data)

    def _obey(self, outlet: Outlet, data: bytes) -> None:
        for packet in read_reports(data):
            if isinstance(packet, RtcpPsfbPacket):
                if packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
                    encoding = outlet.encoding_of(packet.media_ssrc)
                    self._wants_key.update([encoding] if encoding else self.sending)
                elif packet.fmt == RTCP_PSFB_APP and outlet in self.outlets[:1]:
                    self._hear_estimate(packet.fci)
            elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                self._send_again(outlet, packet.media_ssrc, packet.lost)

    def _hear_estimate(self, fci: bytes) -> None:
        try:
            self.estimate = float(unpack_remb_fci(fci)[0])
        except (ValueError, struct.error):
            return
        if self.layers:
            self._choose()

    def _send_again(self, outlet: Outlet, ssrc: int, sequences: Sequence[int]) -> None:
        for packet in outlet.kept(ssrc, sequences):
            self.nacked += 1
            if packet is not None:
                self.retransmitted += 1
                self._post([(outlet.wire, packet)], self.clock())


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

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from scenarios.media import Media
from synthetic_clients.descriptions import CAPTURE_TIME, MID, Slot
from synthetic_clients.headers import NTP_OFFSET
from synthetic_clients.media import Recording
from synthetic_clients.outlets import ntp_of
from synthetic_clients.publishing import Outbox, Publisher
from synthetic_clients.reports import bandwidth_estimate, nack, picture_loss
from synthetic_clients.vp8 import begins_key_frame, payload_of
from tests.synthetic_clients.rtp import MS, SECOND, receiver

EPOCH = 1_700_000_000 * SECOND
SLOTS = [
    Slot("0", "audio", 111, None, {MID: 1, CAPTURE_TIME: 2}),
    Slot("1", "video", 96, None, {CAPTURE_TIME: 2}),
]


@dataclass
class FakeWire:
    """Sends in the clear, and remembers."""

    sent: list[bytes] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)
    connected: bool = True

    def protect(self, packet: bytes) -> bytes:
        return packet

    def send(self, packet: bytes) -> None:
        self.sent.append(packet)

    def send_rtcp(self, packet: bytes) -> None:
        self.reports.append(packet)

    def of(self, ssrc: int) -> list[bytes]:
        return [packet for packet in self.sent if packet[8:12] == struct.pack("!L", ssrc)]


class Desk:
    """A publisher whose clock the test turns."""

    def __init__(self, media: Media, recording: Recording, loop: Any) -> None:
        self.now = SECOND
        self.wire = FakeWire()
        self.publisher = Publisher(
            0, "site", self.wire, SLOTS, [5, 6], recording, media, receiver(),  # type: ignore[arg-type]
            Outbox(loop, lambda: self.now), lambda: self.now, EPOCH,
        )  # fmt: skip

    async def play(self, until: int) -> None:
        self.publisher.play(until)
        self.now = until
        await asyncio.sleep(0)
        self.publisher.outbox._send()


@pytest.fixture
def play(media: Media, recording: Recording) -> Callable[[Any], None]:
    def run(work: Callable[[Desk], Any]) -> None:
        async def main() -> None:
            desk = Desk(media, recording, asyncio.get_running_loop())
            await work(desk)
            desk.publisher.outbox.close()

        asyncio.run(main())

    return run


def stamps(packets: list[bytes]) -> list[int]:
    return [int.from_bytes(packet[4:8], "big") for packet in packets]


def test_a_voice_is_a_packet_every_ptime_with_its_capture_time(play: Any, media: Media) -> None:
    async def work(desk: Desk) -> None:
        desk.publisher.hear(True)
        await desk.play(2 * SECOND)
        voice = desk.wire.of(5)
        assert len(voice) == 50
        assert {
            b - a & 0xFFFFFFFF for a, b in zip(stamps(voice), stamps(voice)[1:], strict=False)
        } == {960}
        # mid "0", then the time
        assert voice[0][16:18] == b"\x100"
        seconds, fraction = struct.unpack("!LL", voice[0][19:27])
        capture = (seconds - NTP_OFFSET) * SECOND + (fraction * SECOND >> 32)
        assert capture == pytest.approx(EPOCH + SECOND - media.audio.encode_delay, abs=2)
        desk.publisher.hear(False)
        await desk.play(3 * SECOND)
        assert len(desk.wire.of(5)) == 50

    play(work)


def test_all_packets_of_a_frame_have_one_time_stamp_and_the_last_a_marker(play: Any) -> None:
    async def work(desk: Desk) -> None:
        desk.publisher.show(["high"])
        await desk.play(2 * SECOND)
        pictures = desk.wire.of(6)
        assert len(set(stamps(pictures))) == 25
        ends = [bool(packet[1] & 0x80) for packet in pictures]
        changes = [a != b for a, b in zip(stamps(pictures), stamps(pictures)[1:], strict=False)]
        assert ends == [*changes, True]
        assert [begins_key_frame(packet) for packet in pictures].count(True) == 1
        numbers = [int.from_bytes(packet[2:4], "big") for packet in pictures]
        assert [(n - numbers[0]) & 0xFFFF for n in numbers] == list(range(len(numbers)))

    play(work)


def test_a_request_for_a_key_frame_is_answered_once_and_not_too_often(play: Any) -> None:
    async def work(desk: Desk) -> None:
        desk.publisher.show(["low"])
        await desk.play(SECOND + 300 * MS)
        for _ in range(3):
            desk.publisher.hear_rtcp(picture_loss(1, 6))
        await desk.play(SECOND + 600 * MS)
        keys = [begins_key_frame(packet) for packet in desk.wire.of(6)]
        assert keys.count(True) == 2

    play(work)


def test_a_packet_that_is_asked_for_is_sent_again_as_it_was(play: Any) -> None:
    async def work(desk: Desk) -> None:
        desk.publisher.show(["low"])
        await desk.play(2 * SECOND)
        lost = desk.wire.of(6)[3]
        desk.wire.sent.clear()
        desk.publisher.hear_rtcp(nack(1, 6, [int.from_bytes(lost[2:4], "big"), 64_000]))
        desk.publisher.hear_rtcp(nack(1, 999, [int.from_bytes(lost[2:4], "big")]))
        desk.publisher.outbox._send()
        assert desk.wire.sent == [lost]

    play(work)


def test_the_estimate_chooses_among_encodings(play: Any) -> None:
    async def work(desk: Desk) -> None:
        publisher = desk.publisher
        publisher.show(["low", "high"])
        assert publisher.layer == "high"  # the server has told no estimate
        publisher.hear_rtcp(bandwidth_estimate(1, 200_000, [6]))
        assert publisher.layer == "low"
        publisher.hear_rtcp(bandwidth_estimate(1, 400_000, [6]))
        assert publisher.layer == "high"
        await desk.play(SECOND + 100 * MS)
        assert begins_key_frame(desk.wire.of(6)[0])
        publisher.hear_rtcp(bandwidth_estimate(1, 10_000, [6]))
        assert publisher.layer == "low"  # no less than the lowest
        publisher.show([])
        assert publisher.layer is None

    play(work)


def test_encodings_that_fit_together_go_out_together(play: Any) -> None:
    async def work(desk: Desk) -> None:
        publisher = desk.publisher
        publisher.remove(publisher.outlets[0])
        several = replace(SLOTS[1], encodings=("low", "high"))
        outlet = publisher.add(desk.wire, [SLOTS[0], several], [5, 6])  # type: ignore[arg-type]
        high = next(s.ssrc for (_, name), s in outlet.streams.items() if name == "high")
        publisher.show(["low", "high"])
        await desk.play(SECOND + 300 * MS)
        assert begins_key_frame(desk.wire.of(6)[0])
        assert begins_key_frame(desk.wire.of(high)[0])
        publisher.hear_rtcp(picture_loss(1, high), outlet)
        await desk.play(SECOND + 600 * MS)
        keys = [[begins_key_frame(p) for p in desk.wire.of(s)].count(True) for s in (6, high)]
        assert keys == [1, 2]  # of the one that was asked for
        publisher.hear_rtcp(bandwidth_estimate(1, 350_000, [6]), outlet)
        assert publisher.sending == ["low"]
        desk.wire.sent.clear()
        await desk.play(2 * SECOND)
        assert desk.wire.of(6)
        assert not desk.wire.of(high)

    play(work)


def test_sender_reports_lie_on_the_line_of_capture_times(play: Any) -> None:
    async def work(desk: Desk) -> None:
        desk.publisher.hear(True)
        for at in range(SECOND + 50 * MS, 3 * SECOND, 50 * MS):
            await desk.play(at)
        await asyncio.sleep(0.1)
        report = desk.wire.reports[0]
        ntp, stamp = struct.unpack("!QL", report[8:20])
        voice = desk.wire.of(5)[0]
        captured = struct.unpack("!Q", voice[19:27])[0]
        ticks = (stamp - int.from_bytes(voice[4:8], "big")) & 0xFFFFFFFF
        assert ticks / 48_000 == pytest.approx((ntp - captured) / (1 << 32), abs=1e-4)

    play(work)


def test_nothing_is_sent_without_a_peer(play: Any) -> None:
    async def work(desk: Desk) -> None:
        desk.publisher.hear(True)
        desk.wire.connected = False
        await desk.play(2 * SECOND)
        assert desk.wire.sent == []

    play(work)


def test_garbage_asks_for_nothing(play: Any) -> None:
    async def work(desk: Desk) -> None:
        for data in (b"", b"\x81", b"\x8f\xce\x00\x03" + bytes(12), picture_loss(1, 6)[:5]):
            desk.publisher.hear_rtcp(data)
        assert desk.publisher.estimate is None

    play(work)


def test_payloads_are_the_recordings(play: Any, recording: Recording) -> None:
    async def work(desk: Desk) -> None:
        desk.publisher.hear(True)
        await desk.play(SECOND + 100 * MS)
        assert [payload_of(packet) for packet in desk.wire.of(5)] == list(recording.voice[:5])

    play(work)


def test_ntp_counts_from_1900() -> None:
    assert ntp_of(0) == NTP_OFFSET << 32
    assert ntp_of(SECOND // 2) & 0xFFFFFFFF == 1 << 31

"""aiortc's peers publish and watch: another implementation of everything, decoding what it gets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aioice import ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack

from reference_sfu.media import MediaServer
from reference_sfu.server import Settings, serving

WAIT_S = 20.0


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """aioice has no candidates on loopback unless told to."""
    monkeypatch.setattr(ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


@dataclass
class House:
    """A server and what its peers see."""

    server: MediaServer
    url: str
    http: aiohttp.ClientSession
    stack: AsyncExitStack
    frames: dict[str, int] = field(default_factory=dict)
    """Frames decoded, by track."""

    async def _join(self, path: str, connection: RTCPeerConnection) -> None:
        self.stack.push_async_callback(connection.close)
        await connection.setLocalDescription(await connection.createOffer())
        async with self.http.post(
            f"{self.url}/{path}",
            data=connection.localDescription.sdp,
            headers={"Content-Type": "application/sdp"},
        ) as reply:
            text = await reply.text()
            assert reply.status == 201, text
        await connection.setRemoteDescription(RTCSessionDescription(text, "answer"))

    async def publish(self, site: str) -> RTCPeerConnection:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for track in (AudioStreamTrack(), VideoStreamTrack()):
            connection.addTransceiver(track, direction="sendonly")
        await self._join(f"whip/{site}", connection)
        return connection

    async def watch(self, site: str, *kinds: str) -> RTCPeerConnection:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for kind in kinds:
            connection.addTransceiver(kind, direction="recvonly")
        connection.on("track", lambda track: self._decode(site, track))
        await self._join(f"whep/{site}", connection)
        return connection

    def _decode(self, site: str, track: MediaStreamTrack) -> None:
        async def pull() -> None:
            while True:
                await track.recv()
                name = f"{site}: {track.id}"
                self.frames[name] = self.frames.get(name, 0) + 1

        task = asyncio.create_task(pull())

        async def stop() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.stack.push_async_callback(stop)

    async def floor(self, **change: Any) -> None:
        async with self.http.put(f"{self.url}/floor", json=change) as reply:
            assert reply.status == 200

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                await asyncio.sleep(0.05)


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    async with serving(Settings(port=0)) as (server, url), AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield House(server, url, http, stack)


def play(plan: Callable[[House], Awaitable[None]]) -> None:
    async def run() -> None:
        async with house() as made:
            await plan(made)

    asyncio.run(run())


def test_frames_are_decoded_and_reports_go_both_ways() -> None:
    async def plan(made: House) -> None:
        publisher = await made.publish("hanoi")
        await made.floor(programme="hanoi")
        watcher = await made.watch("camau", "audio", "audio", "video", "video")
        wanted = ("camau: programme-audio", "camau: programme-video")
        await made.until(lambda: all(made.frames.get(name, 0) > 60 for name in wanted))
        assert set(made.frames) == set(wanted)
        received = [s for s in (await watcher.getStats()).values() if s.type == "inbound-rtp"]
        assert [each.packetsLost for each in received] == [0, 0]
        remote = [s for s in (await watcher.getStats()).values() if s.type == "remote-outbound-rtp"]
        assert len(remote) == 2
        # The round trip is known from the second report on, that echoes a sender report.
        sent: list[Any] = []
        async with asyncio.timeout(WAIT_S):
            while not (sent and all(each.roundTripTime for each in sent)):
                await asyncio.sleep(0.05)
                stats = (await publisher.getStats()).values()
                sent = [each for each in stats if each.type == "remote-inbound-rtp"]
        assert [each.packetsLost for each in sent] == [0, 0]
        assert all(0 < each.roundTripTime < 5 for each in sent)
        assert made.server.counters.datagrams == {}

    play(plan)


def test_the_programme_changes_and_the_picture_goes_on() -> None:
    async def plan(made: House) -> None:
        for site in ("hanoi", "hue"):
            await made.publish(site)
        await made.floor(programme="hanoi")
        watcher = await made.watch("camau", "audio", "video")
        name = "camau: programme-video"
        for site in ("hue", "hanoi", "hue"):
            before = made.frames.get(name, 0)
            await made.until(lambda before=before: made.frames.get(name, 0) > before + 20)  # type: ignore[misc]
            switches = made.server.room.forwarding.switches
            await made.floor(programme=site)
            await made.until(
                lambda switches=switches: (  # type: ignore[misc]
                    made.server.room.forwarding.switches >= switches + 2
                )
            )
        before = made.frames[name]
        await made.until(lambda: made.frames[name] > before + 20)
        received = [s for s in (await watcher.getStats()).values() if s.type == "inbound-rtp"]
        # One stream each, without a gap, whoever it came from.
        assert len(received) == 2
        assert [each.packetsLost for each in received] == [0, 0]

    play(plan)


def test_closed_connections_end_their_sessions() -> None:
    async def plan(made: House) -> None:
        publisher = await made.publish("hanoi")
        watcher = await made.watch("camau", "audio")
        await made.until(lambda: len(made.server.room.subscriptions) == 1)
        await made.until(lambda: len(made.server.room.publications) == 1)
        await publisher.close()
        await watcher.close()
        await made.until(lambda: not made.server.sessions)
        assert made.server.counters.sessions == {"peer closed": 2}
        assert len(made.server.room.rows) == 0

    play(plan)

"""One endpoint: joins, watches, publishes when it is its turn, and comes back when it is cut
off."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from aiortc import RTCCertificate

from scenarios.media import Media
from scenarios.units import SECOND
from synthetic_clients.batch_loop import BatchLoop
from synthetic_clients.descriptions import Kind
from synthetic_clients.media import Recording
from synthetic_clients.peer import Peer, PeerError
from synthetic_clients.publishing import Outbox, Publisher
from synthetic_clients.receivers import Receivers
from synthetic_clients.receiving import cross_downlink, cross_uplink
from synthetic_clients.recovery import Recovery
from synthetic_clients.signalling import (
    Courier,
    Exchange,
    Floor,
    Session,
    Signalling,
    SignallingError,
    slots_of,
)
from synthetic_clients.stage import SILENT, Part

STUN_SIZE = 128
"""Bytes of a consent check at the IP layer."""

Tell = Callable[..., None]
"""Takes the kind of a message, and its values by name."""


@dataclass(frozen=True)
class Setting:
    """What all endpoints of a process have in common."""

    loop: BatchLoop
    signalling: Signalling
    receivers: Receivers
    outbox: Outbox
    recording: Recording
    media: Media
    certificate: RTCCertificate
    address: str
    """The local IP address."""
    recovery: Recovery
    seed: int
    tell: Tell
    kinds: Sequence[Kind] = ("audio", "video")
    """What a publisher sends."""


class Client:
    """An endpoint."""

    def __init__(
        self, site: str, endpoint: int, watches: Sequence[Kind], setting: Setting, probe: bool
    ) -> None:
        """
        Args:
            endpoint: its index in the process's state.
            watches: kinds of its slots, in the order of its views.
        """
        self.site, self.endpoint, self.watches = site, endpoint, watches
        self.setting, self.probe = setting, probe
        self.floor = Floor()
        self.part: Part = SILENT
        self.watching: tuple[Peer, Session] | None = None
        self.publishing: tuple[Peer, Session] | None = None
        self.publisher: Publisher | None = None
        self.lost_at: int | None = None
        """When the last datagram of a session that is gone came, ns on the run's clock."""
        self._heard_at = 0
        self._datagrams = 0
        self._trip_s: float | None = None
        """The path's own round trip when it was last looked at."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._connecting = False
        self._opening = asyncio.Lock()
        self._draw = random.Random(f"{setting.seed} {site}")  # noqa: S311
        receivers = setting.receivers
        state = receivers.state

        def crossing(link: Callable[[Any, int, int, int], int]) -> Callable[[int], int]:
            def cross(size: int) -> int:
                now = receivers.clock()
                arrival = link(state, endpoint, now, size)
                return arrival - now if arrival >= 0 else arrival

            return cross

        self.courier = Courier(crossing(cross_uplink), crossing(cross_downlink), self._exchanged)

    # ------------------------------------------------------------ joining and watching

    async def join(self) -> None:
        """Join: be sent what everyone is sent. Tells how long it took, or why it did not work."""
        began = self.setting.receivers.clock()
        try:
            await self._connect()
        except (SignallingError, PeerError) as error:
            self._say("joined", seconds=self._since(began), error=str(error))
            return
        self._say("joined", seconds=self._since(began), error=None)
        self._go(self._first_media(began))

    async def _connect(self) -> None:
        """Watch, with as many attempts as the recovery policy has."""
        self._connecting = True
        trouble: SignallingError | PeerError | None = None
        try:
            for wait in self.setting.recovery.waits(self._draw):
                after = trouble.after_s if isinstance(trouble, SignallingError) else None
                await asyncio.sleep(max(wait, after or 0.0))
                try:
                    return await self._watch()
                except (SignallingError, PeerError) as error:
                    trouble = error
                    if isinstance(error, SignallingError) and error.hopeless:
                        raise
        finally:
            self._connecting = False
        assert trouble is not None
        raise trouble

    async def _watch(self) -> None:
        setting = self.setting
        peer = Peer(
            self.site, setting.address, setting.certificate, watches=self.watches,
            consent_s=setting.recovery.consent_s,
        )  # fmt: skip
        try:
            session = await setting.signalling.watch(peer, self.site, self.floor, self.courier)
        except BaseException:
            await peer.close()
            raise
        assert peer.wire is not None
        receivers = setting.receivers
        receivers.attach(self.endpoint, self.site, peer.wire, peer.slots, probe=self.probe)
        peer.listen(lambda data: receivers.hear(self.endpoint, data), self._lose)
        self.watching = (peer, session)
        self._heard_at, self._datagrams = receivers.clock(), 0
        self._want()

    async def _first_media(self, began: int) -> None:
        """Tell when the first picture was shown, or the first sound came where there is none."""
        shown = self._views(self.setting.receivers.state.shown)
        while (shown < 0).all():
            await asyncio.sleep(0.05)
        first = int(shown[shown >= 0].min())
        self._say("first media", seconds=max(first - began, 0) / SECOND)

    def _views(self, array: Any) -> Any:
        place = self.setting.receivers.state.endpoints[self.endpoint]
        return array[place["first_view"] : place["first_view"] + place["views"]]

    # ------------------------------------------------------------ the meeting

    async def follow(self, floor: Floor, part: Part) -> None:
        """See whom ``floor`` shows from now on, and publish ``part``."""
        moved, self.floor = floor != self.floor, floor
        if moved:
            self._want()
            if self.watching is not None:
                try:
                    await self.watching[1].show(floor)
                except SignallingError as error:
                    self._say("trouble", detail=str(error))
        self.part = part
        if part != SILENT:
            await self.open_publisher()
        self._play_part()

    def _want(self) -> None:
        """A picture is wanted where somebody else is to be seen."""
        shown = slots_of(self.floor, self.watches, self.site)
        first = int(self.setting.receivers.state.endpoints[self.endpoint]["first_view"])
        for slot, (kind, site) in enumerate(zip(self.watches, shown, strict=True)):
            if kind == "video":
                self.setting.receivers.want(first + slot, site is not None)

    async def open_publisher(self) -> None:
        """Have a session to publish with, if it can be had."""
        async with self._opening:
            if self.publishing is not None:
                return
            setting = self.setting
            peer = Peer(
                self.site, setting.address, setting.certificate, publishes=setting.kinds,
                consent_s=setting.recovery.consent_s,
            )  # fmt: skip
            try:
                session = await setting.signalling.publish(peer, self.site, self.courier)
            except (SignallingError, PeerError) as error:
                await peer.close()
                self._say("trouble", detail=f"publish: {error}")
                return
            except BaseException:
                await peer.close()
                raise
            assert peer.wire is not None
            receivers = setting.receivers
            self.publisher = Publisher(
                self.endpoint, self.site, peer.wire, peer.slots, peer.ssrcs, setting.recording,
                setting.media, receivers.state, setting.outbox, receivers.clock,
                receivers.epoch, setting.seed,
            )  # fmt: skip
            peer.listen(self.publisher.hear_rtcp, self._lose_publisher)
            self.publishing = (peer, session)
        self._play_part()

    def _play_part(self) -> None:
        if self.publisher is not None:
            self.publisher.hear(self.part.heard)
            self.publisher.show(self.part.layers)

    # ------------------------------------------------------------ being cut off

    def look_after(self, now: int) -> None:
        """Notice silence, and round trips; to be called every second or so (``now`` in ns)."""
        if self.watching is None:
            return
        wire = self.watching[0].wire
        if wire is None or not wire.connected:
            return
        receivers = self.setting.receivers
        datagrams = int(receivers.loop.reader.sockets[wire.index]["datagrams"])
        if datagrams != self._datagrams:
            self._datagrams, self._heard_at = datagrams, now
        elif now - self._heard_at > self.setting.recovery.silence_s * SECOND:
            self._lose()
            return
        if wire.round_trip_s is not None and wire.round_trip_s != self._trip_s:
            self._trip_s = wire.round_trip_s
            there = cross_uplink(receivers.state, self.endpoint, now, STUN_SIZE)
            back = cross_downlink(receivers.state, self.endpoint, now, STUN_SIZE)
            if there >= 0 and back >= 0:
                trip = round(wire.round_trip_s * SECOND) + there + back - 2 * now
                receivers.state.endpoints[self.endpoint]["round_trip"] = trip

    def _lose(self) -> None:
        if self.watching is None or self._connecting:
            return
        self.lost_at = self._heard_at
        watching, self.watching = self.watching, None
        self.setting.receivers.detach(self.endpoint)
        self._say("lost")
        self._go(self._come_back(watching))

    def _lose_publisher(self) -> None:
        if self.publishing is not None:
            publishing, self.publishing, self.publisher = self.publishing, None, None
            self._go(self._end(publishing))
            if self.part != SILENT:
                self._go(self._publish_again())

    async def _publish_again(self) -> None:
        for wait in self.setting.recovery.waits(self._draw):
            await asyncio.sleep(wait)
            await self.open_publisher()
            if self.publishing is not None:
                return

    async def _come_back(self, gone: tuple[Peer, Session]) -> None:
        await self._end(gone)
        if self.publishing is not None:  # one server: what is published there is gone as well
            self._lose_publisher()
        self._views(self.setting.receivers.state.shown)[:] = -1
        try:
            await self._connect()
        except (SignallingError, PeerError) as error:
            self._say("gave up", detail=str(error))
            return
        shown = self._views(self.setting.receivers.state.shown)
        while (shown < 0).all():
            await asyncio.sleep(0.05)
        assert self.lost_at is not None
        first = int(shown[shown >= 0].min())
        self._say("recovered", seconds=max(first - self.lost_at, 0) / SECOND)

    # ------------------------------------------------------------ the end

    async def leave(self) -> None:
        """End all sessions."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.setting.receivers.detach(self.endpoint)
        each = [self.watching, self.publishing]
        self.watching = self.publishing = self.publisher = None
        for session in each:
            if session is not None:
                await self._end(session)

    async def _end(self, each: tuple[Peer, Session]) -> None:
        peer, session = each
        await session.end()
        await peer.close()

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _since(self, began: int) -> float:
        return (self.setting.receivers.clock() - began) / SECOND

    def _exchanged(self, exchange: Exchange) -> None:
        self._say(
            "exchange", name=exchange.name, seconds=exchange.seconds, size=exchange.size,
            error=exchange.error,
        )  # fmt: skip

    def _say(self, kind: str, **values: Any) -> None:
        now = self.setting.receivers.clock()
        self.setting.tell(kind, site=self.site, at=now / SECOND, **values)

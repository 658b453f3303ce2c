"""One endpoint: joins, watches, publishes when it is its turn, and comes back when it is cut
off."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from aiortc import RTCCertificate

from scenarios.media import Media
from scenarios.recovery import Recovery
from scenarios.units import SECOND
from simulations.placing import Placing
from synthetic_clients.attempts import Choice, check_s, waits
from synthetic_clients.batch_loop import BatchLoop
from synthetic_clients.broadcasting import Broadcast, end
from synthetic_clients.crossing import cross_downlink, cross_uplink
from synthetic_clients.descriptions import Kind
from synthetic_clients.media import Recording
from synthetic_clients.peer import Peer, PeerError
from synthetic_clients.presence import Presence
from synthetic_clients.publishing import Outbox, Publisher
from synthetic_clients.receivers import Receivers
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
BOOT_S = 30.0
"""Until a client is up again once there is power, times U(0.5, 1.5); the simulation's."""
LOOK_S = 0.05

Tell = Callable[..., None]
"""Takes the kind of a message, and its values by name."""


@dataclass(frozen=True)
class Setting:
    """What all endpoints of a process have in common."""

    loop: BatchLoop
    signalling: Sequence[Signalling]
    """By server."""
    placing: Placing
    """What is known of the servers."""
    silent: set[int]
    """Servers that did not answer their last health check."""
    receivers: Receivers
    presence: Presence
    outbox: Outbox
    recording: Recording
    media: Media
    certificate: RTCCertificate
    address: str
    """The local IP address."""
    recovery: Recovery
    seed: int
    tell: Tell
    kinds: Sequence[Kind]
    """What a publisher sends."""
    draw: random.Random


class Client:
    """An endpoint."""

    def __init__(
        self,
        site: str,
        endpoint: int,
        watches: Sequence[Kind],
        setting: Setting,
        probe: bool,
        choice: Choice,
    ) -> None:
        """
        Args:
            endpoint: its index in the process's state.
            watches: kinds of its slots, in the order of its views.
            choice: of the server.
        """
        self.site, self.endpoint, self.watches = site, endpoint, watches
        self.setting, self.probe, self.choice = setting, probe, choice
        self.floor = Floor()
        self.watching: tuple[Peer, Session] | None = None
        self.place = 0
        """The server at which it watches, or means to."""
        self.state = "away"
        """What it is doing, in words."""
        self.detected: int | None = None
        """When it noticed that it was cut off, ns on the run's clock."""
        self._heard_at = 0
        self._patience = 0
        """Silence after which it takes itself for cut off, ns."""
        self._datagrams = 0
        self._trip_s: float | None = None
        """The path's own round trip when it was last looked at."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._returning: asyncio.Task[None] | None = None
        self._powered = True
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
        self.broadcast = Broadcast(
            site, endpoint, setting, self.courier, self._go,
            lambda detail: self._say("trouble", detail=detail),
        )  # fmt: skip

    @property
    def publisher(self) -> Publisher | None:
        """What it publishes with."""
        return self.broadcast.publisher

    @property
    def part(self) -> Part:
        """What it publishes."""
        return self.broadcast.part

    # ------------------------------------------------------------ joining and watching

    async def join(self) -> None:
        """Join: be sent what everyone is sent. Tells how long it took, or why it did not work."""
        began = self.setting.receivers.clock()
        try:
            await self._connect("join")
        except (SignallingError, PeerError) as error:
            self._say("joined", seconds=self._since(began), error=str(error))
            return
        self._say("joined", seconds=self._since(began), error=None)
        first = await self._first_media()
        self._say("first media", seconds=max(first - began, 0) / SECOND, first=first / SECOND)

    async def _connect(self, kind: str) -> None:
        """Watch, with as many attempts as the recovery policy has."""
        trouble: SignallingError | PeerError | None = None
        self._views(self.setting.receivers.state.shown)[:] = -1
        policy = waits(self.setting.recovery, self._draw, joins=kind == "join")
        for number, wait in enumerate(policy, 1):
            after = trouble.after_s if isinstance(trouble, SignallingError) else None
            self.state = "backing off"
            await asyncio.sleep(max(wait, after or 0.0))
            self.state = "connecting"
            self.place = self.choice.choose()
            began = self.setting.receivers.clock()
            try:
                await self._watch()
            except (SignallingError, PeerError) as error:
                trouble = error
                self._attempted(kind, number, began, str(error))
                self.choice.avoid(self.place)
                if isinstance(error, SignallingError) and error.hopeless:
                    raise
            else:
                self.choice.forget()
                self._attempted(kind, number, began, "connected")
                return
        assert trouble is not None
        raise trouble

    def _attempted(self, kind: str, number: int, began: int, outcome: str) -> None:
        self._say(
            "attempt", attempt=kind, number=number, began=began / SECOND, outcome=outcome,
            seconds=self._since(began), place=self.place,
        )  # fmt: skip

    async def _watch(self) -> None:
        setting = self.setting
        peer = Peer(
            self.site, setting.address, setting.certificate, watches=self.watches,
            check_s=check_s(setting.recovery),
        )  # fmt: skip
        signalling = setting.signalling[self.place]
        try:
            session = await signalling.watch(peer, self.site, self.floor, self.courier)
        except BaseException:
            await peer.close()
            raise
        assert peer.wire is not None
        receivers = setting.receivers
        receivers.attach(self.endpoint, self.site, peer.wire, peer.slots, probe=self.probe)
        peer.listen(lambda data: receivers.hear(self.endpoint, data), self._lose)
        self.watching = (peer, session)
        self.state = "connected"
        self._heard_at, self._datagrams = receivers.clock(), 0
        # The check that is missed first came at some time since the one before.
        ago = round(setting.recovery.check * self._draw.random())
        self._patience = max(setting.recovery.detection - ago, 0)
        setting.placing.charges[self.place] += 1
        setting.presence.come(self.endpoint, receivers.clock())
        self._want()

    async def _first_media(self) -> int:
        """When the first picture was shown, or the first sound came where there is none (ns)."""
        shown = self._views(self.setting.receivers.state.shown)
        while (shown < 0).all():
            await asyncio.sleep(LOOK_S)
        return int(shown[shown >= 0].min())

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
        await self.broadcast.follow(part)

    def _want(self) -> None:
        """A picture is wanted where somebody else is to be seen."""
        shown = slots_of(self.floor, self.watches, self.site)
        self.setting.presence.due[self.endpoint] = any(site is not None for site in shown)
        first = int(self.setting.receivers.state.endpoints[self.endpoint]["first_view"])
        for slot, (kind, site) in enumerate(zip(self.watches, shown, strict=True)):
            if kind == "video":
                self.setting.receivers.want(first + slot, site is not None)

    # ------------------------------------------------------------ being cut off

    def look_after(self, now: int) -> None:
        """Notice silence, and round trips; to be called every second or so (``now`` in ns)."""
        if self.watching is None:
            return
        wire = self.watching[0].wire
        if wire is None or not wire.connected:
            return
        if self._hears():
            last = int(self.setting.receivers.state.endpoints[self.endpoint]["last_media"])
            # What is not media came at some time since the last look.
            self._heard_at = min(last, now) if last > self._heard_at else now
        elif now - self._heard_at > self._patience:
            self._lose()
            return
        if wire.round_trip_s is not None and wire.round_trip_s != self._trip_s:
            self._trip_s = wire.round_trip_s
            receivers = self.setting.receivers
            there = cross_uplink(receivers.state, self.endpoint, now, STUN_SIZE)
            back = cross_downlink(receivers.state, self.endpoint, now, STUN_SIZE)
            if there >= 0 and back >= 0:
                trip = round(wire.round_trip_s * SECOND) + there + back - 2 * now
                receivers.state.endpoints[self.endpoint]["round_trip"] = trip

    def _hears(self) -> bool:
        """Whether anything has come since the last look: nothing passes a link that is cut."""
        assert self.watching is not None
        wire, receivers = self.watching[0].wire, self.setting.receivers
        if wire is None:
            return False
        datagrams = int(receivers.loop.reader.sockets[wire.index]["datagrams"])
        news, self._datagrams = datagrams != self._datagrams, datagrams
        return news and not receivers.state.downlinks[self.endpoint]["down"]

    def _lose(self) -> None:
        """It knows that it is cut off."""
        if self.watching is None or self.state != "connected":
            return
        self.detected = self.setting.receivers.clock()
        self.state = "restarting ICE"
        self._say("lost")
        self._stop_returning()
        self._returning = self._go(self._come_back(self._heard_at))

    def _stop_returning(self) -> None:
        if self._returning is not None:
            self._returning.cancel()

    def move(self) -> None:
        """The signalling server tells it to leave its server, which has failed."""
        if self.watching is not None and self.state in ("connected", "restarting ICE"):
            self._stop_returning()
            self.detected = self.detected or self.setting.receivers.clock()
            self.state = "moving"
            self._returning = self._go(self._come_back(self._heard_at, told=True))

    async def _come_back(self, heard_at: int, told: bool = False) -> None:
        recovery = self.setting.recovery
        if not recovery.reconnects:
            await self._leave_server()
            self.state = "gone"
            self._say("gave up", detail="its policy is that nobody comes back")
            return
        for number in range(1, 1 if told else recovery.restarts + 1):
            if await self._restart(number):
                self.state = "connected"
                self._say("recovered", seconds=self._since(heard_at))
                return
        left = self.place
        await self._leave_server()
        self.choice.avoid(left)
        await self._connect_anew(heard_at)

    async def _connect_anew(self, heard_at: int) -> None:
        try:
            await self._connect("reconnect")
        except (SignallingError, PeerError) as error:
            self.state = "gone"
            self._say("gave up", detail=str(error))
            return
        first = await self._first_media()
        self._say("recovered", seconds=max(first - heard_at, 0) / SECOND, first=first / SECOND)

    async def _restart(self, number: int) -> bool:
        """Check the path that there is once more; whether anything comes over it."""
        began = self.setting.receivers.clock()
        until = began + self.setting.recovery.timeout
        found = False
        while not found and self.watching is not None and self.setting.receivers.clock() < until:
            wire = self.watching[0].wire
            if wire is None or not wire.connected:
                break
            found = self._hears()
            await asyncio.sleep(LOOK_S)
        self._heard_at = self.setting.receivers.clock()
        self._attempted(
            "restart", number, began, "connected" if found else "no answer from the media node"
        )
        return found

    async def _leave_server(self) -> None:
        watching, self.watching = self.watching, None
        if watching is None:
            return
        self.setting.receivers.detach(self.endpoint)
        self.setting.presence.go(self.endpoint, self.setting.receivers.clock())
        self.setting.placing.charges[self.place] -= 1
        await end(watching)

    def lose_power(self) -> None:
        """Its power goes."""
        self._powered = False
        for task in self._tasks:
            task.cancel()
        self.state = "no power"
        self._go(self._leave_server())
        self._go(self.broadcast.close())

    def get_power(self) -> None:
        """Its power comes back."""
        self._powered = True
        self._go(self._boot())

    async def _boot(self) -> None:
        heard_at = self._heard_at
        await asyncio.sleep(BOOT_S * (0.5 + self._draw.random()))
        await self.broadcast.follow(self.part)
        await self._connect_anew(heard_at)

    # ------------------------------------------------------------ the end

    async def leave(self) -> None:
        """End all sessions."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.broadcast.part = SILENT
        await self.broadcast.close()
        await self._leave_server()

    def _go(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

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

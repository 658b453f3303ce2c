"""Broadcasting: an endpoint's sessions to publish with, one at every server."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from synthetic_clients.attempts import check_s, waits
from synthetic_clients.descriptions import can_be_encodings
from synthetic_clients.outlets import Outlet
from synthetic_clients.peer import Peer, PeerError
from synthetic_clients.publishing import Publisher
from synthetic_clients.signalling import Courier, Session, SignallingError
from synthetic_clients.stage import SILENT, Part

if TYPE_CHECKING:
    from synthetic_clients.client import Setting

Go = Callable[[Coroutine[Any, Any, None]], object]
"""Runs a coroutine beside all others."""


class Broadcast:
    """What an endpoint publishes.

    Media nodes that a scenario joins by a cascade are servers of their own here, which know nothing
    of each other: so it publishes to each of them.
    """

    def __init__(
        self,
        site: str,
        endpoint: int,
        setting: "Setting",
        courier: Courier,
        go: Go,
        trouble: Callable[[str], None],
    ) -> None:
        """
        Args:
            endpoint: its index in the process's state.
            trouble: takes what went wrong.
        """
        self.site, self.endpoint, self.setting = site, endpoint, setting
        self.publisher: Publisher | None = None
        self.part: Part = SILENT
        self._courier, self._go, self._trouble = courier, go, trouble
        self._sessions: dict[int, tuple[Peer, Session, Outlet]] = {}
        self._locks = [asyncio.Lock() for _ in setting.signalling]
        self._trying: set[int] = set()
        self._heard: dict[int, tuple[int, int]] = {}
        """Datagrams of each session, and when the last of them was seen (ns)."""

    async def follow(self, part: Part) -> None:
        """Publish ``part`` from now on."""
        self.part = part
        if part != SILENT:
            await self.open()
        self._play()

    async def open(self) -> None:
        """Have a session at every server that grants one; those that are silent are left alone."""
        places = set(range(len(self.setting.signalling))) - self.setting.silent
        await asyncio.gather(*(self._open_at(place) for place in places))

    async def _open_at(self, place: int) -> bool:
        async with self._locks[place]:
            if place in self._sessions:
                return True
            setting = self.setting
            names = [layer.name for layer in setting.media.video.layers]
            several = setting.signalling[place].simulcast and can_be_encodings(names)
            peer = Peer(
                self.site, setting.address, setting.certificate, publishes=setting.kinds,
                check_s=check_s(setting.recovery),
                encodings=names if several else (),
            )  # fmt: skip
            try:
                session = await setting.signalling[place].publish(peer, self.site, self._courier)
            except (SignallingError, PeerError) as error:
                await peer.close()
                self._trouble(f"publish: {error}")
                return False
            except BaseException:
                await peer.close()
                raise
            outlet = self._let_out(peer)
            self._sessions[place] = (peer, session, outlet)
            self._heard[place] = (0, setting.receivers.clock())
            assert self.publisher is not None
            hear = partial(self.publisher.hear_rtcp, outlet=outlet)
            peer.listen(hear, partial(self.lose, place))
        self._play()
        return True

    def _let_out(self, peer: Peer) -> Outlet:
        """Let media out over ``peer`` as well."""
        assert peer.wire is not None
        if self.publisher is not None:
            return self.publisher.add(peer.wire, peer.slots, peer.ssrcs)
        setting, receivers = self.setting, self.setting.receivers
        self.publisher = Publisher(
            self.endpoint, self.site, peer.wire, peer.slots, peer.ssrcs, setting.recording,
            setting.media, receivers.state, setting.outbox, receivers.clock, receivers.epoch,
            setting.seed,
        )  # fmt: skip
        return self.publisher.outlets[0]

    def _play(self) -> None:
        if self.publisher is not None:
            self.publisher.hear(self.part.heard)
            self.publisher.show(self.part.layers)

    def look_after(self, now: int) -> None:
        """Notice servers that are silent (``now`` in ns)."""
        sockets = self.setting.receivers.loop.reader.sockets
        for place, (peer, _, _) in list(self._sessions.items()):
            if peer.wire is None or not peer.wire.connected:
                continue
            datagrams = int(sockets[peer.wire.index]["datagrams"])
            seen, at = self._heard[place]
            if datagrams != seen:
                self._heard[place] = (datagrams, now)
            elif now - at > self.setting.recovery.detection:
                self.lose(place)

    def lose(self, place: int) -> None:
        """The session at the server ``place`` is gone."""
        if gone := self._sessions.pop(place, None):
            peer, session, outlet = gone
            if self.publisher is not None:
                self.publisher.remove(outlet)
            self._go(end((peer, session)))
        if self.part != SILENT and place not in self._trying:
            self._trying.add(place)
            self._go(self._open_again(place))

    async def _open_again(self, place: int) -> None:
        try:
            for wait in waits(self.setting.recovery, self.setting.draw, joins=False):
                await asyncio.sleep(wait)
                if place in self.setting.silent:
                    continue
                if self.part == SILENT or await self._open_at(place):
                    return
        finally:
            self._trying.discard(place)

    async def close(self) -> None:
        """End all sessions."""
        each, self._sessions, self.publisher = list(self._sessions.values()), {}, None
        await asyncio.gather(*(end((peer, session)) for peer, session, _ in each))


async def end(each: tuple[Peer, Session]) -> None:
    """Take leave of a server."""
    peer, session = each
    await session.end()
    await peer.close()

"""Signalling: how a session with a media server is begun, directed and ended.

An adapter speaks one server's language. It is given a `Peer`, which offers or answers, and gives
back a `Session`. See docs/guides/signalling-adapters.md for how to add one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from synthetic_clients.peer import Peer

ANSWER_S = 15.0
"""Seconds that a server has to answer a request."""


class SignallingError(Exception):
    """A request that the server did not grant; the message says which, and why."""

    def __init__(
        self, message: str, *, hopeless: bool = False, after_s: float | None = None
    ) -> None:
        """
        Args:
            hopeless: no use in trying again.
            after_s: seconds after which the server says to try again.
        """
        super().__init__(message)
        self.hopeless, self.after_s = hopeless, after_s


class TargetError(Exception):
    """A target that no adapter can reach; the message says why."""


@dataclass(frozen=True)
class Floor:
    """Who is to be seen and heard, by site; None: nobody."""

    programme: str | None = None
    called: str | None = None
    tiles: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as it really took place."""

    name: str
    seconds: float
    size: int
    """Bytes of the answer."""
    error: str | None = None


class Courier:
    """Carries signalling messages over an endpoint's virtual link: waits until each has crossed."""

    def __init__(
        self,
        up: Callable[[int], int],
        down: Callable[[int], int],
        tell: Callable[[Exchange], None],
    ) -> None:
        """
        Args:
            up, down: ns that a message of so many bytes, sent now, takes; < 0: it is lost.
            tell: takes every exchange.
        """
        self._up, self._down, self.tell = up, down, tell

    async def there(self, size: int) -> None:
        """Let a request cross the uplink."""
        await self._cross(self._up, size)

    async def back(self, size: int) -> None:
        """Let an answer cross the downlink."""
        await self._cross(self._down, size)

    async def _cross(self, link: Callable[[int], int], size: int) -> None:
        wait = 0.2  # TCP's least retransmission time-out, as in the simulation
        for _ in range(6):
            if (delay := link(size)) >= 0:
                await asyncio.sleep(delay / 1e9)
                return
            await asyncio.sleep(wait)
            wait *= 2
        raise SignallingError("the message was lost on the endpoint's link")


class Session(Protocol):
    """A session that has begun."""

    async def show(self, floor: Floor) -> None:
        """Let this session's slots follow ``floor``, where that is each subscriber's own affair."""

    async def end(self) -> None:
        """Take leave; never raises."""


class Signalling(Protocol):
    """An adapter, for all endpoints of a process."""

    simulcast: bool
    """Whether publishers offer several encodings of a picture (RFC 8853)."""

    async def publish(self, peer: Peer, site: str, courier: Courier) -> Session:
        """Let ``peer`` send its media.

        Raises:
            SignallingError, PeerError: it did not come about.
        """

    async def watch(self, peer: Peer, site: str, floor: Floor, courier: Courier) -> Session:
        """Let ``peer`` receive what ``floor`` says."""

    async def direct(self, floor: Floor) -> None:
        """Let everyone's slots follow ``floor``, where the server directs."""

    async def close(self) -> None:
        """Close connections."""


Opener = Callable[[str, str | None], Signalling]
"""Makes an adapter for a target's URL and a token."""


def _openers() -> dict[str, Opener]:
    from synthetic_clients.janus import JanusVideoRoom  # noqa: PLC0415
    from synthetic_clients.whip import ReferenceSfu, WhipWhep  # noqa: PLC0415

    return {
        "whip+http": WhipWhep,
        "whip+https": WhipWhep,
        "sfu+http": ReferenceSfu,
        "sfu+https": ReferenceSfu,
        "janus+ws": JanusVideoRoom,
        "janus+wss": JanusVideoRoom,
        "janus+http": JanusVideoRoom,
        "janus+https": JanusVideoRoom,
    }


SCHEMES = (
    "whip+http", "whip+https", "sfu+http", "sfu+https", "janus+ws", "janus+wss", "janus+http",
    "janus+https",
)  # fmt: skip
"""Of targets' URLs."""
EMBEDDED = "embedded"
"""The target that is started for the run: the reference SFU."""


def check_target(target: str) -> None:
    """Make sure that ``target`` is one that an adapter speaks.

    Raises:
        TargetError: it is none.
    """
    if target == EMBEDDED:
        return
    known = f"{EMBEDDED}, {', '.join(f'{scheme}://…' for scheme in SCHEMES)}"
    parts = urlsplit(target)
    if parts.scheme not in SCHEMES:
        raise TargetError(f"{target!r} — must be one of {known}")
    try:
        port = parts.port
    except ValueError:
        raise TargetError(f"{target!r} — its port must be a number up to 65535") from None
    if not parts.hostname or port == 0:
        raise TargetError(f"{target!r} — must name a host, as in {parts.scheme}://127.0.0.1:8787")


def open_signalling(target: str, token: str | None) -> Signalling:
    """The adapter for ``target``, a URL that `check_target` lets pass."""
    return _openers()[urlsplit(target).scheme](target, token)


async def within(seconds: float, what: str, doing: Awaitable[object]) -> object:
    """What ``doing`` gives.

    Raises:
        SignallingError: it took longer.
    """
    try:
        async with asyncio.timeout(seconds):
            return await doing
    except TimeoutError:
        raise SignallingError(f"{what}: no answer within {seconds:.0f} s") from None


def slots_of(floor: Floor, kinds: Sequence[str], me: str) -> list[str | None]:
    """The site that each of a session's slots shows, by the slots' kinds in their order: audio
    follows the programme, then the called; video these two, then the wall's tiles. Nobody sees
    themselves."""
    audio = [floor.programme, floor.called]
    video = [floor.programme, floor.called, *floor.tiles]
    shown: list[str | None] = []
    for kind in kinds:
        line = audio if kind == "audio" else video
        site = line.pop(0) if line else None
        shown.append(site if site != me else None)
    return shown

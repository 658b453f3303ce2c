"""One session with a media server: offer or answer, connect, and be told what comes in."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiortc import RTCCertificate

from synthetic_clients.aiortc_parts import CONSENT_INTERVAL_S, Wire, WireError
from synthetic_clients.descriptions import (
    DescriptionError,
    Kind,
    Line,
    Local,
    Remote,
    Slot,
    read_description,
    write_answer,
    write_offer,
)

CONNECT_S = 20.0
"""Seconds that ICE and DTLS may take together."""


class PeerError(Exception):
    """A session that did not come about; the message says at which step, and why."""


@dataclass
class Peer:
    """One end of a session."""

    name: str
    address: str
    """The local IP address."""
    certificate: RTCCertificate
    publishes: Sequence[Kind] = ()
    """Kinds of media that are sent, a line each."""
    encodings: Sequence[str] = ()
    """Of the picture that is sent, where there are several at a time."""
    watches: Sequence[Kind] = ()
    """Kinds of media that are received, a line each: fixed slots."""
    check_s: float = CONSENT_INTERVAL_S
    """Between ICE's consent checks, on the mean."""
    slots: Sequence[Slot] = ()
    """Lines as agreed."""
    ssrcs: Sequence[int] = field(init=False)
    """Of what is published, by line."""
    wire: Wire | None = None

    def __post_init__(self) -> None:
        self.ssrcs = [secrets.randbits(31) | 1 for _ in self.publishes]

    async def offer(self) -> str:
        """Our offer."""
        local = await self._open(controlling=True)
        lines = [
            Line(kind, "sendonly", ssrc, self.encodings if kind == "video" else ())
            for kind, ssrc in zip(self.publishes, self.ssrcs, strict=True)
        ]
        lines += [Line(kind, "recvonly") for kind in self.watches]
        return write_offer(local, lines, self.name)

    async def accept(self, answer: str) -> None:
        """Connect by the peer's answer to our offer.

        Raises:
            PeerError: it is of no use, or the connection failed.
        """
        remote = _read(answer)
        role = "server" if remote.dtls.role == "client" else "client"
        await self._connect(remote, role)

    async def answer(self, offer: str) -> str:
        """Our answer to the peer's offer; connecting goes on in `connected`.

        Raises:
            PeerError: the offer is of no use.
        """
        remote = _read(offer)
        local = await self._open(controlling=remote.ice.iceLite)
        self._remote = remote
        return write_answer(local, remote)

    async def connected(self) -> None:
        """Connect after our answer has been sent.

        Raises:
            PeerError: the connection failed.
        """
        await self._connect(self._remote, "client")

    def listen(self, on_rtcp: Callable[[bytes], None], on_lost: Callable[[], None]) -> None:
        """See `Wire.listen`."""
        if self.wire is not None:
            self.wire.listen(on_rtcp, on_lost)

    async def close(self) -> None:
        """End it."""
        if self.wire is not None:
            await self.wire.close()

    async def _open(self, controlling: bool) -> Local:
        wire = Wire(
            self.address, self.certificate, controlling=controlling, interval_s=self.check_s
        )
        self.wire = wire
        await wire.gather()
        if not wire.candidates:
            raise PeerError(f"{self.name}: no socket could be opened on {self.address}")
        return Local(wire.ice, wire.candidates, wire.fingerprints)

    async def _connect(self, remote: Remote, role: str) -> None:
        assert self.wire is not None
        self.slots = remote.slots
        try:
            async with asyncio.timeout(CONNECT_S):
                await self.wire.connect(remote.ice, remote.candidates, remote.dtls, role)
        except WireError as error:
            raise PeerError(f"{self.name}: {error}") from None
        except TimeoutError:
            raise PeerError(f"{self.name}: no connection within {CONNECT_S:.0f} s") from None


def _read(text: str) -> Remote:
    try:
        return read_description(text)
    except DescriptionError as error:
        raise PeerError(str(error)) from None

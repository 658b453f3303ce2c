"""An asyncio event loop whose UDP sockets are read in batches.

aioice and aiortc run on it unchanged: STUN and DTLS go to their protocols one by one, and RTCP
where nobody asked for it. RTP goes to the loop's `media` function, a batch at a time.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from synthetic_clients.sockets import DTLS, RTCP, RTP, STUN, Reader, kernel_drops

PAUSE_S = 0.002
"""Least time between two batches. Packets carry the kernel's time stamps: waiting costs no
accuracy, and makes batches larger where there is much to read."""
RECEIVE_BUFFER = 1 << 20
SEND_BUFFER = 1 << 20

Media = Callable[[Reader, int], None]
"""Takes the reader and the number of rows read, some of which are RTP."""
Address = tuple[str, int]
T = TypeVar("T")


def _ignore(reader: Reader, rows: int) -> None:
    pass


class BatchTransport(asyncio.DatagramTransport):
    """A UDP socket that the loop's reader reads."""

    def __init__(
        self, loop: "BatchLoop", sock: socket.socket, protocol: asyncio.DatagramProtocol
    ) -> None:
        super().__init__({"socket": sock, "sockname": sock.getsockname()})
        self._loop = loop
        self._sock = sock
        self._closing = False
        self.protocol = protocol
        self.index = loop.reader.add(sock, time.time_ns())
        self.on_rtcp: Callable[[bytes], None] | None = None
        """Takes RTCP as it comes, instead of the protocol: aiortc wakes two tasks for each."""
        self.unsent = 0
        """Datagrams that the socket would not take."""

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send at once; what the socket has no room for is lost, as on a network."""
        if self._closing:
            return
        try:
            self._sock.sendto(data, addr)
        except (BlockingIOError, InterruptedError):
            self.unsent += 1
        except OSError as error:
            self.unsent += 1
            self.protocol.error_received(error)

    def drops(self) -> int:
        """Datagrams lost since the socket was opened: dropped by the kernel, or not taken by it."""
        return (0 if self._closing else kernel_drops(self._sock)) + self.unsent

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._closing

    def close(self) -> None:
        """Read no more, and close the socket."""
        if not self._closing:
            self._closing = True
            self._loop.forget(self)
            self._loop.call_soon(self._finish)

    def abort(self) -> None:
        """As `close`: nothing is ever waiting to be sent."""
        self.close()

    def _finish(self) -> None:
        try:
            self.protocol.connection_lost(None)
        finally:
            self._sock.close()


class BatchLoop(asyncio.SelectorEventLoop):
    """The event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.reader = Reader()
        self.media: Media = _ignore
        self.transports: dict[int, BatchTransport] = {}
        self.listeners: set[int] = set()
        """Indices of transports whose protocols are given RTP as well."""
        self.undelivered = 0
        """Datagrams whose protocol raised an error."""
        self._waits = True
        """Whether the loop wakes when there is something to read: not while a timer does it."""
        self.add_reader(self.reader.epoll.fileno(), self._read)

    async def create_datagram_endpoint(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.DatagramProtocol],
        local_addr: Address | None = None,
        remote_addr: Address | None = None,
        **options: Any,
    ) -> tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]:
        """A UDP socket bound to ``local_addr``; other kinds are asyncio's own."""
        if local_addr is None or remote_addr is not None or options.get("sock") is not None:
            return await super().create_datagram_endpoint(
                protocol_factory, local_addr, remote_addr, **options
            )
        family = socket.AF_INET6 if ":" in local_addr[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            sock.bind(local_addr)
        except OSError:
            sock.close()
            raise
        protocol = protocol_factory()
        transport = BatchTransport(self, sock, protocol)
        self.transports[transport.index] = transport
        protocol.connection_made(transport)
        return transport, protocol

    def forget(self, transport: BatchTransport) -> None:
        """Read ``transport`` no longer."""
        self.listeners.discard(transport.index)
        if self.transports.pop(transport.index, None) is not None:
            self.reader.remove(transport.index)

    def close(self) -> None:
        """Close the loop and the sockets that are still open."""
        if not self.is_closed():
            for transport in list(self.transports.values()):
                self.forget(transport)
                transport.get_extra_info("socket").close()
            self.remove_reader(self.reader.epoll.fileno())
            self.reader.close()
        super().close()

    def _read(self) -> None:
        """Read a batch, then let sockets fill for PAUSE_S; once they are empty, wait for them."""
        if self.reader.epoll.closed:
            return
        rows = self.reader.read(time.time_ns())
        if self._waits == bool(rows):
            epoll = self.reader.epoll.fileno()
            self._waits = not rows
            if rows:
                self.remove_reader(epoll)
            else:
                self.add_reader(epoll, self._read)
        if rows:
            self.call_later(PAUSE_S, self._read)
            self._hand_out(rows)

    def _hand_out(self, rows: int) -> None:
        reader = self.reader
        datagrams = reader.slab.datagrams[:rows]
        kinds = datagrams["kind"]
        media = kinds == RTP
        if media.any():
            self.media(reader, rows)
        others = ((kinds == STUN) | (kinds == DTLS) | (kinds == RTCP)).nonzero()[0]
        if len(others):
            which, lengths = datagrams["socket"][others].tolist(), datagrams["length"][others]
            for row, index, length in zip(others.tolist(), which, lengths.tolist(), strict=True):
                self._give(row, index, length)
        if self.listeners:
            sockets = datagrams["socket"]
            for row in media.nonzero()[0].tolist():
                if (index := int(sockets[row])) in self.listeners:
                    self._give(row, index, int(datagrams["length"][row]))

    def _give(self, row: int, index: int, length: int) -> None:
        transport = self.transports.get(index)
        if transport is None:  # closed by what came before in this batch
            return
        data = self.reader.slab.rows[row, :length].tobytes()
        try:
            if transport.on_rtcp is not None and self.reader.slab.datagrams[row]["kind"] == RTCP:
                transport.on_rtcp(data)
            else:
                transport.protocol.datagram_received(data, self.reader.sender(row))
        except Exception:
            self.undelivered += 1


def run(main: Callable[[BatchLoop], Coroutine[Any, Any, T]]) -> T:
    """Run the coroutine that ``main`` makes of a new loop, and close that."""
    with asyncio.Runner(loop_factory=BatchLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, BatchLoop)
        return runner.run(main(loop))

"""Reading thousands of UDP sockets in batches: epoll and recvmmsg, called from one compiled loop.

Linux fills rows of one preallocated slab. No Python runs, and nothing is allocated, for a datagram
of media. The kernel's own time stamps are taken (SO_TIMESTAMPNS, CLOCK_REALTIME), so that what a
receiver measures does not depend on when a batch is read.
"""

import contextlib
import platform
import select
import socket
import struct
import time
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from simulations.compiled import array_kernel, inlined

ROW = 2048
"""Bytes of a row: what is longer is cut off."""
TAKEN = 16
"""Datagrams taken from one socket in one turn: whoever is flooded does not keep others waiting."""
ROWS = 4096
"""Datagrams in a batch at most."""
READY = 1024
"""Sockets looked at in one turn."""

GARBAGE, STUN, DTLS, RTCP, RTP = range(5)
"""Kinds of datagram (RFC 7983; RFC 5761 for RTP and RTCP on one port)."""

CONTROL_RATE = 400
"""Datagrams a second other than RTP that a socket's owner is given; the rest is counted and
dropped. A handshake takes about thirty, RTCP and STUN a few a second."""
CONTROL_BURST = 200

SO_TIMESTAMPNS = 35
_STAMPING_PATIENCE, _STAMPING_WAIT, _STAMPING_PAUSE = 1.0, 0.1, 0.005
"""s until it is taken for hopeless, for one datagram, and between two."""
_SO_MEMINFO = 55
_MEMINFO_DROPS = 8
_MSG_DONTWAIT = 0x40
_SECOND = 1_000_000_000

SOCKET = np.dtype(
    [
        ("fd", np.int64),
        ("used", np.int64),
        ("tokens", np.float64),  # datagrams other than RTP that may still pass
        ("filled", np.int64),  # ns
        ("owner", np.int64),  # the endpoint whose media it receives; −1: nobody's
        # since it was opened
        ("datagrams", np.int64),
        ("bytes", np.int64),
        ("garbage", np.int64),  # of no kind
        ("refused", np.int64),  # beyond CONTROL_RATE
        ("strangers", np.int64),  # packets of media that belong to no stream
    ],
    align=True,
)
"""A socket that is read."""

_IOVEC = np.dtype([("base", np.uint64), ("length", np.uint64)])
_MESSAGE = np.dtype(
    [
        ("name", np.uint64),
        ("name_length", np.uint64),
        ("iovec", np.uint64),
        ("iovecs", np.uint64),
        ("control", np.uint64),
        ("control_length", np.uint64),
        ("flags", np.uint64),
        ("length", np.uint64),
    ]
)
"""struct mmsghdr of 64-bit Linux, its 32-bit members with the padding behind them."""
_EVENT = (
    np.dtype([("events", np.uint32), ("fd", np.int32), ("rest", np.int32)])
    if platform.machine() == "x86_64"
    else np.dtype([("events", np.uint32), ("gap", np.int32), ("fd", np.int32), ("rest", np.int32)])
)
"""struct epoll_event, which is packed on x86-64 alone."""

DATAGRAM = np.dtype(
    [
        ("socket", np.int64),  # index
        ("length", np.int64),
        ("arrival", np.int64),  # ns, CLOCK_REALTIME
        ("kind", np.int64),
    ],
    align=True,
)
"""What is known of a row."""

_epoll_wait: Any = types.ExternalFunction(
    "epoll_wait", types.int32(types.int32, types.intp, types.int32, types.int32)
)
_recvmmsg: Any = types.ExternalFunction(
    "recvmmsg", types.int32(types.int32, types.intp, types.uint32, types.int32, types.intp)
)


class Slab(NamedTuple):
    """Memory that a batch is read into."""

    rows: NDArray[np.uint8]
    """(ROWS, ROW)"""
    datagrams: NDArray[Any]
    """(ROWS,) DATAGRAM"""
    addresses: NDArray[np.uint8]
    """(ROWS, 32): struct sockaddr of each sender."""
    controls: NDArray[np.int64]
    """(ROWS, 8): ancillary data, a time stamp."""
    vectors: NDArray[Any]
    messages: NDArray[Any]
    events: NDArray[Any]


def make_slab() -> Slab:
    """An empty slab, whose addresses the operating system is given: keep it as it is."""
    slab = Slab(
        rows=np.zeros((ROWS, ROW), np.uint8),
        datagrams=np.zeros(ROWS, DATAGRAM),
        addresses=np.zeros((ROWS, 32), np.uint8),
        controls=np.zeros((ROWS, 8), np.int64),
        vectors=np.zeros(ROWS, _IOVEC),
        messages=np.zeros(ROWS, _MESSAGE),
        events=np.zeros(READY, _EVENT),
    )
    each = np.arange(ROWS, dtype=np.uint64)
    slab.vectors["base"] = slab.rows.ctypes.data + each * np.uint64(ROW)
    slab.vectors["length"] = ROW
    slab.messages["iovec"] = slab.vectors.ctypes.data + each * np.uint64(_IOVEC.itemsize)
    slab.messages["iovecs"] = 1
    slab.messages["name"] = slab.addresses.ctypes.data + each * np.uint64(32)
    slab.messages["control"] = slab.controls.ctypes.data + each * np.uint64(64)
    return slab


@inlined
def _kind(row: Any, length: int) -> int:
    """Of the datagram in ``row``."""
    if length < 4:
        return 0  # GARBAGE
    first = row[0]
    if first < 4:
        return 1 if length >= 20 else 0
    if 20 <= first < 64:
        return 2
    if 128 <= first < 192:
        if 192 <= row[1] < 224:
            return 3 if length >= 8 else 0
        return 4 if length >= 12 else 0
    return 0


@inlined
def _passes(each: Any, now: int) -> bool:
    """Whether the socket's owner may be given a datagram other than RTP: a token bucket."""
    each.tokens = min(
        np.float64(CONTROL_BURST), each.tokens + (now - each.filled) * (CONTROL_RATE / _SECOND)
    )
    each.filled = now
    if each.tokens < 1.0:
        return False
    each.tokens -= 1.0
    return True


@array_kernel
def read(epoll: int, slab: Any, sockets: Any, index_of: Any, now: int) -> int:
    """Read what is there, from every socket that has something, TAKEN datagrams at most from each.

    Args:
        epoll: descriptor of the epoll that all are registered with.
        slab: see `make_slab`.
        sockets: (n,) SOCKET. index_of: (fds,) int32 index in ``sockets`` by descriptor, −1: none.
        now: ns, CLOCK_REALTIME: for datagrams without a time stamp.

    Returns:
        How many of the slab's rows hold a datagram; of kind GARBAGE are those not to be looked at.
    """
    rows, datagrams, _, controls, _, messages, events = slab
    ready = _epoll_wait(epoll, events.ctypes.data, len(events), 0)
    filled = 0
    for e in range(ready):
        fd = events[e].fd
        if fd < 0 or fd >= len(index_of) or index_of[fd] < 0:
            continue
        index = index_of[fd]
        each = sockets[index]
        room = min(len(rows) - filled, TAKEN)
        if room == 0:
            break
        for i in range(filled, filled + room):
            messages[i].name_length = 32
            messages[i].control_length = 64
            controls[i, 0] = 0
        taken = _recvmmsg(fd, messages[filled:].ctypes.data, room, _MSG_DONTWAIT, 0)
        for i in range(filled, filled + max(taken, 0)):
            datagram = datagrams[i]
            length = np.int64(messages[i].length & np.uint64(0xFFFFFFFF))
            datagram.socket = index
            datagram.length = length
            datagram.arrival = now
            if controls[i, 0] >= 32:
                datagram.arrival = controls[i, 2] * _SECOND + controls[i, 3]
            kind = _kind(rows[i], length)  # type: ignore[arg-type]
            each.datagrams += 1
            each.bytes += length
            if kind == 0:
                each.garbage += 1
            elif kind != 4 and not _passes(each, now):
                each.refused += 1
                kind = 0
            datagram.kind = kind
        filled += max(taken, 0)
    return filled


def stamping_socket() -> tuple[socket.socket, bool]:
    """A socket that keeps Linux stamping what arrives, for as long as it is open; whether it does.

    The first socket that asks for time stamps only sets off a change of the running kernel
    (net_enable_timestamp in its net/core/dev.c); what arrives before that is done is stamped when
    it is read. So datagrams to itself are tried until one has a stamp from before it was read; for
    a second at most, and not at all on a machine that stamps none, or without a loopback.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    made.settimeout(_STAMPING_WAIT)
    give_up_at = time.monotonic() + _STAMPING_PATIENCE
    with contextlib.suppress(OSError):
        made.bind(("127.0.0.1", 0))
        while time.monotonic() < give_up_at:
            made.sendto(b"", made.getsockname())
            sent = time.time_ns()
            with contextlib.suppress(TimeoutError):
                ancillary = made.recvmsg(0, 64)[1]
                if not ancillary:
                    break
                if _stamp_in(ancillary) <= sent:
                    return made, True
            time.sleep(_STAMPING_PAUSE)
    return made, False


def _stamp_in(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The time stamp (ns) of a datagram."""
    seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
    return int(seconds * _SECOND + nanoseconds)


class Reader:
    """All UDP sockets of a process."""

    def __init__(self) -> None:
        self._stamping, self.stamps = stamping_socket()
        self.epoll = select.epoll()
        self.slab = make_slab()
        self.sockets = np.zeros(64, SOCKET)
        self.index_of = np.full(1024, -1, np.int32)
        self._free: list[int] = []
        self._next = 0
        self._closed = dict.fromkeys(("garbage", "refused", "strangers"), 0)

    def add(self, sock: socket.socket, now: int) -> int:
        """Read ``sock`` from ``now`` (ns) on.

        Returns:
            Its index.
        """
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        fd = sock.fileno()
        index = self._free.pop() if self._free else self._next
        if index == self._next:
            self._next += 1
        if index >= len(self.sockets):
            self.sockets = np.concatenate([self.sockets, np.zeros(len(self.sockets), SOCKET)])
        while fd >= len(self.index_of):
            self.index_of = np.concatenate(
                [self.index_of, np.full(len(self.index_of), -1, np.int32)]
            )
        for name in self._closed:
            self._closed[name] += int(self.sockets[index][name])
        self.sockets[index] = np.zeros(1, SOCKET)[0]
        self.sockets[index]["fd"] = fd
        self.sockets[index]["used"] = 1
        self.sockets[index]["tokens"] = CONTROL_BURST
        self.sockets[index]["filled"] = now
        self.sockets[index]["owner"] = -1
        self.index_of[fd] = index
        self.epoll.register(fd, select.EPOLLIN)
        return index

    def remove(self, index: int) -> None:
        """Read the socket no longer; before it is closed."""
        fd = int(self.sockets[index]["fd"])
        self.epoll.unregister(fd)
        self.index_of[fd] = -1
        self.sockets[index]["used"] = 0
        self._free.append(index)

    def total(self, name: str) -> int:
        """Datagrams of all sockets, those that are closed too, by one of the counts "garbage",
        "refused" and "strangers"."""
        return self._closed[name] + int(self.sockets[name].sum())

    def read(self, now: int) -> int:
        """See `read`."""
        return read(self.epoll.fileno(), self.slab, self.sockets, self.index_of, now)

    def sender(self, row: int) -> tuple[str, int]:
        """Address and port that a row's datagram came from."""
        raw = self.slab.addresses[row].tobytes()
        family = int.from_bytes(raw[:2], "little")
        port = int.from_bytes(raw[2:4], "big")
        if family == socket.AF_INET6:
            return socket.inet_ntop(socket.AF_INET6, raw[8:24]), port
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), port

    def close(self) -> None:
        """Read nothing any more."""
        self.epoll.close()
        self._stamping.close()


def kernel_drops(sock: socket.socket) -> int:
    """Datagrams that Linux dropped since the socket was opened, for its buffer was full."""
    words = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * (_MEMINFO_DROPS + 1))
    return int.from_bytes(words[4 * _MEMINFO_DROPS :], "little") if len(words) >= 36 else 0

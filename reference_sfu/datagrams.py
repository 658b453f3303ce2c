"""The one UDP socket: datagrams in by the batch, out one by one or to thousands of rows at once.

Addresses are Linux's socket addresses as bytes, which name a peer as well as a pair would, and need
no reading. What the system refuses is counted and dropped, as any network may drop it.
"""

import ctypes
import errno
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reference_sfu import fanout
from reference_sfu.rows import ADDRESS_BYTES

BATCH = 256
"""Datagrams that one call of the system reads."""
DATAGRAM_BYTES = 2048
"""Longer datagrams are cut, and then refused as damaged: WebRTC sends none."""
BUFFER_BYTES = 8 << 20
"""Of the socket, each way; the system may grant less."""

_SO_MEMINFO = 55

_libc: Any = ctypes.CDLL(None, use_errno=True)
_libc.recvmmsg.argtypes = (
    ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p,
)  # fmt: skip
_libc.sendto.argtypes = (
    ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint,
)  # fmt: skip
_libc.sendto.restype = ctypes.c_ssize_t


@dataclass(slots=True)
class Traffic:
    """What went through the socket."""

    received: int = 0
    received_bytes: int = 0
    sent: int = 0
    sent_bytes: int = 0
    send_drops: int = 0
    """The system had no room: EAGAIN, ENOBUFS."""
    send_errors: int = 0
    """The system refused: no route, no permission, a dead session."""


class DatagramSocket:
    """A bound, non-blocking UDP socket."""

    def __init__(self, host: str, port: int) -> None:
        """Raises OSError where ``host`` and ``port`` cannot be had."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                self._socket.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self.traffic = Traffic()
        self._slab = bytearray(BATCH * DATAGRAM_BYTES)
        self._names = bytearray(BATCH * ADDRESS_BYTES)
        self._vectors = np.zeros((BATCH, 2), np.uint64)
        self._messages = np.zeros((BATCH, 8), np.uint64)
        slab, names = (
            np.frombuffer(each, np.uint8).ctypes.data for each in (self._slab, self._names)
        )
        number = np.arange(BATCH, dtype=np.uint64)
        self._vectors[:, 0] = slab + number * DATAGRAM_BYTES
        self._vectors[:, 1] = DATAGRAM_BYTES
        self._messages[:, 0] = names + number * ADDRESS_BYTES
        self._messages[:, 2] = self._vectors.ctypes.data + number * 16
        self._messages[:, 3] = 1
        self._messages_at = self._messages.ctypes.data
        words = self._messages.view(np.uint32)
        self._name_sizes, self._sizes = words[:, 2], words[:, 14]
        self._name_sizes[:] = ADDRESS_BYTES
        self._fan = fanout.FanOut(self._socket.fileno())

    def fileno(self) -> int:
        """The socket's file descriptor."""
        return self._socket.fileno()

    @property
    def port(self) -> int:
        """The port that it is bound to."""
        return int(self._socket.getsockname()[1])

    def receive(self) -> Iterator[tuple[bytes, bytes]]:
        """The datagrams of one batch, each with the address that it came from."""
        found = _libc.recvmmsg(self.fileno(), self._messages_at, BATCH, 0, None)
        if found <= 0:
            return
        traffic = self.traffic
        sizes = self._sizes[:found].tolist()
        names = self._name_sizes[:found].tolist()
        self._name_sizes[:found] = ADDRESS_BYTES
        traffic.received += found
        traffic.received_bytes += sum(sizes)
        at = name_at = 0
        for size, name_size in zip(sizes, names, strict=True):
            yield (
                bytes(self._slab[at : at + size]),
                bytes(self._names[name_at : name_at + name_size]),
            )
            at += DATAGRAM_BYTES
            name_at += ADDRESS_BYTES

    def send(self, datagram: bytes, address: bytes) -> None:
        """Send one datagram."""
        sent = _libc.sendto(self.fileno(), datagram, len(datagram), 0, address, len(address))
        if sent >= 0:
            self.traffic.sent += 1
            self.traffic.sent_bytes += sent
        elif ctypes.get_errno() in (errno.EAGAIN, errno.ENOBUFS):
            self.traffic.send_drops += 1
        else:
            self.traffic.send_errors += 1

    def fan_out(
        self, table: npt.NDArray[np.void], rows: npt.NDArray[np.int32], data: bytes, sequence: int,
        timestamp: int, picture_at: int, tl0_at: int, payload_bytes: int, now_ns: int,
    ) -> None:  # fmt: skip
        """Send a phrase to rows; see `fanout.FanOut.send`."""
        counts = self._fan.send(
            table, rows, data, sequence, timestamp, picture_at, tl0_at, payload_bytes, now_ns
        )
        self.traffic.sent += int(counts[fanout.SENT])
        self.traffic.sent_bytes += int(counts[fanout.SENT_BYTES])
        self.traffic.send_drops += int(counts[fanout.DROPPED])
        self.traffic.send_errors += int(counts[fanout.REFUSED] + counts[fanout.UNPROTECTED])

    @property
    def receive_drops(self) -> int:
        """Datagrams for which the socket's buffer had no room (socket(7), SO_MEMINFO)."""
        found = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)
        return int.from_bytes(found[32:36], sys.byteorder)

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

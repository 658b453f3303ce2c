"""The hot path: one packet to thousands of subscribers, each encrypted under its own key.

A compiled loop rewrites the packet for every row, has libsrtp encrypt it in place in a slab, and
hands the slab to the system by the batch. libsrtp and libc are called at their addresses, so that
no line of Python runs per packet and the compiled code can be cached.
"""

import ctypes
import errno
from typing import Any

import numpy as np
import numpy.typing as npt

from reference_sfu.compiled import call_at, compiled, errno_at
from reference_sfu.rows import ROW, rewrite
from reference_sfu.srtp import MAX_TRAILER, protect_address

BATCH = 128
"""Packets that one call of the system sends; a batch of voice fits into a core's cache."""
PACKET_BYTES = 1536
"""Room for a packet with its authentication tag."""
MAX_PACKET_BYTES = PACKET_BYTES - MAX_TRAILER - 4

SENT, SENT_BYTES, DROPPED, REFUSED, UNPROTECTED = range(5)
"""Places in a call's counts: sent packets and bytes, packets that the system had no room for, that
it refused, and that libsrtp refused."""

_ADDRESS_AT = ROW.fields["address"][1] if ROW.fields else 0
_ROW_BYTES = ROW.itemsize
_EINTR, _EAGAIN, _ENOBUFS = errno.EINTR, errno.EAGAIN, errno.ENOBUFS


@compiled
def _fan_out(
    table: Any, rows: Any, data: Any, sequence: int, timestamp: int, picture_at: int, tl0_at: int,
    payload_bytes: int, now_ns: int, slab: Any, vectors: Any, messages: Any, lengths: Any,
    descriptor: int, protect: int, sendmmsg: int, errno_address: int, counts: Any,
) -> None:  # fmt: skip
    size = len(data)
    table_at, slab_at = table.ctypes.data, slab.ctypes.data
    messages_at, lengths_at = messages.ctypes.data, lengths.ctypes.data
    waiting = 0
    for i in range(len(rows)):
        row = table[rows[i]]
        if row.srtp != 0:
            packet = slab[waiting]
            packet[:size] = data
            if rewrite(row, packet, sequence, timestamp, picture_at, tl0_at, payload_bytes, now_ns):
                lengths[0] = size
                at = slab_at + waiting * PACKET_BYTES
                if call_at(protect, row.srtp, at, lengths_at, 0) == 0:
                    vectors[waiting, 1] = lengths[0]
                    messages[waiting, 0] = table_at + rows[i] * _ROW_BYTES + _ADDRESS_AT
                    messages[waiting, 1] = row.address_bytes
                    waiting += 1
                else:
                    counts[UNPROTECTED] += 1
        if waiting == BATCH or i == len(rows) - 1:
            _send(waiting, vectors, messages_at, descriptor, sendmmsg, errno_address, counts)
            waiting = 0


@compiled
def _send(
    waiting: int, vectors: Any, messages_at: int, descriptor: int, sendmmsg: int,
    errno_address: int, counts: Any,
) -> None:  # fmt: skip
    begin = 0
    while begin < waiting:
        sent = call_at(sendmmsg, descriptor, messages_at + begin * 64, waiting - begin, 0)
        if sent > 0:
            counts[SENT] += sent
            for i in range(begin, begin + sent):
                counts[SENT_BYTES] += vectors[i, 1]
            begin += sent
            continue
        why = errno_at(errno_address)
        if why in (_EAGAIN, _ENOBUFS):
            counts[DROPPED] += waiting - begin  # there is no room for the rest either
            return
        if why != _EINTR:
            counts[REFUSED] += 1
            begin += 1


class FanOut:
    """Sends packets to rows through one socket."""

    def __init__(self, descriptor: int) -> None:
        """``descriptor``: of a non-blocking UDP socket."""
        libc = ctypes.CDLL(None)
        self._descriptor = descriptor
        self._protect = protect_address()
        self._sendmmsg = _address_of(libc.sendmmsg)
        self._errno = _address_of(libc["__errno_location"])
        self._slab = np.zeros((BATCH, PACKET_BYTES), np.uint8)
        self._vectors = np.zeros((BATCH, 2), np.uint64)
        self._vectors[:, 0] = self._slab.ctypes.data + np.arange(BATCH) * PACKET_BYTES
        self._messages = np.zeros((BATCH, 8), np.uint64)  # struct mmsghdr of 64-bit Linux
        self._messages[:, 2] = self._vectors.ctypes.data + np.arange(BATCH) * 16
        self._messages[:, 3] = 1
        self._length = np.zeros(1, np.int32)
        # Compiles, or reads from the cache, before the first packet is there to wait for it.
        self.send(np.zeros(1, ROW), np.zeros(0, np.int32), b"", 0, 0, -1, -1, 0, 0)

    def send(
        self, table: npt.NDArray[np.void], rows: npt.NDArray[np.int32], data: bytes, sequence: int,
        timestamp: int, picture_at: int, tl0_at: int, payload_bytes: int, now_ns: int,
    ) -> npt.NDArray[np.int64]:  # fmt: skip
        """Send the phrase ``data`` to ``rows`` of ``table``; gives counts, see SENT and others.

        ``picture_at`` and ``tl0_at`` are positions in ``data`` or -1. Rows must be connected, or
        they are passed over. Raises ValueError for a packet of more than MAX_PACKET_BYTES.
        """
        if len(data) > MAX_PACKET_BYTES:
            raise ValueError(f"a packet of {len(data)} bytes must be of {MAX_PACKET_BYTES} at most")
        counts = np.zeros(5, np.int64)
        _fan_out(
            table, rows, np.frombuffer(data, np.uint8), sequence, timestamp, picture_at, tl0_at,
            payload_bytes, now_ns, self._slab, self._vectors, self._messages, self._length,
            self._descriptor, self._protect, self._sendmmsg, self._errno, counts,
        )  # fmt: skip
        return counts


def _address_of(function: Any) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value
    if address is None:
        raise OSError(f"the C library has no {function.__name__}")
    return address

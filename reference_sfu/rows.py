"""The table of outgoing streams, and how a source's packet becomes a row's: pure arithmetic.

One row per slot of a subscriber. Whatever source fills the slot, the subscriber sees one stream:
its own SSRC, sequence numbers without a gap at a switch, timestamps that go on by the time that
passed, VP8 pictures numbered on (RFC 7667 § 3.7, RFC 7741 § 4.2). A source's numbers are shifted
by amounts that a switch sets anew; `rewrite` is compiled and does the rest.
"""

import socket
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from reference_sfu.compiled import compiled

ADDRESS_BYTES = 28
"""Of the longest socket address, sockaddr_in6."""

ROW = np.dtype(
    [
        ("srtp", "u8"),  # the libsrtp session's address; 0: nothing can be sent
        ("octets", "i8"),  # of payload sent
        ("packets", "i8"),
        ("last_ns", "i8"),  # when the newest packet was sent, on the monotonic clock
        ("address", "u1", (ADDRESS_BYTES,)),
        ("address_bytes", "u4"),
        ("ssrc", "u4"),
        ("timestamp_shift", "u4"),
        ("last_timestamp", "u4"),
        ("sequence_shift", "u2"),
        ("last_sequence", "u2"),
        ("first_sequence", "u2"),  # the source's, at the switch or of late
        ("picture_shift", "u2"),
        ("last_picture", "u2"),
        ("tl0_shift", "u1"),
        ("last_tl0", "u1"),
    ],
    align=True,
)
"""A row's state; all but `last_ns` in the units of RTP."""

_AGE = 0x4000


@compiled
def rewrite(
    row: Any, data: Any, sequence: int, timestamp: int, picture_at: int, tl0_at: int,
    payload_bytes: int, now_ns: int,
) -> bool:  # fmt: skip
    """Make ``data``, a phrase's copy, the row's own packet; False where it is not the row's.

    ``picture_at`` and ``tl0_at`` are positions in ``data``, or -1. A packet from before the switch
    to its source is not the row's: its number belongs to another packet already.
    """
    if (sequence - int(row.first_sequence)) & 0xFFFF >= 0x8000:
        return False
    if (sequence - int(row.first_sequence)) & 0xFFFF > _AGE:
        row.first_sequence = (sequence - _AGE // 2) & 0xFFFF  # so that it never looks newer
    out_sequence = (sequence + int(row.sequence_shift)) & 0xFFFF
    out_timestamp = (timestamp + int(row.timestamp_shift)) & 0xFFFFFFFF
    data[2], data[3] = out_sequence >> 8, out_sequence & 0xFF
    ssrc = int(row.ssrc)
    for i in range(4):
        data[4 + i] = out_timestamp >> (24 - 8 * i) & 0xFF
        data[8 + i] = ssrc >> (24 - 8 * i) & 0xFF
    is_newest = (out_sequence - int(row.last_sequence)) & 0xFFFF < 0x8000
    if picture_at >= 0:
        picture = (int(data[picture_at]) << 8 | int(data[picture_at + 1])) & 0x7FFF
        picture = (picture + int(row.picture_shift)) & 0x7FFF
        data[picture_at], data[picture_at + 1] = 0x80 | picture >> 8, picture & 0xFF
        if is_newest:
            row.last_picture = picture
    if tl0_at >= 0:
        data[tl0_at] = (int(data[tl0_at]) + int(row.tl0_shift)) & 0xFF
        if is_newest:
            row.last_tl0 = data[tl0_at]
    if is_newest:
        row.last_sequence = out_sequence
        row.last_timestamp = out_timestamp
        row.last_ns = now_ns
    row.packets += 1
    row.octets += payload_bytes
    return True


def switch(
    row: Any, sequence: int, timestamp: int, picture: int, tl0: int, clock_rate: int, now_ns: int
) -> None:
    """Let the row go on with a source whose next packet has these numbers (-1: it has none)."""
    if row["packets"]:
        passed = max(1, (now_ns - int(row["last_ns"])) * clock_rate // 1_000_000_000)
        out_timestamp = int(row["last_timestamp"]) + passed
        row["timestamp_shift"] = (out_timestamp - timestamp) & 0xFFFFFFFF
        row["picture_shift"] = (int(row["last_picture"]) + 1 - picture) & 0x7FFF
        row["tl0_shift"] = (int(row["last_tl0"]) + 1 - tl0) & 0xFF
    # Before its first packet a row's last number is what it was made with.
    row["sequence_shift"] = (int(row["last_sequence"]) + 1 - sequence) & 0xFFFF
    row["first_sequence"] = sequence


class Rows:
    """A table of ROW that grows; a row's number stays its own until it is given back."""

    def __init__(self, capacity: int = 64) -> None:
        self.table: npt.NDArray[np.void] = np.zeros(capacity, ROW)
        self._free = list(range(capacity - 1, -1, -1))

    def __len__(self) -> int:
        return len(self.table) - len(self._free)

    def take(self, ssrc: int, last_sequence: int) -> int:
        """A clean row for ``ssrc``, to send ``last_sequence`` + 1 first."""
        if not self._free:
            size = len(self.table)
            self.table = np.concatenate([self.table, np.zeros(size, ROW)])
            self._free = list(range(2 * size - 1, size - 1, -1))
        number = self._free.pop()
        self.table[number] = np.zeros((), ROW)
        self.table[number]["ssrc"] = ssrc
        self.table[number]["last_sequence"] = last_sequence
        return number

    def give_back(self, number: int) -> None:
        """Nothing is sent for the row any more, and it may become another's."""
        self.table[number] = np.zeros((), ROW)
        self._free.append(number)

    def connect(self, number: int, srtp: int, address: bytes) -> None:
        """From now on the row is sent, encrypted by the session at ``srtp``, to ``address``.

        ``address`` is a socket address, as `socket_address` makes it.
        """
        row = self.table[number]
        row["address"][: len(address)] = np.frombuffer(address, np.uint8)
        row["address_bytes"] = len(address)
        row["srtp"] = srtp


def socket_address(host: str, port: int) -> bytes:
    """Linux's sockaddr_in or sockaddr_in6 for a numeric address."""
    family = struct.pack("=H", socket.AF_INET6 if ":" in host else socket.AF_INET)
    if ":" in host:
        packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
        return family + struct.pack("!HI", port, 0) + packed + struct.pack("=I", 0)
    return family + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)


def address_of(packed: bytes) -> tuple[str, int]:
    """Host and port of a socket address."""
    port = int.from_bytes(packed[2:4], "big")
    if len(packed) == ADDRESS_BYTES:
        return socket.inet_ntop(socket.AF_INET6, packed[8:24]), port
    return socket.inet_ntoa(packed[4:8]), port

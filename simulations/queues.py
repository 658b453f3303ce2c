"""A first-in, first-out queue with a finite buffer, in integer nanoseconds.

Departures follow Lindley's recursion, D_i = max(A_i, D_{i-1}) + S_i, exactly. The buffer is
drop-tail and counts what waits: bytes and packets whose transmission has not begun. The packet in
transmission and those in flight do not count, so an idle link takes any packet.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.compiled import array_kernel, inlined, kernel

QUEUE = np.dtype(
    [
        ("limit_bytes", np.int64),
        ("limit_packets", np.int64),
        ("free_at", np.int64),  # end of the last accepted transmission, ns
        ("waiting", np.int64),  # bytes not yet begun when that was last looked at
        ("base", np.int64),  # first slot of the queue's ring in the backlog's arrays
        ("mask", np.int64),  # ring size − 1
        ("head", np.int64),
        ("tail", np.int64),
    ],
    align=True,
)
"""State of one queue. Waiting packets stand in a ring of (transmission start, size)."""

DROPPED = -1
_BITS = 8_000_000_000
"""Of a byte, times nanoseconds to a second."""
_EXACT = 1_000_000
"""Bytes up to which, and at rates up to 10^15 bit/s, all numbers are below 2^53."""


def make_queues(
    limit_bytes: NDArray[np.int64], limit_packets: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int32]]:
    """Empty queues with their backlog.

    Returns:
        (n,) QUEUE, and the rings' starts (ns) and sizes (bytes), one after another.
    """
    queues = np.zeros(len(limit_bytes), QUEUE)
    sizes = (1 << np.ceil(np.log2(np.maximum(limit_packets, 1))).astype(np.int64)).astype(np.int64)
    queues["limit_bytes"] = limit_bytes
    queues["limit_packets"] = limit_packets
    queues["base"] = np.concatenate(([0], np.cumsum(sizes)[:-1])) if len(sizes) else 0
    queues["mask"] = sizes - 1
    total = int(sizes.sum())
    return queues, np.zeros(total, np.int64), np.zeros(total, np.int32)


@inlined
def admit(queue: Any, starts: Any, sizes: Any, now: int, size: int) -> int:
    """When the transmission of a packet that arrives ``now`` begins (ns), or DROPPED.

    Arrivals come in order of time. The caller sets ``queue.free_at`` to the transmission's end.
    """
    if queue.free_at <= now:
        queue.head = queue.tail = queue.waiting = 0
        return now
    if not has_room(queue, 1, size):  # as far as was last looked
        begin_due(queue, starts, sizes, now)
        if not has_room(queue, 1, size):
            return DROPPED
    slot = np.uint64(queue.base + (queue.tail & queue.mask))
    starts[slot] = queue.free_at
    sizes[slot] = size
    queue.tail += 1
    queue.waiting += size
    return queue.free_at  # type: ignore[no-any-return]


@inlined
def has_room(queue: Any, count: int, size: int) -> bool:
    """Whether ``count`` packets of ``size`` bytes may wait behind those that have not begun, as far
    as is known."""
    return bool(
        queue.waiting + count * size <= queue.limit_bytes
        and queue.tail - queue.head + count <= queue.limit_packets
    )


@kernel
def begin_due(queue: Any, starts: Any, sizes: Any, now: int) -> None:
    """Take from what waits those packets whose transmission has begun ``now``."""
    while queue.head != queue.tail:
        slot = np.uint64(queue.base + (queue.head & queue.mask))
        if starts[slot] > now:
            break
        queue.waiting -= sizes[slot]
        queue.head += 1


@inlined
def transmission(size: int, rate: int) -> int:
    """Time (ns, to the nearest) that ``size`` bytes take at ``rate`` bit/s."""
    if size <= _EXACT:
        # Floating point divides in a third of the time. It is exact: quotients of whole numbers
        # below 2^53 lie further from the next whole number than they are rounded.
        return np.int64((size * _BITS + (rate >> 1)) / rate)  # type: ignore[return-value]
    time = (np.uint64(size) * np.uint64(_BITS) + np.uint64(rate >> 1)) // np.uint64(rate)
    return np.int64(time)  # type: ignore[return-value]


@array_kernel
def serve(
    queue: Any, starts: Any, sizes: Any, rate: int, arrivals: Any, packet_sizes: Any
) -> NDArray[np.int64]:
    """Departures (ns) of packets through one queue at a constant rate; DROPPED where dropped.

    Args:
        queue, starts, sizes: one record of `make_queues`, and its backlog.
        rate: bit/s.
        arrivals: (n,) ns, in order.
        packet_sizes: (n,) bytes.
    """
    departures = np.empty(len(arrivals), np.int64)
    for i in range(len(arrivals)):
        start = admit(queue, starts, sizes, arrivals[i], packet_sizes[i])
        if start == DROPPED:
            departures[i] = DROPPED
        else:
            queue.free_at = start + transmission(packet_sizes[i], rate)
            departures[i] = queue.free_at
    return departures

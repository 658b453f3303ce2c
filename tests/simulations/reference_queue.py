"""A plain queue, event by event: what the compiled recursion is held against."""

import heapq
import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

END, ARRIVAL = 0, 1
"""Of events at one instant, a transmission's end comes first: the link is free again."""


@dataclass
class PlainQueue:
    """A server with a waiting line. It knows no time: whoever runs the events does."""

    rate: int
    limit_bytes: int
    limit_packets: int
    line: deque[tuple[Any, int]] = field(default_factory=deque)
    busy: bool = False

    def duration(self, size: int) -> int:
        """ns for ``size`` bytes, halves rounded up."""
        whole, rest = divmod(size * 8 * 10**9, self.rate)
        return whole + (rest >= self.rate - rest)

    def arrive(self, packet: Any, size: int) -> int | None:
        """How long the packet's transmission takes if it begins at once.

        None: it waits. Raises OverflowError: there is no room for it.
        """
        if not self.busy:
            self.busy = True
            return self.duration(size)
        if sum(waiting for _, waiting in self.line) + size > self.limit_bytes:
            raise OverflowError
        if len(self.line) + 1 > self.limit_packets:
            raise OverflowError
        self.line.append((packet, size))
        return None

    def end(self) -> tuple[Any, int] | None:
        """The packet whose transmission begins as the last one ends, and how long it takes."""
        if not self.line:
            self.busy = False
            return None
        packet, size = self.line.popleft()
        return packet, self.duration(size)


def plain_departures(
    arrivals: Sequence[int], sizes: Sequence[int], rate: int, limit_bytes: int, limit_packets: int
) -> list[int | None]:
    """When each packet has left the queue (ns); None where it was dropped."""
    queue = PlainQueue(rate, limit_bytes, limit_packets)
    departures: list[int | None] = [None] * len(arrivals)
    number = itertools.count()
    events = [(time, ARRIVAL, next(number), i) for i, time in enumerate(arrivals)]
    heapq.heapify(events)
    while events:
        now, kind, _, packet = heapq.heappop(events)
        if kind == ARRIVAL:
            try:
                begun = queue.arrive(packet, sizes[packet])
            except OverflowError:
                continue
            if begun is not None:
                heapq.heappush(events, (now + begun, END, next(number), packet))
        else:
            departures[packet] = now
            following = queue.end()
            if following is not None:
                heapq.heappush(events, (now + following[1], END, next(number), following[0]))
    return departures

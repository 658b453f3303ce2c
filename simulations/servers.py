"""Signalling servers: queues with several workers, and who is let in when."""

import heapq
from collections import deque

from scenarios.signalling import Admission, SignallingServer


class Gate:
    """Tells each who asks to join when to come back. Asked in order of time."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.next = 0
        """The next time at which there is room, ns."""
        self.taken = 0
        """Places taken in the wave of that time."""

    def slot(self, now: int) -> int:
        """When who asks ``now`` is let in, ns."""
        every, size = self.admission.every, self.admission.size
        if self.admission.policy == "none":
            return now
        if self.admission.policy == "rate":
            slot = max(now, self.next)
            self.next = slot + every // size
            return slot
        wave = -(-now // every) * every
        if wave > self.next:
            self.next, self.taken = wave, 0
        if self.taken == size:
            self.next, self.taken = self.next + every, 0
        self.taken += 1
        return self.next


class Server:
    """One signalling server: first come, first served by ``concurrency`` workers.

    Asked in order of time: as service times are known at arrival, so are the departures.
    """

    def __init__(self, record: SignallingServer) -> None:
        self.record = record
        self.alive = True
        self.life = 0
        """How often it has died: what it knew before is gone."""
        self.gate = Gate(record.admission)
        self.free = [0] * record.concurrency
        self.waiting: deque[int] = deque()
        self.refused = 0

    def ask(self, now: int, service: int) -> tuple[int, int] | None:
        """When the work on a request that arrives ``now`` begins and ends; None: refused."""
        while self.waiting and self.waiting[0] <= now:
            self.waiting.popleft()
        begin = max(now, self.free[0])
        if begin > now and len(self.waiting) >= self.record.queue:
            self.refused += 1
            return None
        if begin > now:
            self.waiting.append(begin)
        heapq.heapreplace(self.free, begin + service)
        return begin, begin + service

    def die(self) -> None:
        """Lose all requests."""
        self.alive = False
        self.life += 1
        self.free = [0] * self.record.concurrency
        self.waiting.clear()
        self.gate = Gate(self.record.admission)

    def revive(self) -> None:
        """Take requests again."""
        self.alive = True

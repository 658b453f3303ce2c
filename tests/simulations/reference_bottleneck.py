"""Senders that keep to their controllers, a bottleneck with a queue, receivers: RFC 8867's path."""

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulations.congestion import acknowledge, conclude, next_probe, note_sent, process
from simulations.controllers import make_controllers
from tests.simulations.reference_delays import MS
from tests.simulations.reference_rates import S

TICK = 25 * MS
FEEDBACK = 100 * MS
DELAY = 50 * MS  # each way
QUEUE = 300 * MS
SIZE = 1200
BITS = SIZE * 8


class Leg:
    """One controller, as its sender sees it."""

    def __init__(
        self,
        profile: str = "libwebrtc",
        start: int = 300_000,
        minimum: int = 10_000,
        maximum: int = 10_000_000,
    ) -> None:
        self.controller: Any = make_controllers(1, profile, start, minimum, maximum)[0]

    @property
    def target(self) -> int:
        return int(self.controller["target"])

    @property
    def probe(self) -> int:
        return int(self.controller["probe"])

    def read(self, packets: "list[Packet]", now: int) -> None:
        """Take a feedback message."""
        for packet in packets:
            arrival = -1 if packet.arrival is None else packet.arrival
            acknowledge(self.controller, packet.sent, arrival, SIZE, packet.probe)
        conclude(self.controller, now)

    def process(self, now: int) -> None:
        process(self.controller, now)

    def next_probe(self, now: int, sending: int, wanted: int, limited: bool) -> int:
        if sending > 0:
            note_sent(self.controller, now)
        return int(next_probe(self.controller, now, wanted, limited))


@dataclass
class Packet:
    sent: int
    arrival: int | None  # None: lost
    probe: int


@dataclass
class Sender:
    """Sends packets of one size, evenly, at its target or the rate of its application."""

    leg: Leg
    begin: int = 0
    application: int | None = None  # bit/s
    wanted: int = 0
    asks: bool = False  # it could use more than it sends, and says that it is the limit
    packets: list[Packet] = field(default_factory=list)
    targets: list[tuple[int, int]] = field(default_factory=list)
    unreported: deque[Packet] = field(default_factory=deque)
    probes: list[tuple[int, int]] = field(default_factory=list)
    cluster: deque[int] = field(default_factory=deque)  # when its packets are sent

    def __post_init__(self) -> None:
        self.next = self.begin

    @property
    def rate(self) -> int:
        target = self.leg.target
        return target if self.application is None else min(target, self.application)

    def tick(self, now: int) -> list[tuple[int, int]]:
        """What is sent until the next tick: (time, number of the probe)."""
        self.leg.process(now)
        self.targets.append((now, self.leg.target))
        if not self.cluster and now >= self.begin:
            rate = self.leg.next_probe(now, self.rate, self.wanted, self.asks)
            if rate:
                self.probes.append((now, rate))
                count = max(5, math.ceil(rate * 0.015 / BITS))
                self.cluster.extend(now + i * BITS * S // rate for i in range(count))
        sent = []
        while self.cluster and self.cluster[0] < now + TICK:
            sent.append((self.cluster.popleft(), self.leg.probe))
            self.next = max(self.next, sent[-1][0] + BITS * S // self.rate)
        while not self.cluster and self.next < now + TICK:
            self.next = max(self.next, now)
            sent.append((self.next, 0))
            self.next += BITS * S // self.rate
        return sent

    # what came of it; times in seconds

    def target_at(self, time: float) -> int:
        return next(target for at, target in reversed(self.targets) if at <= time * S)

    def reaches(self, target: float, since: float) -> float:
        """Seconds from ``since`` until the target is at least ``target``; inf: never."""
        return next(
            (at / S - since for at, now in self.targets if at >= since * S and now >= target),
            math.inf,
        )

    def falls(self, target: float, since: float) -> float:
        """Seconds from ``since`` until it is at most ``target``."""
        return next(
            (at / S - since for at, now in self.targets if at >= since * S and now <= target),
            math.inf,
        )

    def carried(self, begin: float, end: float) -> float:
        """bit/s that arrived."""
        count = sum(
            1 for packet in self.packets if packet.arrival and begin <= packet.arrival / S < end
        )
        return count * BITS / (end - begin)

    def queueing(self, begin: float, end: float) -> list[float]:
        """ms that each packet waited and took at the bottleneck."""
        return [
            (packet.arrival - packet.sent - DELAY) / MS
            for packet in self.packets
            if packet.arrival is not None and begin <= packet.sent / S < end
        ]


@dataclass
class Bottleneck:
    """Takes turns: first come, first served; what would wait more than 300 ms is dropped."""

    capacity: Sequence[tuple[float, float]]  # from which second on, bit/s
    free: int = 0

    def carry(self, sent: int) -> int | None:
        """When a packet arrives; None: never."""
        begin = self._work(self.free, 0.0)
        if max(begin, self.free) - sent > QUEUE:
            return None
        end = self._work(max(sent, self.free), BITS)
        if end - sent > 60 * S:
            return None
        self.free = end
        return end + DELAY

    def _work(self, begin: int, bits: float) -> int:
        """When ``bits`` are through, from ``begin`` on."""
        ends = [int(at * S) for at, _ in self.capacity[1:]] + [10**15]
        for (_, rate), end in zip(self.capacity, ends, strict=True):
            if begin >= end:
                continue
            if rate > 0 and bits <= (end - begin) * rate / S:
                return begin + int(bits * S / rate)
            bits -= (end - begin) * rate / S
            begin = end
        return begin


def play(
    senders: Sequence[Sender],
    capacity: Sequence[tuple[float, float]],
    until: float,
    is_lost: Callable[[int], bool] = lambda _sent: False,
    hears: Callable[[int], bool] = lambda _now: True,
    jitter: Callable[[int], int] = lambda _sent: 0,
) -> None:
    """Let the senders share a bottleneck for ``until`` seconds.

    Args:
        is_lost, jitter: of a packet's time of sending; ns that it takes after the bottleneck.
        hears: whether feedback sent at a time comes through.
    """
    path = Bottleneck(capacity)
    mail: list[tuple[int, int, Sender, list[Packet]]] = []
    number = itertools.count()
    for now in range(0, int(until * S), TICK):
        while mail and mail[0][0] <= now:
            _, _, sender, packets = heapq.heappop(mail)
            sender.leg.read(packets, now)
        sending = [
            (sent, i, probe) for i, sender in enumerate(senders) for sent, probe in sender.tick(now)
        ]
        for sent, i, probe in sorted(sending):
            arrival = None if is_lost(sent) else path.carry(sent)
            if arrival is not None:
                arrival += jitter(sent)
            packet = Packet(sent, arrival, probe)
            senders[i].packets.append(packet)
            senders[i].unreported.append(packet)
        if (now + TICK) % FEEDBACK == 0:
            for sender in senders:
                packets = _report(sender.unreported, now + TICK)
                if packets and hears(now):
                    heapq.heappush(mail, (now + TICK + DELAY, next(number), sender, packets))


def _report(unreported: deque[Packet], now: int) -> list[Packet]:
    """All up to the last one that has arrived; what is missing among them is lost."""
    arrived = [i for i, packet in enumerate(unreported) if packet.arrival and packet.arrival <= now]
    return [unreported.popleft() for _ in range(arrived[-1] + 1)] if arrived else []

"""Probes, plainly: when, how fast, and what they show. Rates in bit/s, times in ns."""

from dataclasses import dataclass, field

from tests.simulations.reference_delays import MS
from tests.simulations.reference_rates import S


@dataclass
class Cluster:
    rate: int
    packets: list[tuple[int, int, int]] = field(default_factory=list)  # sent, arrival, size

    def result(self) -> tuple[float, bool] | None:
        """The rate, and whether it fills the link."""
        total = sum(size for _, _, size in self.packets)
        if len(self.packets) < 4 or total < 0.8 * self.rate * 0.015 / 8:
            return None
        by_sent = max(self.packets, key=lambda packet: packet[0])
        by_arrival = min(self.packets, key=lambda packet: packet[1])
        sending = by_sent[0] - min(packet[0] for packet in self.packets)
        receiving = max(packet[1] for packet in self.packets) - by_arrival[1]
        if not (0 < sending <= S and 0 < receiving <= S):
            return None
        sent = (total - by_sent[2]) * 8 * S / sending
        received = (total - by_arrival[2]) * 8 * S / receiving
        if received > 2 * sent:
            return None
        if received < 0.9 * sent:
            return 0.95 * received, True
        return min(sent, received), False


@dataclass
class Probing:
    estimate: int
    maximum: int
    begun: bool = False  # the first probes
    clusters: dict[int, Cluster] = field(default_factory=dict)
    planned: list[int] = field(default_factory=list)
    busy_until: int = 0
    result: float | None = None
    full: bool = False  # the last result is all that the link carries
    lead_on: float | None = None  # a result above it leads on; None: none is waited for
    last: int | None = None
    wanted: int = 0
    asked: int = 0
    limited_since: int | None = None
    found: tuple[int, float] | None = None  # when a node's last probe was over, and what it found
    lowered: int | None = None  # when it last fell by a twentieth or more
    drop: tuple[int, int] | None = None  # when, from
    drop_probe: int | None = None

    def take(self, number: int, sent: int, arrival: int, size: int) -> None:
        if number in sorted(self.clusters)[-2:]:
            self.clusters[number].packets.append((sent, arrival, size))
            shown = self.clusters[number].result()
            if shown is not None:
                self.result, self.full = shown

    def note(self, estimate: int, barred: bool, now: int) -> None:
        if estimate < 0.95 * self.estimate:
            self.lowered = now
        if estimate < 0.66 * self.estimate:
            self.drop = now, self.estimate
        self.estimate = estimate
        if self.lead_on is not None and estimate > self.lead_on:
            self._plan([2 * estimate], True, barred, now)

    def recover(self, now: int) -> None:
        if not self.begun or self.lead_on is not None or self.drop is None:
            return
        at, before = self.drop
        rate = int(0.85 * before)
        fresh = self.drop_probe is None or now - self.drop_probe > 5 * S
        if 0.95 * rate > self.estimate and now - at < 5 * S and fresh:
            self.drop_probe = now
            self._plan([rate], False, False, now)

    def look(self, wanted: int, limited: bool, barred: bool, now: int) -> None:
        self.wanted = wanted
        if not limited:
            self.limited_since = None
        elif self.limited_since is None:
            self.limited_since = now
        if not self.begun:
            self._plan([3 * self.estimate, 6 * self.estimate], True, barred, now)
            return
        if self.last is not None and now - self.last > S:
            self.lead_on = None
        if wanted <= self.estimate or 1.25 * wanted < self.asked:
            self.asked = wanted
        if self.lead_on is not None:
            return
        assert self.last is not None
        if now - self.last < S:
            return
        idle_since = self.last if self.limited_since is None else max(self.limited_since, self.last)
        quiet = self.lowered is None or now - self.lowered >= 2 * S
        failed = (
            self.found is not None
            and now - self.found[0] < 5 * S
            and self.found[1] < 0.95 * self.asked
        )
        if limited and wanted > 1.25 * self.asked and not barred and not failed:
            self.asked = wanted
            rates = [min(wanted, 2 * self.estimate), min(2 * wanted, 2 * self.estimate)]
            self._plan(rates, True, barred, now)
        elif now - idle_since >= 5 * S and (limited or quiet):
            rate = 2 * self.estimate if limited else int(1.5 * self.estimate)
            self._plan([rate], limited, barred, now)

    def start(self, number: int, now: int) -> int:
        if not self.planned or now < self.busy_until:
            return 0
        rate = self.planned.pop(0)
        self.clusters[number] = Cluster(rate)
        self.busy_until = now + max(15 * MS, 5 * 1250 * 8 * S // rate)
        return rate

    def _plan(self, rates: list[int], leads_on: bool, barred: bool, now: int) -> None:
        if barred:
            return
        most = min(self.maximum, 2 * self.wanted) if self.wanted else self.maximum
        if self.estimate >= most:
            self.lead_on = None
            return
        self.begun = True
        self.last = now
        self.lead_on = None
        self.planned = []
        for rate in rates:
            if self.planned and rate <= self.planned[0]:
                continue
            self.planned.append(min(rate, most))
            if rate >= most:
                return
        if leads_on:
            self.lead_on = int(0.7 * self.planned[-1])

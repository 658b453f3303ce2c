"""One leg's congestion control, plainly, from the parts in `reference_delays` and the others."""

from dataclasses import dataclass, field

from tests.simulations.reference_delays import (
    MS,
    NORMAL,
    OVERUSING,
    UNDERUSING,
    Detector,
    Groups,
    Kalman,
    Trendline,
)  # fmt: skip
from tests.simulations.reference_probing import Probing
from tests.simulations.reference_rates import LossControl, RateControl, S, Throughput, Window


@dataclass
class Controller:
    drafted: bool
    target: int
    minimum: int
    maximum: int
    rtt: int = 0
    last_sent: int | None = None
    heard: int | None = None
    round_trip: int = 0
    probe: int = 0
    newest: int | None = None
    transits: list[int] = field(default_factory=list)
    recovered: bool = False
    overused: int | None = None  # as drafted, last
    limited: bool = False
    forwards: bool = False
    loss: float = 0.0

    def __post_init__(self) -> None:
        self.throughput = Throughput()
        self.window = Window()
        self.rate = RateControl(float(self.target), self.drafted, float(self.minimum))
        self.losses = LossControl(float(self.target), self.drafted)
        self.probing = Probing(self.target, self.maximum)
        self._restart()

    def _restart(self) -> None:
        self.groups = Groups(None if self.drafted else 100 * MS)
        self.filter: Trendline | Kalman = Kalman() if self.drafted else Trendline()
        self.detector = Detector(self.drafted)

    def acknowledge(self, sent: int, arrival: int, size: int, probe: int) -> None:
        self.losses.outcomes.append(arrival < 0)
        if arrival < 0:
            return
        self.transits.append(arrival - sent)
        self.last_sent = sent if self.last_sent is None else max(self.last_sent, sent)
        if self.newest is None:
            self.newest = arrival
        if arrival - self.newest > 2 * S:
            self._restart()
        self.newest = max(self.newest, arrival)
        if self.drafted:
            self.window.take(arrival, size)
        else:
            self.throughput.take(sent, arrival, size)
            self.probing.take(probe, sent, arrival, size)
        delta = self.groups.take(sent, arrival)
        if delta is None:
            return
        scaled = self.filter.take(delta)
        trend = self.filter.slope if isinstance(self.filter, Trendline) else self.filter.estimate
        before = self.detector.usage
        if self.filter.count > 1:
            self.detector.take(scaled, trend, delta)
        self.recovered |= before == UNDERUSING and self.detector.usage == NORMAL

    def conclude(self, now: int) -> None:
        if self.transits:
            assert self.newest is not None
            self.round_trip = max(now - self.newest + min(self.transits), 1)
            self.heard = now
            if self.rtt == 0:
                self.rtt = self.round_trip
            else:
                self.rtt += int(0.3 * (self.round_trip - self.rtt))
        if self.losses.tell(now):
            self.loss = self.losses.share
            if self.drafted:
                self.losses.regulate_as_drafted(self.target)
            else:
                self._regulate(now)
        if self.transits and self.drafted:
            if self.detector.usage == OVERUSING:
                self.overused = now
            self.rate.update(self.detector.usage, self.window.rate, None, self.rtt, now)
        elif self.transits:
            self._follow_delay(now)
        if self.drafted:
            self._aim(self.losses.limit, self.rate.estimate)
        self.transits = []
        self.recovered = False

    def _follow_delay(self, now: int) -> None:
        arrived, shown = self.throughput.rate, self.probing.result
        self.probing.result = None
        probed = shown
        if probed is not None and arrived is not None:
            probed = max(probed, min(self.rate.estimate, 0.85 * arrived))
        if probed is not None and self.forwards:
            self.probing.found = now, probed
        usage, found = self.detector.usage, self.probing.found
        if usage == OVERUSING and found is not None and now - found[0] < S:
            arrived = max(arrived or 0.0, found[1])
        elif usage == OVERUSING and self.limited:
            arrived = max(arrived or 0.0, self.rate.estimate)
        self.rate.update(usage, arrived, probed, self.rtt, now)
        if probed is not None and usage != OVERUSING:
            if self.probing.full and probed == shown:
                self.rate.capacity.mean = probed / 1000
                self.rate.capacity.summit = probed
            elif self.rate.capacity.is_below(probed):
                self.rate.capacity.mean = None
            self.throughput.free_at = now
            self.losses.history = []
            self._aim(self.rate.estimate, self.rate.estimate)
        else:
            self._aim(self.target, self.rate.estimate)
        self.probing.note(self.target, self.barred, now)
        if self.recovered:
            self.probing.recover(now)

    def process(self, now: int) -> None:
        if self.heard is None:
            self.heard = self.last_sent
        if self.drafted:
            if self.silent:
                self._back_off(now)
        else:
            self._regulate(now)
            self.probing.note(self.target, self.barred, now)

    def next_probe(self, now: int, sending: int, wanted: int, limited: bool) -> int:
        if sending > 0:
            self.last_sent = now if self.last_sent is None else max(self.last_sent, now)
        if self.last_sent is not None and now - self.last_sent > 2 * S:
            self.heard = self.last_sent if self.heard is None else max(self.heard, self.last_sent)
            self.round_trip, self.detector.usage, self.loss = 0, NORMAL, 0.0
        if self.drafted:
            pause = 15 * S if self.forwards else 5 * S
            rests = self.overused is not None and now - self.overused < pause
            full = rests or self.barred or self.loss > 0.1
            if full or not limited or min(wanted, self.maximum) <= self.target:
                return 0
            self.probe = 2 if self.probe == 1 else 1
            return self.target
        if not limited and self.probing.limited_since is not None:
            self.throughput.free_at = now
        losing = not limited and self.loss > 0.1
        self.probing.look(wanted, limited, losing or self.barred, now)
        rate = self.probing.start(self.probe + 1, now)
        self.probe += rate > 0
        return rate

    @property
    def silent(self) -> bool:
        if self.heard is None or self.last_sent is None:
            return self.round_trip > 3 * S
        return self.round_trip + max(self.last_sent - self.heard, 0) > 3 * S

    @property
    def barred(self) -> bool:
        return self.detector.usage != NORMAL or self.silent

    def _regulate(self, now: int) -> None:
        if self.silent:
            self._back_off(now)
            return
        allowed = self.losses.regulate(self.target, self.rate.estimate, self.rtt, now)
        self._aim(allowed, self.rate.estimate)

    def _back_off(self, now: int) -> None:
        last = self.losses.decreased
        if self.target > 5000 and (last is None or now - last >= S):
            self.losses.decreased = now
            self.losses.limit = max(0.8 * self.target, 5000)
            self._aim(self.losses.limit, self.losses.limit)

    def _aim(self, rate: float, limit: float) -> None:
        self.target = int(max(min(rate, limit, self.maximum), self.minimum))

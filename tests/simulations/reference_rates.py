"""Rates that arrive, rate control and loss-based control, plainly.

Times are integer nanoseconds, rates bit/s. None stands for what is not known.
"""

import math
from dataclasses import dataclass, field

from tests.simulations.reference_delays import MS, NORMAL, OVERUSING, UNDERUSING

HOLD, INCREASE, DECREASE = 0, 1, 2
S = 1000 * MS


@dataclass
class Throughput:
    """libwebrtc's acknowledged bitrate, in kbit/s inside."""

    estimate: float | None = None
    variance: float = 50.0
    window: int = 0  # ns of the window that have passed
    sizes: list[int] = field(default_factory=list)
    last: int | None = None
    free_at: int | None = None

    @property
    def rate(self) -> float | None:
        return None if self.estimate is None else self.estimate * 1000

    def take(self, sent: int, arrival: int, size: int) -> None:
        if self.free_at is not None and sent > self.free_at:
            self.variance += 200
            self.free_at = None
        length = 500 * MS if self.estimate is None else 150 * MS
        if self.last is not None:
            arrival = max(arrival, self.last)
            self.window += arrival - self.last
            if arrival - self.last > length:
                self.sizes = []
                self.window = self.window % length
        self.last = arrival
        if self.window >= length:
            self._update(8 * sum(self.sizes) / (length / MS))
            self.window -= length
            self.sizes = []
        self.sizes.append(size)

    def _update(self, sample: float) -> None:
        if self.estimate is None:
            self.estimate = sample
            return
        noise = (10 * abs(self.estimate - sample) / self.estimate) ** 2
        prior = self.variance + 5
        self.estimate = (noise * self.estimate + prior * sample) / (noise + prior)
        self.variance = noise * prior / (noise + prior)


@dataclass
class Window:
    """The draft's: what came in the last 20 complete twentieths of half a second."""

    packets: list[tuple[int, int]] = field(default_factory=list)  # bucket, size

    def take(self, arrival: int, size: int) -> None:
        bucket = arrival // (25 * MS)
        if self.packets:
            bucket = max(bucket, self.packets[-1][0])
        self.packets.append((bucket, size))

    @property
    def rate(self) -> float | None:
        if not self.packets:
            return None
        newest = self.packets[-1][0]
        if newest - self.packets[0][0] < 20:
            return None
        return sum(size for at, size in self.packets if newest - 20 <= at < newest) * 8 / 0.5


@dataclass
class Capacity:
    """The link's, kbit/s, from the rates that arrived when there was overuse."""

    mean: float | None = None
    variance: float = 0.4  # relative to the mean
    summit: float = 0.0  # bit/s

    def meet(self, rate: float) -> None:
        self.summit = 0.925 * rate if rate < self.summit else rate
        sample = rate / 1000
        self.mean = sample if self.mean is None else 0.95 * self.mean + 0.05 * sample
        seen = (self.mean - sample) ** 2 / max(self.mean, 1.0)
        self.variance = min(max(0.95 * self.variance + 0.05 * seen, 0.4), 2.5)

    def is_below(self, rate: float) -> bool:
        """Whether ``rate`` is out of reach above it."""
        return self.mean is not None and rate > 1000 * (self.mean + 3 * self._deviation())

    def is_above(self, rate: float) -> bool:
        return self.mean is not None and rate < 1000 * (self.mean - 3 * self._deviation())

    def _deviation(self) -> float:
        assert self.mean is not None
        return math.sqrt(self.variance * self.mean)


def packet_bits(rate: float) -> float:
    per_frame = rate / 30
    return per_frame / max(math.ceil(per_frame / 9600), 1)


@dataclass
class RateControl:
    """The delay-based estimate."""

    estimate: float
    drafted: bool
    minimum: float
    state: int = HOLD
    changed: int | None = None
    known: float = 0.0  # last known rate that arrives
    capacity: Capacity = field(default_factory=Capacity)

    def __post_init__(self) -> None:
        self.known = self.estimate

    def set(self, estimate: float, now: int) -> None:
        self.estimate = max(estimate, self.minimum)
        self.changed = now

    def update(
        self, usage: int, arrived: float | None, probed: float | None, rtt: int, now: int
    ) -> None:
        rtt = rtt or 200 * MS
        if self.drafted:
            self._update_as_drafted(usage, arrived, rtt, now)
        elif usage != OVERUSING and probed is not None:
            self.set(probed, now)
        elif usage != OVERUSING:
            self._update(usage, arrived, rtt, now)
        else:
            patience = min(max(rtt, 10 * MS), 200 * MS)
            waited = self.changed is None or now - self.changed >= patience
            if arrived is None and waited:
                self.set(self.estimate / 2, now)
            elif arrived is not None and (waited or arrived < self.estimate / 2):
                self._update(usage, arrived, rtt, now)

    def _update(self, usage: int, arrived: float | None, rtt: int, now: int) -> None:
        if arrived is not None:
            self.known = arrived
        arrived = self.known
        match usage:
            case 1:
                self.state = DECREASE
            case 2:
                self.state = HOLD
            case 0 if self.state != INCREASE:
                self.state = INCREASE
                self.changed = now
        if self.state == INCREASE:
            if self.capacity.is_below(arrived):
                self.capacity.mean = None
            self._increase(1.5 * arrived + 10_000, rtt, now)
        elif self.state == DECREASE:
            wanted = 0.85 * arrived
            if wanted > self.estimate and self.capacity.mean is not None:
                wanted = 0.85 * self.capacity.mean * 1000
            self.estimate = min(self.estimate, wanted)
            if self.capacity.is_above(arrived):
                self.capacity.mean = None
            self.capacity.meet(arrived)
            self.changed = now
        self.estimate = max(self.estimate, self.minimum)

    def _increase(self, limit: float, rtt: int, now: int) -> None:
        assert self.changed is not None
        seconds = (now - self.changed) / S
        self.changed = now
        if self.estimate >= limit:
            return
        if self.capacity.mean is None:
            grown = max(self.estimate * 1.08 ** min(seconds, 1), self.estimate + 1000)
        else:
            half_responses = seconds * S / (rtt + 100 * MS) / 2
            by_packets = self.estimate + half_responses * packet_bits(self.estimate)
            least = self.estimate + 4000 * seconds
            summit = self.capacity.summit
            nearer = self.estimate + min(half_responses, 1) * (summit - self.estimate)
            grown = max(by_packets, nearer, least)
        self.estimate = min(grown, limit)

    def _update_as_drafted(self, usage: int, arrived: float | None, rtt: int, now: int) -> None:
        table = {
            (OVERUSING, HOLD): DECREASE,
            (OVERUSING, INCREASE): DECREASE,
            (OVERUSING, DECREASE): DECREASE,
            (NORMAL, HOLD): INCREASE,
            (NORMAL, INCREASE): INCREASE,
            (NORMAL, DECREASE): HOLD,
            (UNDERUSING, HOLD): HOLD,
            (UNDERUSING, INCREASE): HOLD,
            (UNDERUSING, DECREASE): HOLD,
        }
        self.state = table[usage, self.state]
        seconds = math.inf if self.changed is None else (now - self.changed) / S
        self.changed = now
        if self.state == INCREASE:
            rate = -1.0 if arrived is None else arrived
            if self.capacity.is_below(rate):
                self.capacity.mean = None
            if self.capacity.mean is None or self.capacity.is_above(rate):
                grown = self.estimate * 1.08 ** min(seconds, 1)
            else:
                alpha = 0.5 * min(seconds / ((rtt + 100 * MS) / S), 1)
                grown = self.estimate + max(1000, alpha * packet_bits(self.estimate))
            if arrived is not None:
                grown = min(grown, 1.5 * arrived)
            self.estimate = max(self.estimate, grown)
        elif self.state == DECREASE and arrived is not None:
            self.estimate = max(min(self.estimate, 0.85 * arrived), self.minimum)
            self.capacity.meet(arrived)


@dataclass
class LossControl:
    limit: float
    drafted: bool
    outcomes: list[bool] = field(default_factory=list)  # since the last share: lost?
    share: float = 0.0
    looked: int | None = None  # at the packets, last
    first: int | None = None
    told: int | None = None
    decreased: int | None = None
    decreased_since: bool = False
    history: list[tuple[int, float]] = field(default_factory=list)  # bucket, rate

    def tell(self, now: int) -> bool:
        """Whether there is a new share of packets lost."""
        pause = 0 if self.drafted else S
        if not self.outcomes or (self.looked is not None and now <= self.looked + pause):
            return False
        self.looked = now
        if self.first is None:
            self.first = now
        if len(self.outcomes) < 20 and not self.drafted:
            return False
        self.share = sum(self.outcomes) / len(self.outcomes)
        self.outcomes = []
        self.told = now
        self.decreased_since = False
        return True

    def regulate(self, target: int, delay_based: float, rtt: int, now: int) -> float:
        bucket = now // (25 * MS)
        starting = self.first is None or now - self.first < 2 * S
        raised = starting and self.share < 1 / 256 and delay_based > target
        if raised:
            self.history = []
        self.history.append((bucket, target))
        if raised:
            return delay_based
        if self.told is None or now - self.told >= 6 * S:
            return target
        if self.share <= 0.02:
            recent = [rate for at, rate in self.history if at > bucket - 40]
            return math.floor(min(recent) * 1.08 + 0.5) + 1000
        waited = self.decreased is None or now - self.decreased >= 300 * MS + rtt
        if self.share > 0.1 and not self.decreased_since and waited:
            self.decreased = now
            self.decreased_since = True
            return target * (1 - self.share / 2)
        return target

    def regulate_as_drafted(self, target: int) -> None:
        if self.share < 0.02:
            self.limit = 1.05 * target
        elif self.share > 0.1:
            self.limit = target * (1 - 0.5 * self.share)

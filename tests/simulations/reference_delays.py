"""Packet groups, their delay's trend and its detector, plainly: what the kernels are held against.

Times are integer nanoseconds, as in the kernels; the rest is Python's lists and its statistics.
"""

import math
import statistics
from collections import deque
from dataclasses import dataclass, field

MS = 10**6
NORMAL, OVERUSING, UNDERUSING = 0, 1, 2


@dataclass
class Delta:
    """How much later a group was sent, and came, than the one before; and when it came."""

    sent: int
    arrival: int
    at: int


@dataclass
class Groups:
    """Packets (sent, arrival) of the group being filled, and the complete one before it."""

    longest_burst: int | None = None
    filling: list[tuple[int, int]] = field(default_factory=list)
    complete: list[tuple[int, int]] = field(default_factory=list)
    out_of_order: int = 0

    def take(self, sent: int, arrival: int) -> Delta | None:
        if not self.filling:
            self.filling = [(sent, arrival)]
            return None
        first_sent, first_arrival = self.filling[0]
        if sent < first_sent:
            return None
        last_sent = max(packet[0] for packet in self.filling)
        last_arrival = self.filling[-1][1]
        gaps = sent - last_sent, arrival - last_arrival
        burst = gaps[1] < gaps[0] and gaps[1] <= 5 * MS
        if self.longest_burst is not None and arrival - first_arrival >= self.longest_burst:
            burst = False
        if sent <= first_sent + 5 * MS or gaps[0] == 0 or burst:
            self.filling.append((sent, arrival))
            return None
        delta = None
        if self.complete:
            delta = Delta(
                last_sent - max(packet[0] for packet in self.complete),
                last_arrival - self.complete[-1][1],
                last_arrival,
            )
            if delta.arrival < 0:
                self.out_of_order += 1
                if self.out_of_order == 3:
                    self.filling, self.complete, self.out_of_order = [], [], 0
                return None
            self.out_of_order = 0
        self.complete = self.filling
        self.filling = [(sent, arrival)]
        return delta


@dataclass
class Trendline:
    count: int = 0
    delay: float = 0.0
    smoothed: float = 0.0
    slope: float = 0.0
    points: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=20))

    def take(self, delta: Delta) -> float:
        """The slope times 4 and the number of deltas up to 60."""
        self.count += 1
        self.delay += (delta.arrival - delta.sent) / MS
        self.smoothed = 0.9 * self.smoothed + 0.1 * self.delay
        self.points.append((delta.at, self.smoothed))
        # From the newest one: seen from far away, a few nanoseconds are few digits of a float.
        times = [(at - delta.at) / MS for at, _ in self.points]
        delays = [delay for _, delay in self.points]
        if len(self.points) == 20 and min(times) < max(times):
            self.slope = statistics.linear_regression(times, delays).slope
        return min(self.count, 60) * self.slope * 4


@dataclass
class Kalman:
    estimate: float = 0.0
    error: float = 0.1
    variance: float = 1.0
    intervals: list[float] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.intervals)

    def take(self, delta: Delta) -> float:
        """The estimate times the number of deltas up to 60."""
        self.intervals.append(max(delta.sent, 0) / MS)
        z = (delta.arrival - delta.sent) / MS - self.estimate
        shortest = min(self.intervals[-20:])
        alpha = (1 - 0.01) ** (30 * shortest / 1000)
        capped = min(abs(z), 3 * math.sqrt(self.variance))
        self.variance = max(alpha * self.variance + (1 - alpha) * capped**2, 1.0)
        k = (self.error + 1e-3) / (self.variance + self.error + 1e-3)
        self.error = (1 - k) * (self.error + 1e-3)
        self.estimate += k * z
        return min(self.count, 60) * self.estimate


@dataclass
class Detector:
    """``drafted``: by the draft's rules and gains, not libwebrtc's."""

    drafted: bool
    usage: int = NORMAL
    threshold: float = 12.5
    time_over: float | None = None
    samples_over: int = 0
    trend_before: float = 0.0
    last: int | None = None

    def take(self, scaled: float, trend: float, delta: Delta) -> None:
        rising = trend >= self.trend_before
        self.trend_before = trend
        if scaled > self.threshold:
            self._go_over(delta.sent / MS, rising)
        else:
            self.time_over = None
            self.samples_over = 0
            self.usage = UNDERUSING if scaled < -self.threshold else NORMAL
        self._adapt(abs(scaled), delta.at)

    def _go_over(self, passed: float, rising: bool) -> None:
        if self.time_over is not None:
            self.time_over += passed
        elif self.drafted:
            self.time_over = 0.0
        else:
            self.time_over = passed / 2
        self.samples_over += 1
        if self.drafted:
            self.usage = OVERUSING if self.time_over >= 10 and rising else NORMAL
        elif self.time_over > 10 and self.samples_over >= 2 and rising:
            self.usage = OVERUSING
            self.time_over = 0.0
            self.samples_over = 0

    def _adapt(self, size: float, at: int) -> None:
        passed = 0.0 if self.last is None else (at - self.last) / MS
        self.last = at
        if not self.drafted:
            passed = min(passed, 100.0)
        if size - self.threshold > 15:
            return
        if self.drafted:
            gain = 0.00018 if size < self.threshold else 0.01
        else:
            gain = 0.039 if size < self.threshold else 0.0087
        moved = self.threshold + gain * (size - self.threshold) * passed
        self.threshold = min(max(moved, 6.0), 600.0)

"""A voice's jitter buffer, plainly: what its kernels are held against.

Packets wait in a dictionary and transit times in a list; nothing is kept in rings or in sums. Times
are integer nanoseconds and probabilities integers of 30 bits, as libwebrtc has them.
"""

from collections import Counter
from dataclasses import dataclass, field

MS = 1_000_000
ONE = 1 << 30
NOTHING, CONCEALED, RECOVERED = -1, -2, -3


class Histogram:
    """Probabilities of delays in steps of 20 ms, in fixed point."""

    def __init__(self, buckets: int, most: float) -> None:
        self.shares = [0] * buckets
        self.most = int(most * (1 << 15))
        """What is kept of it, of 2¹⁵, when a delay is added to many."""
        self.count = 0

    def add(self, delay: int) -> None:
        """Add a delay; one that is too long does not count."""
        bucket = delay // (20 * MS)
        if bucket >= len(self.shares):
            return
        kept = 0
        if self.count >= 2:
            kept = min(self.most, int((1 << 15) * (1 - 2 / (self.count + 1))))
        self.shares = [share * kept >> 15 for share in self.shares]
        self.shares[bucket] += ((1 << 15) - kept) << 15
        self.count += 1
        short = ONE - sum(self.shares)  # what rounding took is given to the first in line
        for i, share in enumerate(self.shares):
            change = min(abs(short), share >> 4) * (1 if short > 0 else -1)
            self.shares[i] += change
            short -= change

    def beyond(self, bucket: int) -> int:
        """Probability of more than ``bucket``."""
        return ONE - sum(self.shares[: bucket + 1])


class PlainDelayManager:
    """How long to hold packets. Those before the last `forget` do not matter."""

    def __init__(self) -> None:
        self.transits: list[tuple[int, int]] = []
        """Of the packets of this media clock: media time in 250 ms, and transit time."""
        self.front = 0
        self.packets = 0
        self.since: int | None = None
        self.worst = 0
        self.delays = Histogram(100, 0.983)
        self.optimum = 0
        self.reorders = Histogram(50, 0.9993)
        self.reordering = False

    def forget(self) -> None:
        self.packets = 0

    @property
    def recent(self) -> list[int]:
        """Transit times of the last 2 s of media time."""
        return [transit for step, transit in self.transits if step > self.front - 8]

    def observe(self, captured: int, arrival: int, duration: int, reordered: bool) -> int:
        """Take a packet; the target delay."""
        step = captured // (250 * MS)
        if self.packets == 0 or step <= self.front - 8:  # another clock, or as good as one
            self.transits, self.front = [], step
        self.front = max(self.front, step)
        self.transits.append((step, arrival - captured))
        self.packets += 1
        if self.packets > 1:
            delay = arrival - captured - min(self.recent)
            if not reordered:
                self._sample(arrival, delay)
            self._count_reordering(delay if reordered else None)
        target = self.optimum or 80 * MS
        if self.reordering:
            target = max(target, self._worth_waiting(target))
        return min(target, 150 * duration)

    def _sample(self, arrival: int, delay: int) -> None:
        """Only the worst delay of each half second counts."""
        if self.since is None:
            self.since = arrival
        if arrival > self.since + 500 * MS:
            self.delays.add(self.worst)
            if self.delays.count > 0:
                within = [i for i in range(100) if self.delays.beyond(i) <= ONE - int(ONE * 0.95)]
                self.optimum = (1 + min(within, default=99)) * 20 * MS
            self.since, self.worst = arrival, 0
        self.worst = max(self.worst, delay)

    def _count_reordering(self, delay: int | None) -> None:
        """``delay`` of a packet that others overtook, or None of one in order."""
        if delay is None and not self.reordering:
            self.reorders.count += 1
        elif delay is None or delay < 1000 * MS:
            if not self.reordering:
                self.reorders.shares = [ONE] + [0] * 49
            self.reorders.add(delay or 0)
            self.reordering = self.reorders.shares[0] != ONE

    def _worth_waiting(self, base: int) -> int:
        """20 ms more of delay are worth as much as one per cent of loss."""

        def cost(bucket: int) -> int:
            more = max(0, bucket * 20 * MS - base) // MS
            return more * ONE + 100 * 20 * self.reorders.beyond(bucket)

        return (1 + min(range(50), key=cost)) * 20 * MS


@dataclass
class Packet:
    captured: int
    arrival: int
    duration: int
    clock: int
    fec: bool


@dataclass
class PlainJitterBuffer:
    """One voice. What is played next, and when, is planned as soon as the first in line changes."""

    room: int = 256
    manager: PlainDelayManager = field(default_factory=PlainDelayManager)
    counts: Counter[str] = field(default_factory=Counter)
    waiting: dict[int, Packet] = field(default_factory=dict)
    came: dict[int, int] = field(default_factory=dict)
    """The newest number of each remainder, of those that came."""
    clock: int = 0
    playing: int = 0
    """The clock that is being played; 0: none yet, −1: one that was given up."""
    next: int = 0
    newest: int = 0
    duration: int = 0
    target: int = 0
    position: int = 0
    """Media time up to which has been played."""
    delay: int = 0
    gap: int = 0
    broken: bool = False
    hidden: bool = False
    plan: tuple[int, int, int] = (0, 0, 0)
    """Media time from which on is played next, its delay, and when."""

    # ------------------------------------------------------------ packets come

    def insert(self, number: int, captured: int, arrival: int, duration: int, fec: bool) -> None:
        if self.clock == 0:
            self.clock, self.next, self.newest = 1, number, number - 1
        if self.came.get(number % self.room, -1) == number:
            return
        self.duration = duration
        self.target = self.manager.observe(captured, arrival, duration, number < self.newest)
        late = number < self.next
        full = len(self.waiting) >= min(self.room, 200)
        if not late and self.waiting and (full or number - min(self.waiting) >= self.room):
            self._give_up(number)
        if late or (self.waiting and self.newest - number >= self.room):
            self.counts["discarded"] += 1
            if late:
                self.came[number % self.room] = max(self.came.get(number % self.room, -1), number)
            return
        self.came[number % self.room] = number
        self.waiting[number] = Packet(captured, arrival, duration, self.clock, fec)
        self.newest = max(self.newest, number)
        if number == min(self.waiting):
            self._plan()

    def restart(self) -> None:
        """Another speaker's packets come from now on."""
        if self.clock > 0:
            self.clock += 1
            self.manager.forget()

    def _give_up(self, number: int) -> None:
        self.counts["discarded"] += len(self.waiting)
        self._conceal(number - self.next)
        self.broken, self.gap, self.playing = True, 1000 * MS, -1
        self.next, self.waiting = number, {}

    # ------------------------------------------------------------ and are played

    def play(self, until: int) -> list[int]:
        """What is played up to ``until``: delays of packets, CONCEALED or RECOVERED."""
        played = []
        while self.waiting and self.plan[2] <= until:
            first = min(self.waiting)
            if first == self.next:
                played.append(self._play_packet(self.waiting.pop(first)))
            else:
                played.append(self._fill_in(first - self.next, self.waiting[first]))
            if self.waiting:
                self._plan()
        return played

    def _plan(self) -> None:
        first = min(self.waiting)
        packet, missing = self.waiting[first], first - self.next
        current = packet.clock == self.clock
        low = min(self.manager.recent) if current else packet.arrival - packet.captured
        begin = packet.captured - missing * self.duration
        end, delay = self.position + self.delay, self.delay
        if packet.clock != self.playing:  # a stream begins
            delay = low + self.target // 2
            if self.playing == 0:
                end = begin + delay
            begin = max(begin, min(packet.captured, end - delay))
        elif begin > self.position and current:  # a pause, after which the delay is free
            over = min(max(delay - low, self.target // 2), self.target + 50 * MS)
            delay = low + over
        elif begin < self.position and missing > 0:
            begin = min(self.position, packet.captured)
        delay = max(delay, end - begin)
        due = begin + delay
        self.plan = begin, delay, due if missing else max(due, packet.arrival)

    def _play_packet(self, packet: Packet) -> int:
        begin, delay, due = self.plan
        waited = due - begin - delay
        self.counts["concealed_time"] += min(waited, max(1000 * MS - self.gap, 0))
        heard = self.delay = due - packet.captured
        speech = packet.clock == self.playing == self.clock and begin == self.position
        if speech and waited == 0 and not self.broken:
            self._stretch(packet.duration)
        self.position, self.playing = packet.captured + packet.duration, packet.clock
        self.counts["played"] += 1
        self.gap, self.broken, self.hidden = 0, False, False
        self.next += 1
        return max(heard, 0)

    def _stretch(self, duration: int) -> None:
        recent = self.manager.recent
        over = self.delay - min(recent)
        most = self.target + max(recent) - min(recent) + 20 * MS
        if over < self.target:
            change = min(duration // 10, self.target - over)
            self.counts["decelerated"] += change
            self.delay += change
        elif over > most:
            change = min(duration // (4 if over >= 4 * most else 10), over - most)
            self.counts["accelerated"] += change
            self.delay -= change

    def _fill_in(self, missing: int, following: Packet) -> int:
        begin, self.delay, due = self.plan
        self.playing, self.broken = following.clock, True
        length = min(self.duration, following.captured - begin)
        if missing == 1 and following.fec and following.arrival <= due and length > 0:
            self.counts["recovered"] += 1
            self.position, self.hidden = begin + length, False
            self.next += 1
            return RECOVERED
        if self.gap >= 1000 * MS or length <= 0:
            self.position = max(begin, following.captured)
        else:
            missing = 1
            self.position = begin + length
            self.gap += length
            self.counts["concealed_time"] += length
        self.next += missing
        self._conceal(missing)
        return CONCEALED

    def _conceal(self, packets: int) -> None:
        self.counts["concealed"] += packets
        self.counts["runs"] += not self.hidden
        self.hidden = True

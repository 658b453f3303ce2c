"""What a receiver of RTP knows of a stream: counts, jitter, gaps (RFC 3550 §§ 6.4, A.1, A.3, A.8).

Pure: arrival times are arguments.
"""

from enum import Enum

from reference_sfu.rtcp import ReportBlock

MAX_DROPOUT = 3000
MAX_MISORDER = 1024
"""Behind by more is no late packet, but one of a stream that began anew, or a stray."""
NACK_TRIES = 10
NACK_INTERVAL_NS = 100_000_000
STALE_NS = 500_000_000
"""A packet that could have been asked for this long ago is of no use any more."""
MAX_MISSING = 256
"""Missing packets that are asked for at a time; with more, a key frame is the better cure."""


class Arrival(Enum):
    """What a packet is to its stream."""

    NEXT = "in order, perhaps after a gap"
    LATE = "late, or sent again"
    RESTART = "the first of a stream that began anew"
    STRAY = "a duplicate, or far from all others"


class Reception:
    """The state of one stream that is received."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.received = 0
        self.bytes = 0
        self.bitrate = 0.0
        """Bits per second over the last whole measurement, of RTP packets."""
        self.missing: dict[int, tuple[int, int]] = {}
        """Tries left, and when to ask next, by sequence number."""
        self._clock_rate = clock_rate
        self._base = self._highest = -1  # extended
        self._bad = -1
        self._transit = self._jitter = 0.0
        self._prior = (0, 0)  # expected and received at the last report
        self._measured_ns: int | None = None
        self._measured_bytes = 0

    def take(self, sequence: int, timestamp: int, size: int, now_ns: int) -> Arrival:
        """Count a packet of ``size`` bytes that comes at ``now_ns``."""
        arrival = self._place(sequence, now_ns)
        if arrival is Arrival.STRAY:
            return arrival
        self.received += 1
        self.bytes += size
        if arrival is not Arrival.LATE:
            self._measure_jitter(timestamp, now_ns, arrival)
        return arrival

    def _place(self, sequence: int, now_ns: int) -> Arrival:
        if self._highest < 0:
            self._base = self._highest = sequence + (1 << 16)
            return Arrival.NEXT
        ahead = (sequence - self._highest) & 0xFFFF
        if 0 < ahead < MAX_DROPOUT:
            if ahead > 1:
                self._miss(range(self._highest + 1, self._highest + ahead), now_ns)
            self._highest += ahead
            self._bad = -1
            return Arrival.NEXT
        if ahead > 0xFFFF - MAX_MISORDER:
            wanted = self.missing.pop(sequence, None) is not None
            return Arrival.LATE if wanted else Arrival.STRAY
        if sequence == self._bad:  # two in a row: the source did begin anew
            self._base = self._highest = sequence + (1 << 16)
            self._prior = (0, 0)
            self.received = 0
            self.missing.clear()
            self._bad = -1
            return Arrival.RESTART
        self._bad = (sequence + 1) & 0xFFFF if ahead else -1
        return Arrival.STRAY

    def _miss(self, gap: range, now_ns: int) -> None:
        if len(self.missing) + len(gap) > MAX_MISSING:
            self.missing.clear()
            return
        for each in gap:
            self.missing[each & 0xFFFF] = NACK_TRIES, now_ns

    def _measure_jitter(self, timestamp: int, now_ns: int, arrival: Arrival) -> None:
        transit = now_ns * self._clock_rate / 1e9 - timestamp
        if self.received > 1 and arrival is Arrival.NEXT:
            change = (transit - self._transit + (1 << 31)) % (1 << 32) - (1 << 31)
            self._jitter += (abs(change) - self._jitter) / 16
        self._transit = transit

    def due(self, now_ns: int) -> list[int]:
        """Missing sequence numbers to ask for now, in order; each only so often."""
        due: list[int] = []
        for sequence, (tries, at_ns) in list(self.missing.items()):
            if at_ns > now_ns:
                continue
            if now_ns - at_ns > STALE_NS:  # nobody watched when it was missed
                del self.missing[sequence]
                continue
            due.append(sequence)
            if tries > 1:
                self.missing[sequence] = tries - 1, now_ns + NACK_INTERVAL_NS
            else:
                del self.missing[sequence]
        return due

    def measure_bitrate(self, now_ns: int) -> None:
        """End a measurement of the bitrate and begin the next."""
        if self._measured_ns is not None and now_ns > self._measured_ns:
            passed = (now_ns - self._measured_ns) / 1e9
            self.bitrate = 8 * (self.bytes - self._measured_bytes) / passed
        self._measured_ns, self._measured_bytes = now_ns, self.bytes

    def report(self, last_sr: int, delay: int) -> ReportBlock:
        """A report since the last one (RFC 3550 A.3)."""
        expected = self._highest - self._base + 1 if self._highest >= 0 else 0
        prior_expected, prior_received = self._prior
        self._prior = expected, self.received
        in_interval = expected - prior_expected
        lost = in_interval - (self.received - prior_received)
        fraction = min(255, (lost << 8) // in_interval) if in_interval > 0 and lost > 0 else 0
        total = max(-(1 << 23), min((1 << 23) - 1, expected - self.received))
        highest = self._highest - (1 << 16) if self._highest >= 0 else 0
        return ReportBlock(
            self.ssrc, fraction, total, highest & 0xFFFFFFFF, int(self._jitter), last_sr, delay
        )

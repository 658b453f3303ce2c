"""Streams that publishers send, and who gets them."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from reference_sfu.codecs import CLOCK_RATES
from reference_sfu.history import History
from reference_sfu.offers import Codec
from reference_sfu.reception import Reception
from reference_sfu.rtcp import SenderReport, unix_time
from reference_sfu.rtp import Dialect

if TYPE_CHECKING:
    from reference_sfu.slots import Slot

HISTORY = {"audio": 128, "video": 1024}
"""Packets kept for retransmission: some 2 s of each."""
KEY_FRAME_INTERVAL_NS = 500_000_000
"""A publisher is asked for key frames no more often."""


class Group:
    """Rows that get a stream in the same words."""

    def __init__(self) -> None:
        self._rows: dict[int, None] = {}
        self._array: npt.NDArray[np.int32] | None = None

    def add(self, row: int) -> None:
        """``row`` gets the stream from now on."""
        self._rows[row] = None
        self._array = None

    def discard(self, row: int) -> None:
        """``row`` gets the stream no more."""
        self._rows.pop(row, None)
        self._array = None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> npt.NDArray[np.int32]:
        """All rows."""
        if self._array is None:
            self._array = np.fromiter(self._rows, np.int32, len(self._rows))
        return self._array


class Stream:
    """One encoding that a publisher sends: what is known of it and who is to get it."""

    def __init__(
        self, ssrc: int, kind: str, codec: Codec, rid: str, extensions: Mapping[str, int]
    ) -> None:
        self.ssrc = ssrc
        self.kind = kind
        self.codec = codec
        self.rid = rid
        """Which encoding it is (RFC 8851); empty where the publisher sends only one."""
        self.extensions = extensions
        self.clock_rate = CLOCK_RATES[codec.name]
        self.reception = Reception(ssrc, self.clock_rate)
        self.groups: dict[Dialect, Group] = {}
        self.waiting: set[Slot] = set()
        """Slots that switch to this stream with its next key frame."""
        self.last_ns = 0
        """When its newest packet came, on the monotonic clock."""
        self.last_report: tuple[SenderReport, int] | None = None
        """The publisher's last sender report, and when it came."""
        self.wanted_key_frame = False
        """Whether a subscriber asked for a key frame since the publisher was asked."""
        self._history: History | None = None
        self._point: tuple[int, int] | None = None
        self._asked_ns = -KEY_FRAME_INTERVAL_NS

    @property
    def history(self) -> History:
        """Its last packets; made when someone first gets the stream."""
        if self._history is None:
            self._history = History(HISTORY[self.kind])
        return self._history

    @property
    def is_wanted(self) -> bool:
        """Whether anyone gets it or waits for it."""
        return bool(self.waiting) or any(len(group) for group in self.groups.values())

    def add(self, dialect: Dialect, row: int) -> None:
        """``row`` gets the stream, in ``dialect``, from now on."""
        self.groups.setdefault(dialect, Group()).add(row)

    def discard(self, dialect: Dialect, row: int) -> None:
        """``row`` gets the stream no more."""
        group = self.groups.get(dialect)
        if group is not None:
            group.discard(row)
            if not len(group):
                del self.groups[dialect]

    def ask_for_key_frame(self, now_ns: int) -> bool:
        """Whether to ask for a key frame now; then the next may not be asked for for a while."""
        wanted = self.waiting or self.wanted_key_frame
        if not wanted or now_ns - self._asked_ns < KEY_FRAME_INTERVAL_NS:
            return False
        self._asked_ns = now_ns
        self.wanted_key_frame = False
        return True

    def restart(self) -> None:
        """Forget what came before the publisher began the stream anew."""
        self._history = None
        self._point = None
        self.last_report = None

    def hear(self, report: SenderReport, now_ns: int) -> None:
        """The publisher says where its RTP time stands."""
        self.last_report = report, now_ns
        self._point = unix_time(report.ntp), report.rtp

    def see(self, timestamp: int, unix_ns: int) -> None:
        """A packet with ``timestamp`` came at ``unix_ns``: good enough until a report comes."""
        if self.last_report is None:
            self._point = unix_ns, timestamp

    def timestamp_at(self, unix_ns: int) -> int | None:
        """RTP time at ``unix_ns``, on the publisher's own line from NTP to RTP time.

        A sender report with this point says the same as the publisher's, but with a time of the
        server's clock, from which round trips can be told.
        """
        if self._point is None:
            return None
        then_ns, timestamp = self._point
        passed = (unix_ns - then_ns) * self.clock_rate // 1_000_000_000
        return (timestamp + passed) & 0xFFFFFFFF


def last_sr_of(stream: Stream, now_ns: int) -> tuple[int, int]:
    """For a report block: middle bits of the stream's last sender report, and its age / 2⁻¹⁶ s."""
    if stream.last_report is None:
        return 0, 0
    report, came_ns = stream.last_report
    return report.ntp >> 16 & 0xFFFFFFFF, (now_ns - came_ns << 16) // 1_000_000_000 & 0xFFFFFFFF


def by_quality(streams: Iterable[Stream]) -> list[Stream]:
    """Encodings from the leanest to the richest."""
    return sorted(streams, key=lambda each: (each.reception.bitrate, each.rid))

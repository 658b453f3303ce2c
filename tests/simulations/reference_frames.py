"""A receiver of one picture, plainly: frames are sets of packets in a dictionary."""

from dataclasses import dataclass, field

MS = 1_000_000


@dataclass
class PlainFrame:
    packets: int
    key: bool
    captured: int
    came: set[int] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        return len(self.came) == self.packets


@dataclass
class PlainPicture:
    """One picture; ``room`` frames and ``window`` numbers are the bounds of what is kept."""

    room: int = 128
    window: int = 8192
    frames: dict[int, PlainFrame] = field(default_factory=dict)
    """In assembly, by the number of their first packet."""
    next: int | None = None
    decoding: bool = False
    lost_reference: bool = False
    shown: list[tuple[int, int]] = field(default_factory=list)
    """(captured, rendered) of all that was shown."""
    dropped: int = 0
    missing: int = 0
    # of asking for key frames
    wanted: bool = False
    packets_at: list[int] = field(default_factory=list)
    key_packets_at: list[int] = field(default_factory=list)
    waits_from: int = 0
    asked_at: list[int] = field(default_factory=list)

    def assemble(
        self, number: int, index: int, packets: int, key: bool, captured: int, now: int = 0
    ) -> None:
        """A packet came."""
        self.packets_at.append(now)
        if key:
            self.key_packets_at.append(now)
        first = number - index
        if self.next is None:
            self.next = first
        if first < self.next:
            return
        if first not in self.frames:
            if not 0 < packets <= self.window or not self.make_room(first, packets):
                return
            self.frames[first] = PlainFrame(packets, key, captured)
        if 0 <= index < self.frames[first].packets:
            self.frames[first].came.add(index)

    def make_room(self, first: int, packets: int) -> bool:
        """Drop what is oldest until there is room for a new frame, if the frame is not itself."""
        while self.frames:
            starts = sorted([*self.frames, first])
            newest = max(self.frames)
            end = max(first + packets, newest + self.frames[newest].packets)
            if len(self.frames) < self.room and end - starts[0] <= self.window:
                return True
            if starts[0] == first:
                return False
            keys = [k for k in starts[1:] if k < first and self.frames[k].key]
            self.decoding = False
            self.lost_reference = not keys
            self.skip_to(min(keys, default=first))
        return True

    def skip_to(self, number: int) -> None:
        """Drop all frames before ``number``, where the next one begins."""
        assert self.next is not None
        gone = [self.frames.pop(first) for first in sorted(self.frames) if first < number]
        self.dropped += len(gone)
        self.missing += number - self.next - sum(len(frame.came) for frame in gone)
        self.next = number

    def show(self, now: int) -> list[int]:
        """Show all that can be; when it was captured."""
        found = []
        while (first := self.decodable()) is not None:
            if first != self.next:
                self.skip_to(first)
            frame = self.frames.pop(first)
            self.next = first + frame.packets
            self.decoding = True
            if frame.key:
                self.lost_reference = False
            self.waits_from = now
            self.shown.append((frame.captured, now))
            found.append(frame.captured)
        return found

    def decodable(self) -> int | None:
        for first, frame in sorted(self.frames.items()):
            if frame.complete and (frame.key or (self.decoding and first == self.next)):
                return first
        return None

    def restart(self, now: int) -> None:
        """The picture is sent anew."""
        if self.frames:
            newest = max(self.frames)
            self.skip_to(newest + len(self.frames[newest].came))
        self.decoding = self.lost_reference = False
        self.waits_from = now

    def wants_key_frame(self, now: int, rtt: int) -> bool:
        """Whether to ask; asked at every tick."""
        if not self.wanted:
            return False
        patience = 3000 * MS if self.decoding else 200 * MS
        if not self.lost_reference:
            if now - self.waits_from < patience:
                return False
            self.waits_from = now
        heard = self.packets_at and now - self.packets_at[-1] < 5000 * MS
        coming = self.key_packets_at and now - self.key_packets_at[-1] < 200 * MS
        again = self.asked_at and now - self.asked_at[-1] < max(rtt, 200 * MS)
        if not heard or coming or again:
            return False
        self.asked_at.append(now)
        self.waits_from = now
        return True

"""What a subscriber gets: its slots, and what it says of them."""

from collections.abc import Iterator, Mapping

from reference_sfu import rtcp
from reference_sfu.floor import Floor
from reference_sfu.layers import Patience, choose
from reference_sfu.offers import CNAME
from reference_sfu.slots import Slot, Track
from reference_sfu.streams import by_quality

MAX_REPAIRS = 256
"""Packets that one subscriber is sent again within REPAIR_NS."""
REPAIR_NS = 200_000_000
_ACTIVE_NS = 2_000_000_000
_MAX_ROUND_TRIP_NS = 60_000_000_000


class Subscription:
    """One session's media on its way out."""

    def __init__(self, site: str, slots: list[Slot]) -> None:
        self.site = site
        self.slots = slots
        self.voices = [slot for slot in slots if slot.kind == "audio"]
        self.pictures = [slot for slot in slots if slot.kind == "video"]
        self.estimate: float | None = None
        """What it believes it can take in all, in bits per second."""
        self.round_trip_ns: int | None = None
        self.loss = 0.0
        """Share of a video slot's packets lost by its last reports; the worst slot's."""
        self._patience = Patience()
        self._repairs_left = MAX_REPAIRS
        self._repairs_ns = 0
        self._by_ssrc = {slot.ssrc: slot for slot in slots}

    def follow(self, floor: Floor, tracks: Mapping[tuple[str, str], Track]) -> None:
        """Show in each slot what ``floor`` wants there; ``tracks`` by site and kind."""
        for kind, slots, sites in (
            ("audio", self.voices, floor.voices(len(self.voices), self.site)),
            ("video", self.pictures, floor.pictures(len(self.pictures), self.site)),
        ):
            for slot, site in zip(slots, sites, strict=True):
                slot.show(None if site is None else tracks[site, kind])

    def hear(self, item: rtcp.Item, unix_ns: int, now_ns: int) -> list[bytes]:
        """Take what the subscriber reports; gives RTP packets to send it again."""
        if isinstance(item, rtcp.ReportBlock):
            self._hear_report(item, unix_ns)
        elif isinstance(item, rtcp.Estimate):
            self.estimate = float(item.bitrate)
        elif isinstance(item, rtcp.PictureLoss):
            slot = self._by_ssrc.get(item.ssrc)
            if slot is not None and slot.stream is not None and slot.kind == "video":
                slot.stream.wanted_key_frame = True
        elif isinstance(item, rtcp.Lost):
            return list(self._repair(item, now_ns))
        return []

    def _hear_report(self, block: rtcp.ReportBlock, unix_ns: int) -> None:
        slot = self._by_ssrc.get(block.ssrc)
        if slot is None:
            return
        if slot.kind == "video":
            # The worst of late: a good report only halves it.
            self.loss = max(block.fraction_lost / 256, self.loss / 2)
        if block.last_sr:
            now = rtcp.ntp_time(unix_ns) >> 16 & 0xFFFFFFFF
            passed = now - block.last_sr - block.delay & 0xFFFFFFFF
            nanoseconds = passed * 1_000_000_000 >> 16
            if nanoseconds < _MAX_ROUND_TRIP_NS:
                self.round_trip_ns = nanoseconds

    def _repair(self, item: rtcp.Lost, now_ns: int) -> Iterator[bytes]:
        slot = self._by_ssrc.get(item.ssrc)
        if slot is None:
            return
        if now_ns - self._repairs_ns >= REPAIR_NS:
            self._repairs_ns, self._repairs_left = now_ns, MAX_REPAIRS
        for sequence in item.sequences:
            if self._repairs_left <= 0:
                return
            packet = slot.repair(sequence)
            if packet is not None:
                self._repairs_left -= 1
                yield packet

    def choose_encodings(self, now_ns: int) -> None:
        """Aim each video slot at the encoding that the subscriber's link can take."""
        slots, options = [], []
        for slot in self.pictures:
            if slot.track is None or len(slot.track.streams) < 2:
                continue
            active = [
                stream
                for stream in by_quality(slot.candidates(slot.track.streams))
                if now_ns - stream.last_ns < _ACTIVE_NS
            ]
            if active:
                slots.append(slot)
                options.append(active)
        if not slots:
            return
        current = [
            next((i for i, each in enumerate(active) if each in (slot.next, slot.stream)), 0)
            if slot.next is None
            else active.index(slot.next)
            if slot.next in active
            else 0
            for slot, active in zip(slots, options, strict=True)
        ]
        fixed = sum(
            slot.stream.reception.bitrate
            for slot in self.slots
            if slot.stream is not None and slot not in slots
        )
        estimate = None if self.estimate is None else max(0.0, self.estimate - fixed)
        chosen = choose(
            [[each.reception.bitrate for each in active] for active in options],
            current, estimate, self.loss, self._patience, now_ns,
        )  # fmt: skip
        for slot, active, at in zip(slots, options, chosen, strict=True):
            if active[at] is not (slot.next or slot.stream):
                slot.aim(active[at])

    def reports(self, unix_ns: int) -> bytes | None:
        """Sender reports of all slots that sent since the last time, as one compound packet."""
        ntp = rtcp.ntp_time(unix_ns)
        parts = []
        for slot in self.slots:
            row = slot.row
            packets = int(row["packets"])
            if slot.stream is None or packets == slot.reported_packets:
                continue
            timestamp = slot.stream.timestamp_at(unix_ns)
            if timestamp is None:
                continue
            slot.reported_packets = packets
            report = rtcp.SenderReport(
                slot.ssrc,
                ntp,
                (timestamp + int(row["timestamp_shift"])) & 0xFFFFFFFF,
                packets & 0xFFFFFFFF,
                int(row["octets"]) & 0xFFFFFFFF,
            )
            parts.append(rtcp.sender_report(report) + rtcp.source_description(slot.ssrc, CNAME))
        return b"".join(parts) or None

    def close(self) -> None:
        """Give all slots back."""
        for slot in self.slots:
            slot.close()

"""What a site publishes: which packets are of which stream, and the reports it gets."""

from collections.abc import Iterator
from dataclasses import replace

from reference_sfu import rtcp, rtp
from reference_sfu.offers import CNAME, Codec, Section
from reference_sfu.rtp import Packet
from reference_sfu.slots import Track
from reference_sfu.streams import Stream, last_sr_of

MAX_STREAMS = 32
"""Streams of one publication, retransmissions among them."""
MOST_BITRATE = 4_000_000
LEAST_BITRATE = 100_000
"""Between these, in bits per second, is what a publisher is told that it may send."""
_SILENCE_NS = 2_000_000_000


class Publication:
    """One session's media on its way in."""

    def __init__(self, site: str, sections: list[Section], tracks: dict[str, Track]) -> None:
        """``tracks``: the site's, by kind."""
        self.site = site
        self.tracks = tracks
        self.streams: dict[int, Stream] = {}
        """By SSRC."""
        self._repairs: dict[int, Stream] = {}
        self.bitrate = float(MOST_BITRATE)
        """What the publisher is told that it may send, in bits per second."""
        self._closed = False
        self._sections = sections

    def place(self, packet: Packet, now_ns: int) -> tuple[Stream, Packet] | None:
        """The stream that ``packet`` is of, and the packet itself, unpacked where it is a repair.

        None where it is of no stream that was negotiated.
        """
        stream = self.streams.get(packet.ssrc)
        if stream is not None:
            known = packet.payload_type == stream.codec.payload_type
            return (stream, packet) if known else None
        stream = self._repairs.get(packet.ssrc)
        if stream is None:
            return self._meet(packet, now_ns)
        return _unpacked(stream, packet)

    def _meet(self, packet: Packet, now_ns: int) -> tuple[Stream, Packet] | None:
        """Find the stream of an SSRC that was not seen yet (RFC 8843 § 9.2, RFC 8852)."""
        if self._closed or len(self.streams) + len(self._repairs) >= MAX_STREAMS:
            return None
        for section in self._sections:
            for codec in section.codecs:
                if packet.payload_type == codec.payload_type:
                    return self._meet_stream(section, codec, packet, now_ns)
                if packet.payload_type == codec.repair_type:
                    return self._meet_repair(section, packet)
        return None

    def _meet_stream(
        self, section: Section, codec: Codec, packet: Packet, now_ns: int
    ) -> tuple[Stream, Packet] | None:
        mid = _text(section, packet, rtp.MID)
        rid = _text(section, packet, rtp.RID)
        if mid not in ("", section.mid) or (section.rids and rid not in section.rids):
            return None
        if not mid and not section.rids and section.ssrcs and packet.ssrc not in section.ssrcs:
            return None
        rid = rid if section.rids else ""
        track = self.tracks[section.kind]
        before = next((each for each in track.streams if each.rid == rid), None)
        if before is not None:
            if now_ns - before.last_ns < _SILENCE_NS:
                return None  # the stream that is known goes on, so that this is another's
            self._forget(before)
        stream = Stream(packet.ssrc, section.kind, codec, rid, section.extensions)
        self.streams[packet.ssrc] = stream
        track.streams.append(stream)
        for slot in list(track.slots):
            slot.show(track)
        return stream, packet

    def _meet_repair(self, section: Section, packet: Packet) -> tuple[Stream, Packet] | None:
        rid = _text(section, packet, rtp.REPAIRED_RID)
        streams = self.tracks[section.kind].streams
        repaired = section.repairs.get(packet.ssrc)
        for stream in streams:
            if (
                stream.ssrc == repaired
                or (rid and stream.rid == rid)
                or (repaired is None and not section.rids)
            ):
                self._repairs[packet.ssrc] = stream
                return _unpacked(stream, packet)
        return None

    def _forget(self, stream: Stream) -> None:
        del self.streams[stream.ssrc]
        self._repairs = {s: each for s, each in self._repairs.items() if each is not stream}
        track = self.tracks[stream.kind]
        track.streams.remove(stream)
        for slot in list(track.slots):
            slot.show(track)

    @property
    def is_wanted(self) -> bool:
        """Whether anyone gets any of its streams, or waits for one."""
        return any(stream.is_wanted for stream in self.streams.values())

    def measure_bitrates(self, now_ns: int) -> None:
        """End a measurement of all streams' bitrates and begin the next."""
        for stream in self.streams.values():
            stream.reception.measure_bitrate(now_ns)

    def close(self) -> None:
        """End all its streams; no others begin."""
        self._closed = True
        for stream in list(self.streams.values()):
            self._forget(stream)

    # -------------------------------------------------------------- RTCP

    def hear(self, item: rtcp.Item, now_ns: int) -> None:
        """Take what the publisher reports."""
        if isinstance(item, rtcp.SenderReport) and item.ssrc in self.streams:
            self.streams[item.ssrc].hear(item, now_ns)

    def reports(self, own_ssrc: int, now_ns: int) -> bytes | None:
        """The compound packet that the publisher gets: how its streams fare."""
        if not self.streams:
            return None
        blocks = [
            stream.reception.report(*last_sr_of(stream, now_ns)) for stream in self.streams.values()
        ]
        sent = sum(stream.reception.bitrate for stream in self.streams.values())
        loss = max(block.fraction_lost for block in blocks) / 256
        self.bitrate = allowed(self.bitrate, sent, loss)
        return (
            rtcp.receiver_report(own_ssrc, blocks[:31])
            + rtcp.source_description(own_ssrc, CNAME)
            + rtcp.estimate(own_ssrc, int(self.bitrate), list(self.streams))
        )

    def requests(self, own_ssrc: int, now_ns: int) -> Iterator[bytes]:
        """Feedback that cannot wait: missing packets, key frames that are waited for."""
        for stream in self.streams.values():
            if stream.kind != "video":
                continue
            if stream.reception.missing and stream.is_wanted:
                due = stream.reception.due(now_ns)
                if due:
                    yield rtcp.lost(own_ssrc, stream.ssrc, due)
            if stream.ask_for_key_frame(now_ns):
                yield rtcp.picture_loss(own_ssrc, stream.ssrc)


def allowed(before: float, sent: float, loss: float) -> float:
    """What a publisher may send, in bits per second, by the loss of what it sent.

    GCC's control by loss (draft-ietf-rmcat-gcc-02 § 6), with the receiver as the one who counts:
    more than 10 % lost takes half as much off what was sent, less than 2 % adds 5 %.
    """
    if loss > 0.1:
        before = min(before, sent) * (1 - 0.5 * loss)
    elif loss < 0.02:
        before *= 1.05
    return min(max(before, LEAST_BITRATE), MOST_BITRATE)


def _unpacked(stream: Stream, packet: Packet) -> tuple[Stream, Packet] | None:
    """A retransmission as the packet that it repeats (RFC 4588 § 4)."""
    if len(packet.payload) < 2 or packet.padded:
        return None  # padding, which probes send
    return stream, replace(
        packet,
        payload_type=stream.codec.payload_type,
        ssrc=stream.ssrc,
        sequence=int.from_bytes(packet.payload[:2], "big"),
        payload=packet.payload[2:],
    )


def _text(section: Section, packet: Packet, uri: str) -> str:
    value = packet.extensions.get(section.extensions.get(uri, 0), b"")
    return value.decode("ascii", "replace")

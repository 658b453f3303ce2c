"""The one room: publications, subscriptions, the floor, and the way of a packet between them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from reference_sfu import rtp
from reference_sfu.codecs import begins_key_frame, numbers_of
from reference_sfu.floor import Floor
from reference_sfu.offers import Section
from reference_sfu.publications import Publication
from reference_sfu.reception import Arrival
from reference_sfu.rows import Rows
from reference_sfu.slots import Slot, Track
from reference_sfu.streams import Stream
from reference_sfu.subscriptions import Subscription


class Sender(Protocol):
    """Sends a phrase to many rows at once; see `fanout.FanOut.send`."""

    def __call__(
        self, table: npt.NDArray[np.void], rows: npt.NDArray[np.int32], data: bytes, sequence: int,
        timestamp: int, picture_at: int, tl0_at: int, payload_bytes: int, now_ns: int,
    ) -> None:  # fmt: skip
        """Send; raises ValueError for a packet that is too long."""


@dataclass(slots=True)
class Forwarding:
    """What became of the packets that publishers sent."""

    packets: int = 0
    """Taken in."""
    strays: int = 0
    """Of no stream, or of none of late: wrong SSRC, wrong payload type, far-off number."""
    malformed: int = 0
    too_long: int = 0
    switches: int = 0


class Room:
    """Who publishes, who subscribes, who has the floor."""

    def __init__(self, send: Sender) -> None:
        self.floor = Floor()
        self.rows = Rows()
        self.forwarding = Forwarding()
        self.subscriptions: set[Subscription] = set()
        self.publications: dict[str, Publication] = {}
        """By site."""
        self._tracks: dict[tuple[str, str], Track] = {}
        self._send = send

    def publish(self, site: str, sections: list[Section]) -> Publication:
        """Let ``site`` publish; ends what it published before."""
        before = self.publications.get(site)
        if before is not None:
            self.unpublish(before)
        tracks = {kind: self._track(site, kind) for kind in ("audio", "video")}
        publication = Publication(site, sections, tracks)
        self.publications[site] = publication
        return publication

    def unpublish(self, publication: Publication) -> None:
        """End ``publication``."""
        publication.close()
        if self.publications.get(publication.site) is publication:
            del self.publications[publication.site]
        self._forget_tracks()

    def subscribe(self, site: str, slots: list[Slot]) -> Subscription:
        """Let ``site`` see and hear what the floor says."""
        subscription = Subscription(site, slots)
        self.subscriptions.add(subscription)
        self._follow(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End ``subscription``."""
        self.subscriptions.discard(subscription)
        subscription.close()

    def give_floor(self, floor: Floor) -> None:
        """Put other sites on the floor."""
        self.floor = floor
        for subscription in self.subscriptions:
            self._follow(subscription)
        self._forget_tracks()

    def _follow(self, subscription: Subscription) -> None:
        for site in (self.floor.programme, self.floor.called, *self.floor.tiles):
            if site is not None:
                self._track(site, "audio")
                self._track(site, "video")
        subscription.follow(self.floor, self._tracks)

    def _track(self, site: str, kind: str) -> Track:
        return self._tracks.setdefault((site, kind), Track(site, kind))

    def _forget_tracks(self) -> None:
        """Drop the tracks of sites that neither publish nor are shown."""
        for key, track in list(self._tracks.items()):
            if not track.slots and not track.streams and track.site not in self.publications:
                del self._tracks[key]

    # ------------------------------------------------------- the way of a packet

    def take(self, publication: Publication, data: bytes, unix_ns: int, now_ns: int) -> None:
        """Forward the RTP packet ``data``, which came from ``publication``'s peer."""
        try:
            packet = rtp.parse(data)
        except ValueError:
            self.forwarding.malformed += 1
            return
        placed = publication.place(packet, now_ns)
        if placed is None:
            self.forwarding.strays += 1
            return
        stream, packet = placed
        arrival = stream.reception.take(packet.sequence, packet.timestamp, len(data), now_ns)
        if arrival is Arrival.STRAY:
            self.forwarding.strays += 1
            return
        self.forwarding.packets += 1
        if arrival is not Arrival.LATE:
            stream.last_ns = now_ns
            stream.see(packet.timestamp, unix_ns)
        if arrival is Arrival.RESTART:
            _restart(stream, publication)
        newest = arrival is not Arrival.LATE
        if newest and stream.waiting and begins_key_frame(stream.codec.name, packet.payload):
            for slot in list(stream.waiting):
                slot.begin(stream, packet, now_ns)
                self.forwarding.switches += 1
        if stream.groups and stream.history.keep(packet, unix_ns):
            self._forward(stream, packet, unix_ns, now_ns)

    def _forward(self, stream: Stream, packet: rtp.Packet, unix_ns: int, now_ns: int) -> None:
        numbers = numbers_of(stream.codec.name, packet.payload)
        for dialect, group in stream.groups.items():
            phrase = rtp.phrase(packet, stream.extensions, dialect, unix_ns)
            at = phrase.payload_at
            try:
                self._send(
                    self.rows.table, group.rows, phrase.data, packet.sequence, packet.timestamp,
                    at + numbers.picture_at if numbers.picture_at >= 0 else -1,
                    at + numbers.tl0_at if numbers.tl0_at >= 0 else -1,
                    len(packet.payload), now_ns,
                )  # fmt: skip
            except ValueError:
                self.forwarding.too_long += 1


def _restart(stream: Stream, publication: Publication) -> None:
    """A stream began anew under its old SSRC: its slots switch to it once more."""
    stream.restart()
    for slot in list(publication.tracks[stream.kind].slots):
        if slot.stream is stream:
            slot.clear()
            slot.aim(stream)

"""A plain network, event by event: what the packet engine is held against.

Nothing in it is random and nothing is compiled: every packet's every step is an event in a heap.
Of events at one instant, those further upstream come first; at one place, the transmission that
ends there comes before arrivals, and arrivals come in the order of the places that they come from.
"""

import copy
import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from scenarios.geography import great_circle
from scenarios.links import SharedLink
from scenarios.population import Population
from scenarios.randomness import mix_keys, name_hashes, stream_key, uniforms
from scenarios.scenario import Scenario
from simulations.build import build
from simulations.media import earliest, emit
from simulations.packets import AUDIO, PACKET, SCREEN
from simulations.seats import VOICE_TRACK
from simulations.settings import voices_of
from simulations.topology import plan
from simulations.trace import PLACES
from tests.simulations.networks import Stage
from tests.simulations.reference_queue import ARRIVAL, END, PlainQueue

Key = tuple[Any, ...]
"""A place: (how far downstream, …)."""

CONTROL: Key = (-1,)
"""The meeting's moves come before all that happens at the same instant."""
UPLINK, UP, BACKBONE_UP, PEERING_UP, INGRESS, CASCADE, FAN_OUT = range(7)
PEERING_DOWN, BACKBONE_DOWN, DOWN, ACCESS = range(7, 11)
_NAMES = {
    UP: "aggregation up", BACKBONE_UP: "backbone up", PEERING_UP: "peering up",
    CASCADE: "cascade", PEERING_DOWN: "peering", BACKBONE_DOWN: "backbone", DOWN: "aggregation",
}  # fmt: skip
LONGEST_WAIT = 30_000_000_000


@dataclass(frozen=True)
class Seat:
    """Who publishes, and the receivers' streams that it goes to; −1: none."""

    publisher: int
    only: int
    """The one endpoint that its picture is for; −1: for everyone."""
    voice: int
    picture: int
    screen: int
    tile: int


@dataclass(frozen=True)
class Scene:
    """Everyone's place from one move of the meeting to the next."""

    seats: list[Seat]
    meant: list[int]
    """The seat that each stream is to show; the chair's stands last."""
    joining: list[int]
    """Endpoints that have just begun to publish."""


@dataclass
class Stream:
    """What one receiver is sent of one stream: one source after another."""

    source: int = -1
    publisher: int = -1
    begun: int = 0
    """Sequence number of the source's first packet that is forwarded, and its number here."""
    begun_as: int = 0
    highest: int = -1

    def take(self, packet: dict[str, int]) -> int:
        """The packet's number: those of one source follow the last number of the one before."""
        if packet["source"] != self.source:
            self.source, self.begun = packet["source"], packet["sequence"]
            self.publisher = packet["publisher"]
            self.begun_as = self.highest + 1
        number = self.begun_as + packet["sequence"] - self.begun
        self.highest = max(self.highest, number)
        return number


@dataclass
class Item:
    """A packet, or one copy of it, on its way."""

    packet: dict[str, int]
    endpoint: int
    """Who gets it; on its way up, who sent it."""
    at_node: int = 0


@dataclass
class Link:
    """A queue with what is counted of it."""

    queue: PlainQueue | None
    counts: Counter[str] = field(default_factory=Counter)
    since: dict[int, int] = field(default_factory=dict)
    free_at: int = 0


@dataclass
class Node:
    """A media node: its processor and its interface."""

    processor_free: int = 0
    interface_free: int = 0
    counts: Counter[str] = field(default_factory=Counter)


class PlainNetwork:
    """Plays a scenario and keeps every copy's every step."""

    def __init__(self, scenario: Scenario, population: Population) -> None:
        self.scenario = scenario
        self.people = population
        self.centre = len(population) - 1
        self.carriers = list(scenario.carriers)
        self.node_names = list(scenario.nodes)
        self.links: dict[Key, Link] = {}
        self.nodes = [Node() for _ in self.node_names]
        self.received: dict[int, Counter[str]] = defaultdict(Counter)
        self.steps: dict[int, set[tuple[int, int, int, int, int, int]]] = defaultdict(set)
        """By endpoint: (source, sequence, media, size, place or −1 − place where lost, time)."""
        self.streams: dict[tuple[int, int], Stream] = defaultdict(Stream)
        """By number of the stream, and receiver."""
        self.sent: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
        """What nodes sent to each endpoint, in order: (stream, number, source, sequence)."""
        self.published = 0
        self.events: list[tuple[int, Key, int, Key, int, Callable[[], None]]] = []
        self.number = itertools.count()
        mine, groups = (
            uniforms(mix_keys(stream_key(scenario.seed, 0, name), name_hashes(population.site)))
            for name in ("fan-out order", "fan-out order of groups")
        )
        first: dict[tuple[str, int], int] = {}
        behind = [*zip(population.province, population.carrier.tolist(), strict=True)]
        for e, aggregation in enumerate(behind):
            first.setdefault(aggregation, e)
        self.order = sorted(
            range(len(population)), key=lambda e: (groups[first[behind[e]]], mine[e])
        )

    # ------------------------------------------------------------ playing

    def play(self, until: int) -> None:
        """Publish until ``until`` (ns), then let everything arrive."""
        for at, what in self._programme(until):
            if isinstance(what, Scene):
                move = partial(self._set, what)
                self._schedule(at, CONTROL, ARRIVAL, (), next(self.number), move)
                continue
            what["number"] = next(self.number)
            key = (UPLINK, what["publisher"])
            item = Item(what, what["publisher"])
            self._schedule(at, key, ARRIVAL, (), what["number"], partial(self._send, item))
        while self.events:
            now, *_, action = heapq.heappop(self.events)
            self.now = now
            action()

    def _programme(self, until: int) -> Iterator[tuple[int, Scene | dict[str, int]]]:
        """What is published, in order, by the media kernels; and everyone's place in between."""
        world = build(self.scenario, self.people, plan(self.scenario, self.people))
        stage, tracks = Stage(self.scenario, self.people, world), world.tracks
        before = set[tuple[int, int]]()
        while True:
            stop = int(min(stage.env.peek(), until))
            while tracks["next"][earliest(tracks, 0, len(tracks))] < stop:
                record = np.zeros(1, PACKET)
                emit(tracks[earliest(tracks, 0, len(tracks))], record[0])
                packet = {name: int(record[0][name]) for name in PACKET.names or ()}
                yield packet["sent"], packet
            if stop == until:
                return
            stage.env.step()
            names = ("publisher", "only", "voice_slot", "picture_slot", "screen_slot", "tile_slot")
            seats = [Seat(*(int(seat[name]) for name in names)) for seat in world.seats]
            # Who leaves and comes back in one instant does so with another source.
            voices = tracks["source"][VOICE_TRACK :: len(tracks) // len(seats)].tolist()
            now = {
                (seat.publisher, voice)
                for seat, voice in zip(seats, voices, strict=True)
                if seat.publisher >= 0
            }
            joining = sorted(publisher for publisher, _ in now - before)
            yield stop, Scene(seats, world.slot_seats.tolist(), joining)
            before = now

    def _set(self, scene: Scene) -> None:
        """The meeting has made a move. Whoever begins to publish is work for the node. Where a
        voice or picture does not show whom it showed any more, it begins anew when it does again.
        """
        self.scene = scene
        screen = voices_of(self.scenario) + self.scenario.meeting.pictures
        for (at, e), stream in self.streams.items():
            if at < screen and not any(
                at == seat.voice or (at == seat.picture and seat.only in (-1, e))
                for seat in scene.seats
                if seat.publisher == stream.publisher
            ):
                stream.source = -1
        for e in scene.joining:
            n = int(self.people.node[e])
            node, cost = self.nodes[n], self.scenario.nodes[self.node_names[n]].cost
            node.processor_free = max(node.processor_free, self.now) + cost.join

    def _schedule(
        self, time: int, place: Key, kind: int, source: Key, number: int, action: Callable[[], None]
    ) -> None:
        heapq.heappush(self.events, (time, place, kind, source, number, action))

    def _go(self, item: Item, source: Key, place: Key, delay: int, number: int = -1) -> None:
        """Let ``item`` arrive at ``place`` after ``delay``."""
        number = next(self.number) if number < 0 else number
        action = lambda: self._arrive(item, place)  # noqa: E731
        self._schedule(self.now + delay, place, ARRIVAL, source, number, action)

    def _note(self, item: Item, place: str, time: int, *, lost: bool = False) -> None:
        packet, index = item.packet, PLACES.index(place)
        self.steps[item.endpoint].add(
            (
                packet["source"], packet["sequence"], packet["media"], packet["size"],
                -1 - index if lost else index, time,
            )
        )  # fmt: skip

    # ------------------------------------------------------------ links

    def _link(self, place: Key) -> Link:
        if place not in self.links:
            self.links[place] = Link(self._queue(place))
        return self.links[place]

    def _queue(self, place: Key) -> PlainQueue | None:
        level, people = place[0], self.people
        if level in (UPLINK, ACCESS):
            e = place[1]
            side = list(self.scenario.access.values())[people.access[e]]
            direction, rates = (
                (side.up, people.up_rate) if level == UPLINK else (side.down, people.down_rate)
            )
            rate = int(rates[e])
            return PlainQueue(rate, direction.buffer.limit(rate), direction.packets)
        link = self._shared(place)
        if link is None:
            return None
        return PlainQueue(link.capacity, link.buffer.limit(link.capacity), link.packets)

    def _shared(self, place: Key) -> SharedLink | None:
        level = place[0]
        if level == CASCADE:
            return self.scenario.cascade
        if place == (DOWN, len(self.carriers)):
            return None  # the command centre's own line
        carrier = self.scenario.carriers[self.carriers[place[1]]]
        if level in (UP, DOWN):
            return carrier.provinces.get(place[2], carrier.aggregation)
        return carrier.backbone if level in (BACKBONE_UP, BACKBONE_DOWN) else carrier.peering

    def _arrive(self, item: Item, place: Key) -> None:
        if place[0] == INGRESS:
            self._enter(item, place[1])
        elif place[0] == FAN_OUT:
            self._fan_out(item, place[1])
        else:
            self._queue_up(item, place)

    def _queue_up(self, item: Item, place: Key) -> None:
        link, size = self._link(place), item.packet["size"]
        link.counts["packets"] += 1
        link.since[id(item)] = self.now
        if link.queue is None:
            link.counts["bytes"] += size
            self._leave(item, place)
            return
        hopeless = place[0] in (UPLINK, ACCESS) and link.free_at - self.now > LONGEST_WAIT
        try:
            duration = None if hopeless else link.queue.arrive(item, size)
        except OverflowError:
            hopeless = True
        if hopeless:
            link.counts["dropped"] += 1
            self._lose(item, place)
            return
        work = link.queue.duration(size)
        link.counts["work"] += work
        link.counts["bytes"] += size
        link.free_at = max(link.free_at, self.now) + work
        if duration is not None:
            self._begin(item, place, duration)

    def _begin(self, item: Item, place: Key, duration: int) -> None:
        action = lambda: self._end(item, place)  # noqa: E731
        self._schedule(self.now + duration, place, END, (), next(self.number), action)

    def _end(self, item: Item, place: Key) -> None:
        queue = self._link(place).queue
        assert queue is not None
        following = queue.end()
        self._leave(item, place)
        if following is not None:
            self._begin(following[0], place, following[1])

    def _lose(self, item: Item, place: Key) -> None:
        names = _NAMES | {UPLINK: "uplink", ACCESS: "arrival"}
        self._note(item, names[place[0]], self.now, lost=True)

    # ------------------------------------------------------------ ways

    def _send(self, item: Item) -> None:
        self.published += 1
        self._note(item, "sent", self.now)
        self._queue_up(item, (UPLINK, item.endpoint))

    def _leave(self, item: Item, place: Key) -> None:
        link, e = self._link(place), item.endpoint
        delay = self.now - link.since.pop(id(item))
        link.counts["delay_sum"] += delay
        link.counts["delay_max"] = max(link.counts["delay_max"], delay)
        if place[0] in _NAMES:
            self._note(item, _NAMES[place[0]], self.now)
        c, n = int(self.people.carrier[e]), int(self.people.node[e])
        foreign = self.carriers[c] not in self.scenario.nodes[self.node_names[n]].carriers
        far = self._light((self.people.latitude[e], self.people.longitude[e]), self._city(n), c)
        level = place[0]
        if level == UPLINK:
            arrival = self.now + int(self.people.delay[e])
            self._note(item, "uplink", arrival)
            first = (INGRESS, n) if e == self.centre else (UP, c, self.people.province[e])
            more = far if e == self.centre else 0
            # Publishers' packets keep the order of sending where they meet at one instant.
            self._go(item, (-1,), first, arrival + more - self.now, item.packet["number"])
        elif level == UP:
            self._go(item, place, (BACKBONE_UP, c, n), far)
        elif level == BACKBONE_UP:
            self._go(item, place, (PEERING_UP, c, n) if foreign else (INGRESS, n), 0)
        elif level == PEERING_UP:
            self._go(item, place, (INGRESS, n), 0)
        elif level == CASCADE:
            detour = max(carrier.detour for carrier in self.scenario.carriers.values())
            _, a, b = place
            across = _light(self._city(a), self._city(b), detour)
            self._go(item, place, (FAN_OUT, b), across)
        elif level == PEERING_DOWN:
            self._go(item, place, (BACKBONE_DOWN, c, n), 0)
        elif level == BACKBONE_DOWN:
            self._go(item, place, (DOWN, c, self.people.province[e]), far)
        elif level == DOWN:
            self._go(item, place, (ACCESS, e), 0)
        else:
            self._receive(item, self.now + int(self.people.delay[e]))

    def _enter(self, item: Item, n: int) -> None:
        item.at_node = self.now
        self._note(item, "node in", self.now)
        seat = self._seat_of(item.packet)
        if seat is None:
            return
        for m in range(len(self.nodes)):
            if not self._is_for(m, item.packet, seat):
                continue
            one = copy.copy(item)
            self._go(one, (INGRESS, n), (FAN_OUT, n) if m == n else (CASCADE, n, m), 0)

    def _seat_of(self, packet: dict[str, int]) -> Seat | None:
        """The packet's seat, unless it is another's by now."""
        seat = self.scene.seats[packet["seat"]]
        return seat if seat.publisher == packet["publisher"] else None

    def _is_for(self, m: int, packet: dict[str, int], seat: Seat) -> bool:
        """Whether anybody at the node ``m`` may be sent the packet."""
        if packet["media"] == AUDIO:
            return seat.voice >= 0
        if packet["media"] == SCREEN:
            return True
        to_picture = seat.picture >= 0 and (seat.only < 0 or self.people.node[seat.only] == m)
        return to_picture or (seat.tile >= 0 and self.people.node[self.centre] == m)

    def _audience(self, packet: dict[str, int], n: int) -> list[tuple[int, int]]:
        """Who at the node ``n`` is sent the packet, in order, and as which of their streams."""
        seat, media = self._seat_of(packet), packet["media"]
        if seat is None:
            return []
        here = [e for e in self.order if self.people.node[e] == n and e != packet["publisher"]]
        if media == AUDIO:
            return [(e, seat.voice) for e in here if seat.voice >= 0]
        stream = seat.screen if media == SCREEN else seat.picture
        found = []
        for e in here:
            meant_for = media == SCREEN or seat.only in (-1, e)
            if stream >= 0 and meant_for and self._takes(packet, stream, e):
                found.append((e, stream))
        on_wall = seat.tile >= 0 and media != SCREEN and self.centre in here
        if on_wall and self._takes(packet, seat.tile, self.centre):
            found.append((self.centre, seat.tile))
        return found

    def _takes(self, packet: dict[str, int], stream: int, e: int) -> bool:
        """Whether a receiver is sent a picture's packet: of the source that it has; or of the one
        that it is to have, if with this packet a key frame begins."""
        if packet["source"] == self.streams[stream, e].source:
            return True
        wanted = self._shown(stream, e) == packet["seat"]
        begins = packet["key"] == 1 and packet["index"] == 0
        return wanted and packet["layer"] == self._layer(stream, e) and begins

    def _shown(self, stream: int, e: int) -> int:
        """The seat that a receiver is to see. Nobody sees itself: in the first picture it sees the
        chair instead."""
        seats, meant = self.scene.seats, self.scene.meant
        seat, chair = meant[stream], meant[-1]
        if seat < 0 or seats[seat].publisher != e:
            return seat
        first = stream == voices_of(self.scenario)
        return chair if first and chair >= 0 and seats[chair].publisher != e else -1

    def _layer(self, stream: int, e: int) -> int:
        meeting, layers = self.scenario.meeting, self.scenario.media.video.layers
        screen = voices_of(self.scenario) + meeting.pictures
        if meeting.wall is not None and stream >= screen + bool(meeting.screen):
            return [layer.name for layer in layers].index(meeting.wall.layer)
        fits = int(self.people.layer[e])
        return min(fits, 0) if meeting.screen and stream == screen else fits

    def _fan_out(self, item: Item, n: int) -> None:
        packet, node = item.packet, self.nodes[n]
        spec = self.scenario.nodes[self.node_names[n]]
        node.counts["packets"] += 1
        if node.processor_free - self.now <= spec.queue:
            node.processor_free = max(node.processor_free, self.now) + spec.cost.packet
        for e, stream in self._audience(packet, n):
            number = self.streams[stream, e].take(packet)
            self.sent[e].append((stream, number, packet["source"], packet["sequence"]))
            one = Item(packet, e, item.at_node)
            node.counts["copies"] += 1
            self._note(one, "sent", packet["sent"])
            self._note(one, "node in", item.at_node)
            if max(node.processor_free, node.interface_free) - self.now > spec.queue:
                node.counts["dropped"] += 1
                self._note(one, "node out", self.now, lost=True)
                continue
            node.processor_free += spec.cost.copy_ + spec.cost.kilobyte * packet["size"] // 1000
            begin = max(node.interface_free, node.processor_free)
            left = begin + PlainQueue(spec.nic, 0, 0).duration(packet["size"])
            node.interface_free = left
            node.counts["bytes"] += packet["size"]
            node.counts["delay_max"] = max(node.counts["delay_max"], left - self.now)
            self._note(one, "node out", left)
            self._hand_down(one, n, left - self.now)

    def _hand_down(self, one: Item, n: int, delay: int) -> None:
        e = one.endpoint
        if e == self.centre:
            c = int(self.people.carrier[e])
            place = (self.people.latitude[e], self.people.longitude[e])
            far = self._light(place, self._city(n), c)
            self._go(one, (FAN_OUT, n), (DOWN, len(self.carriers)), delay + far)
            return
        c = int(self.people.carrier[e])
        foreign = self.carriers[c] not in self.scenario.nodes[self.node_names[n]].carriers
        first = PEERING_DOWN if foreign else BACKBONE_DOWN
        self._go(one, (FAN_OUT, n), (first, c, n), delay)

    def _receive(self, item: Item, arrival: int) -> None:
        self._note(item, "arrival", arrival)
        counts = self.received[item.endpoint]
        delay = arrival - item.packet["sent"]
        counts["packets"] += 1
        counts["bytes"] += item.packet["size"]
        counts["delay_sum"] += delay
        counts["delay_max"] = max(counts["delay_max"], delay)

    # ------------------------------------------------------------ distances

    def _city(self, n: int) -> tuple[float, float]:
        node = self.scenario.nodes[self.node_names[n]]
        return node.latitude, node.longitude

    def _light(self, a: Any, b: Any, c: int) -> int:
        return _light(a, b, self.scenario.carriers[self.carriers[c]].detour)


def _light(a: Any, b: Any, detour: float) -> int:
    """ns that light takes at 200,000 km/s along ``detour`` times the great circle."""
    metres = float(great_circle(float(a[0]), float(a[1]), float(b[0]), float(b[1])))
    return round(metres * detour / 200_000_000 * 1e9)

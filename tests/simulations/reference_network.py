"""A plain network, event by event: what the packet engine is held against.

Nothing in it is random and nothing is compiled: every packet's every step is an event in a heap.
Of events at one instant, those further upstream come first; at one place, the transmission that
ends there comes before arrivals, and arrivals come in the order of the places that they come from.
"""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from scenarios.geography import great_circle
from scenarios.links import SharedLink
from scenarios.population import Population
from scenarios.randomness import mix_keys, name_hashes, stream_key, uniforms
from scenarios.scenario import Scenario
from simulations.media import TRACK, earliest, emit
from simulations.packets import AUDIO, FIRST_TILE, PACKET
from simulations.rates import FOREVER
from simulations.trace import PLACES
from tests.simulations.networks import rehearse_control
from tests.simulations.reference_queue import ARRIVAL, END, PlainQueue

Key = tuple[Any, ...]
"""A place: (how far downstream, …)."""

UPLINK, UP, BACKBONE_UP, PEERING_UP, INGRESS, CASCADE, FAN_OUT = range(7)
PEERING_DOWN, BACKBONE_DOWN, DOWN, ACCESS = range(7, 11)
_NAMES = {
    UP: "aggregation up", BACKBONE_UP: "backbone up", PEERING_UP: "peering up",
    CASCADE: "cascade", PEERING_DOWN: "peering", BACKBONE_DOWN: "backbone", DOWN: "aggregation",
}  # fmt: skip
LONGEST_WAIT = 30_000_000_000


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
        """By endpoint: (source, sequence, slot, size, place or −1 − place where lost, time)."""
        self.published = 0
        self.events: list[tuple[int, Key, int, Key, int, Callable[[], None]]] = []
        self.number = itertools.count()
        order = np.argsort(
            uniforms(
                mix_keys(
                    stream_key(scenario.seed, 0, "fan-out order"), name_hashes(population.site)
                )
            ),
            kind="stable",
        )
        self.order = [int(e) for e in order]

    # ------------------------------------------------------------ playing

    def play(self, until: int) -> None:
        """Publish until ``until`` (ns), then let everything arrive."""
        for number, packet in enumerate(self._packets(until)):
            at, packet["number"] = packet["sent"], number
            key = (UPLINK, packet["publisher"])
            item = Item(packet, packet["publisher"])
            self._schedule(at, key, ARRIVAL, (), number, partial(self._send, item))
        while self.events:
            now, *_, action = heapq.heappop(self.events)
            self.now = now
            action()

    def _packets(self, until: int) -> list[dict[str, int]]:
        """What is published, in order, by the media kernels under the same control events."""
        scenario, packets = self.scenario, []
        tiles = scenario.meeting.wall.tiles if scenario.meeting.wall else 0
        tracks = _idle(1 + len(scenario.media.video.layers) + tiles)
        _, env = rehearse_control(scenario, self.people, tracks)
        while True:
            stop = int(min(env.peek(), until))
            while tracks["next"][earliest(tracks)] < stop:
                record = np.zeros(1, PACKET)
                emit(tracks[earliest(tracks)], record[0])
                packets.append({name: int(record[0][name]) for name in PACKET.names or ()})
            if stop == until:
                return packets
            env.step()

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
                packet["source"], packet["sequence"], packet["slot"], packet["size"],
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
        home = int(self.people.node[self.centre])
        for m in range(len(self.nodes)):
            if item.packet["slot"] >= FIRST_TILE and m != home:
                continue
            copy = Item(item.packet, item.endpoint, item.at_node)
            self._go(copy, (INGRESS, n), (FAN_OUT, n) if m == n else (CASCADE, n, m), 0)

    def _fan_out(self, item: Item, n: int) -> None:
        packet, node = item.packet, self.nodes[n]
        spec = self.scenario.nodes[self.node_names[n]]
        node.counts["packets"] += 1
        if node.processor_free - self.now <= spec.queue:
            node.processor_free = max(node.processor_free, self.now) + spec.cost.packet
        slot = packet["slot"]
        if slot >= FIRST_TILE:
            audience = [self.centre]
        else:
            audience = [
                e
                for e in self.order
                if self.people.node[e] == n
                and e != packet["publisher"]
                and (slot == AUDIO or self.people.layer[e] == packet["layer"])
            ]
        for e in audience:
            copy = Item(packet, e, item.at_node)
            node.counts["copies"] += 1
            self._note(copy, "sent", packet["sent"])
            self._note(copy, "node in", item.at_node)
            if max(node.processor_free, node.interface_free) - self.now > spec.queue:
                node.counts["dropped"] += 1
                self._note(copy, "node out", self.now, lost=True)
                continue
            node.processor_free += spec.cost.copy_ + spec.cost.kilobyte * packet["size"] // 1000
            begin = max(node.interface_free, node.processor_free)
            left = begin + PlainQueue(spec.nic, 0, 0).duration(packet["size"])
            node.interface_free = left
            node.counts["bytes"] += packet["size"]
            node.counts["delay_max"] = max(node.counts["delay_max"], left - self.now)
            self._note(copy, "node out", left)
            self._hand_down(copy, n, left - self.now)

    def _hand_down(self, copy: Item, n: int, delay: int) -> None:
        e = copy.endpoint
        if e == self.centre:
            c = int(self.people.carrier[e])
            place = (self.people.latitude[e], self.people.longitude[e])
            far = self._light(place, self._city(n), c)
            self._go(copy, (FAN_OUT, n), (DOWN, len(self.carriers)), delay + far)
            return
        c = int(self.people.carrier[e])
        foreign = self.carriers[c] not in self.scenario.nodes[self.node_names[n]].carriers
        first = PEERING_DOWN if foreign else BACKBONE_DOWN
        self._go(copy, (FAN_OUT, n), (first, c, n), delay)

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


def _idle(tracks: int) -> Any:
    idle = np.zeros(tracks, TRACK)
    idle["next"] = FOREVER
    return idle

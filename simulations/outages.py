"""Outages: links, stations and nodes that are down or degraded.

What is down drops all that comes and all that it holds; it comes back empty. What had left it
before goes on its way. A link's queue holds what has not been sent in full; of an access link that
is cut, what is still in flight on it is lost, too.
"""

from typing import Any

import numpy as np

from simulations.compiled import kernel
from simulations.packets import slot
from simulations.trains import unravel
from simulations.world import FAN_OUT, GROUP, LEVELS, World, interleaved


def cut_station(world: World, s: int, now: int) -> None:
    """The shared link ``s`` goes down ``now`` (ns)."""
    station = world.stations[s]
    station["down"] = station["fault"] = 1
    station["cut"] += _cut_edges(world, s, now)
    first = int(world.level_first[GROUP])
    if s >= first:
        mine = slice(*world.group_first[s - first : s - first + 2])
        for endpoint in world.group_members[mine]:
            if dropped := drop_letters(world.mail, world.endpoints, int(endpoint), now, True):
                station["cut"] += dropped
                _take_back(world, int(endpoint), now)
    station["work"] -= _empty(station["queue"], now)


def mend_station(world: World, s: int) -> None:
    """The shared link ``s`` is up again."""
    station = world.stations[s]
    station["down"] = 0
    station["fault"] = station["loss"] > 0


def degrade_station(world: World, s: int, rate: float, loss: float) -> None:
    """The shared link ``s`` has a share of its rate, and loses a share of its packets."""
    station = world.stations[s]
    station["taken"], station["loss"] = 1.0 - rate, loss
    station["fault"] = station["down"] or loss > 0
    station["current_until"] = 0  # the rate is looked up anew


def cut_link(world: World, endpoint: int, now: int, *, spare: bool) -> None:
    """An access link of ``endpoint``, the one in use or its ``spare``, goes down ``now`` (ns)."""
    up, down = _access(world, endpoint, spare=spare)
    for link in (up, down):
        link["down"] = 1
        link["last_arrival"] = min(int(link["last_arrival"]), now)
        _empty(link["queue"], now)
    if not spare:
        out = int(world.route[LEVELS, endpoint])
        up["cut"] += withdraw(world.edges, world.edge_items, out, endpoint, now)
        down["cut"] += drop_letters(world.mail, world.endpoints, endpoint, now, False)


def mend_link(world: World, endpoint: int, *, spare: bool) -> None:
    """An access link is up again."""
    for link in _access(world, endpoint, spare=spare):
        link["down"] = 0


def degrade_link(world: World, endpoint: int, rate: float, loss: float, *, spare: bool) -> None:
    """An access link has a share of its rate, and loses a share of its packets, both ways."""
    for link in _access(world, endpoint, spare=spare):
        link["rate"]["taken"], link["extra_loss"] = 1.0 - rate, loss
        link["fault"] = loss > 0
        link["rate"]["until"] = 0  # the rate is looked up anew


def cut_node(world: World, n: int, now: int) -> None:
    """The media node ``n`` goes down ``now`` (ns), with the copies that wait in it."""
    node = world.nodes[n]
    node["down"] = 1
    node["cut"] += _cut_edges(world, int(world.level_first[FAN_OUT]) + n, now)
    world.shares["heap"]["tail"][n] = 0
    node["cpu_work"] -= max(int(node["cpu_free"]) - now, 0)
    node["cpu_free"] = min(int(node["cpu_free"]), now)
    node["nic_free"] = min(int(node["nic_free"]), now)


def mend_node(world: World, n: int) -> None:
    """The media node ``n`` is up again, and serves nobody yet."""
    world.nodes["down"][n] = 0


def _access(world: World, endpoint: int, *, spare: bool) -> tuple[Any, Any]:
    """Both directions of an access link."""
    if spare:
        k = int(world.spare[endpoint])
        return world.spare_uplinks[k], world.spare_downlinks[k]
    return world.uplinks[endpoint], world.downlinks[endpoint]


def _take_back(world: World, endpoint: int, now: int) -> None:
    """Make a downlink, which has been played ahead, as if it had got only what is left of it."""
    place, link = world.endpoints[endpoint], world.downlinks[endpoint]
    place["entered"] = min(int(place["entered"]), now)
    left = int(place["mail"])
    last = now
    if left > 0:
        last = int(world.mail["time"][interleaved(len(world.endpoints), endpoint, left - 1)])
    link["last_arrival"] = min(int(link["last_arrival"]), last)
    if left == 0:
        _empty(link["queue"], now)
    link["queue"]["free_at"] = min(
        int(link["queue"]["free_at"]), max(last - int(link["delay"]), now)
    )


def _cut_edges(world: World, s: int, now: int) -> int:
    """Drop what has not left the station ``s`` by ``now`` (ns); how many packets."""
    return sum(
        cut_short(world.edges, world.edge_items, world.riders, int(e), now)
        for e in np.flatnonzero(world.edges["source"] == s)
    )


def _empty(queue: Any, now: int) -> int:
    """Empty a queue; ns of transmission that were still to come."""
    left = max(int(queue["free_at"]) - now, 0)
    queue["free_at"] -= left
    queue["head"] = queue["tail"]
    queue["waiting"] = 0
    return left


@kernel
def cut_short(edges: Any, items: Any, riders: Any, e: int, now: int) -> int:
    """Take from the edge ``e`` what leaves its source after ``now`` (ns); how many they were."""
    edge = edges[e]
    unravel(edge, items, riders)
    tail = edge.tail
    while edge.tail > edge.head and items[slot(edge, edge.tail - 1)].time - edge.delay > now:
        edge.tail -= 1
    return tail - edge.tail  # type: ignore[no-any-return]


@kernel
def change_delay(edges: Any, items: Any, riders: Any, e: int, delay: int, now: int) -> None:
    """Let the edge ``e`` take ``delay`` (ns) for what leaves its source ``now`` (ns) and later.

    What is still on a longer way comes in with the first by the shorter one.
    """
    edge = edges[e]
    unravel(edge, items, riders)
    latest = now + delay
    position = edge.tail
    while position > edge.head:
        position -= 1
        item = items[slot(edge, position)]
        if item.time - edge.delay > now:
            item.time += delay - edge.delay
            latest = item.time
        elif item.time > latest:
            item.time = latest
        else:
            break
    edge.delay = delay


@kernel
def withdraw(edges: Any, items: Any, e: int, endpoint: int, now: int) -> int:
    """Take from the edge ``e`` what of ``endpoint`` arrives after ``now`` (ns); how many."""
    edge = edges[e]
    kept = edge.head
    for position in range(edge.head, edge.tail):
        item = items[slot(edge, position)]
        if item.endpoint == endpoint and item.time > now:
            continue
        if kept < position:
            items[slot(edge, kept)] = item
        kept += 1
    taken = edge.tail - kept
    edge.tail = kept
    return taken  # type: ignore[no-any-return]


@kernel
def drop_letters(mail: Any, places: Any, endpoint: int, now: int, waiting: bool) -> int:
    """Take from an endpoint's mailbox what arrives after ``now`` (ns) or, with ``waiting``, what
    has still been in the aggregation by then; how many."""
    place, n = places[endpoint], len(places)
    kept = 0
    for i in range(place.mail):
        letter = mail[interleaved(n, endpoint, i)]
        if (letter.left if waiting else letter.time) > now:
            continue
        if kept < i:
            mail[interleaved(n, endpoint, kept)] = letter
        kept += 1
    dropped = place.mail - kept
    place.mail = kept
    return dropped  # type: ignore[no-any-return]

"""From a scenario to the arrays that the engine plays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.backups import Backups
from scenarios.links import LoadStep
from scenarios.media import Media
from scenarios.population import Population
from scenarios.randomness import mix_keys, name_hashes, stream_key, uniforms
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations.access import Keys, Loads, access_links
from simulations.backups import spare_links, spare_places, with_spares
from simulations.engine import EPOCH
from simulations.grouping import grouped, orders, phases
from simulations.layout import zeros
from simulations.membership import fan_out_order, members
from simulations.pacer import LONGEST_WAIT
from simulations.packets import EDGE, ITEM, PACKET, PADDING
from simulations.people import people
from simulations.publishers import publishers
from simulations.queues import make_queues
from simulations.rates import FOREVER, LIFETIME
from simulations.settings import TICK, settings_of
from simulations.shares import SHARES, shared_out
from simulations.stations import schedule_burst
from simulations.topology import Plan, Station
from simulations.trace import PLACES
from simulations.trains import RIDER
from simulations.turns import TURN
from simulations.world import (
    CASCADE,
    FAN_OUT,
    LEAVING,
    LEAVINGS,
    LETTER,
    LEVELS,
    NEW_MAIL,
    NODE,
    STATION,
    TOGETHER,
    TOTALS,
    World,
)

_RING = 1024
"""Least size of an edge's ring; the engine doubles it when it must."""
_TRACE_ROWS = 1 << 20
_UNLOADED = (LoadStep(at="0s", share="0%"),)


def build(
    scenario: Scenario,
    population: Population,
    plan: Plan,
    *,
    backups: Backups | None = None,
    replication: int = 0,
    threads: int = 1,
    trace_site: str | None = None,
) -> World:
    """The world at the meeting's start: everyone is connected, nobody sends yet.

    Args:
        backups: the backup access links that endpoints have; they need a ``plan`` that knows them.

    Raises:
        ValueError: ``trace_site`` is no site of the population.
    """

    def keys(component: str, names: Sequence[str]) -> NDArray[np.uint64]:
        return mix_keys(stream_key(scenario.seed, replication, component), name_hashes(names))

    wall = scenario.meeting.wall
    tiles = wall.tiles if wall else 0
    ring = _packet_ring(scenario, tiles)
    whole = settings_of(scenario, ring)
    settings = whole.view(np.recarray)[0]
    loads = Loads()
    stations, level_first, station_backlog = _stations(plan, keys, loads)
    access = list(scenario.access.values())
    links = [
        with_spares(
            access_links(access, population, direction, keys, loads),
            spare_links(access, population, backups, direction, keys, loads),
        )
        for direction in ("down", "up")
    ]
    load_times, load_shares = loads.tables()
    order = fan_out_order(
        uniforms(keys("fan-out order", population.site)),
        uniforms(keys("fan-out order of groups", population.site)),
        plan.group,
    )
    subscribers, audience, ranks = members(order, population.node, len(scenario.nodes))
    group_members, first = grouped(plan.group, plan.ways.shape[1])
    ticks = max(settings.feedback // TICK, 1)
    phase = phases(np.diff(first), ticks)
    most = max(profile.down.packets for profile in access) + NEW_MAIL
    room = -(-most // TOGETHER) * TOGETHER
    edges = _edges(plan, scenario, TICK if settings.adapts else EPOCH)
    slots = int(edges["mask"].sum()) + len(edges)
    everyone = people(scenario, population, plan, settings, phase, threads)
    fans, fan_edges, fan_copies = _fans(plan)
    if trace_site is not None and trace_site not in population.site:
        raise ValueError(f"trace_site(={trace_site!r}) must be a site that is played")
    trace = population.site.index(trace_site) if trace_site is not None else -1

    world = World(
        clock=np.array([0, -1, -1]),
        totals=np.zeros(TOTALS, np.int64),
        settings=whole,
        packets=_packets(settings),
        stations=stations,
        level_first=level_first,
        backlog_starts=station_backlog[0],
        backlog_sizes=station_backlog[1],
        edges=edges,
        edge_items=zeros(slots, ITEM),
        riders=zeros(slots, RIDER),
        full=np.full(len(stations), -1),
        fans=fans,
        fan_edges=fan_edges,
        fan_copies=fan_copies,
        route=np.maximum(plan.route, 0),  # no station writes edge 0: publishers do
        nodes=_nodes(scenario),
        node_edges=plan.node_edges,
        city_delays=plan.city_delays,
        cursors=np.zeros((SHARES, len(edges)), np.int64),
        takers=np.zeros_like(subscribers),
        subscribers=subscribers,
        audience=audience,
        ranks=ranks,
        uplinks=links[1][0],
        spare_uplinks=links[1][1],
        uplink_starts=links[1][2],
        uplink_sizes=links[1][3],
        downlinks=links[0][0],
        spare_downlinks=links[0][1],
        downlink_starts=links[0][2],
        downlink_sizes=links[0][3],
        spare=spare_places(len(population), backups),
        turns=zeros(len(population), TURN),
        leavings=zeros(LEAVINGS * len(population), LEAVING),
        due=np.zeros(len(population), np.int32),
        mail=zeros(room * len(population), LETTER),
        crossing=zeros((threads, room + LEAVINGS), LETTER),
        load_times=load_times,
        load_shares=load_shares,
        group_members=group_members,
        group_first=first,
        phases=phase,
        group_order=orders(np.diff(first), phase, ticks),
        claimed=np.zeros(1, np.int64),
        call=np.full(4, -1),
        trace=np.array([trace, 0]),
        trace_rows=np.zeros((_TRACE_ROWS if trace >= 0 else 0, 6), np.int64),
        **shared_out(len(scenario.nodes), len(population), everyone["orders"].shape[1]),
        **publishers(scenario, settings),
        **everyone,
    )
    for s in np.flatnonzero(stations["burst_bytes"]):
        schedule_burst(stations[s], load_times, load_shares, 0)
    return world


def _stations(plan: Plan, keys: Keys, loads: Loads) -> tuple[Any, Any, Any]:
    stations = np.zeros(len(plan.stations), STATION)
    links = [station.link for station in plan.stations]
    queues, starts, sizes = make_queues(
        np.array([link.buffer.limit(link.capacity) if link else 0 for link in links]),
        np.array([link.packets if link else 1 for link in links]),
    )
    stations["queue"] = queues
    stations["rate"] = [link.capacity if link else 0 for link in links]
    stations["current"] = stations["rate"]
    stations["level"] = [station.level for station in plan.stations]
    stations["place"] = [_place(station) for station in plan.stations]
    stations["out_edge"] = -1
    stations["burst_at"] = FOREVER
    stations["key"] = keys("background", [station.name for station in plan.stations])
    targets = np.array([edge.target for edge in plan.edges])
    stations["first_edge"] = np.searchsorted(targets, np.arange(len(stations)))
    stations["edges"] = np.bincount(targets, minlength=len(stations))
    for s, link in enumerate(links):
        if link is None:
            continue
        stations["load"][s] = loads.index(link.background.load)
        stations["steps"][s] = loads.index(_UNLOADED, link.steps)
        if any(step.share > 0 for step in link.background.load):
            stations["burst_bytes"][s] = link.background.burst
    for e, edge in enumerate(plan.edges):
        if edge.source >= 0 and plan.stations[edge.source].level == CASCADE:
            stations["out_edge"][edge.source] = e
    levels = [station.level for station in plan.stations]
    level_first = np.searchsorted(levels, np.arange(LEVELS + 1)).astype(np.int64)
    return stations, level_first, (starts, sizes)


def _place(station: Station) -> int:
    if station.kind in ("", "cascade"):
        return PLACES.index("cascade")
    name = f"{station.kind} up" if station.direction == "up" else station.kind
    return PLACES.index(name)


def _packets(settings: Any) -> NDArray[Any]:
    """The ring, and behind it the one packet that all of nodes' padding is."""
    packets = zeros(int(settings["packet_mask"]) + 2, PACKET)
    padding = packets[-1]
    padding["publisher"], padding["source"], padding["media"] = -1, -1, PADDING
    padding["at_node"] = -1
    padding["size"] = settings.payload + settings.header
    return packets


def _edges(plan: Plan, scenario: Scenario, epoch: int) -> NDArray[Any]:
    media, meeting = scenario.media, scenario.meeting
    edges = np.zeros(len(plan.edges), EDGE)
    edges["delay"] = [edge.delay for edge in plan.edges]
    edges["source"] = [edge.source for edge in plan.edges]
    edges["cascade"] = [
        edge.source >= 0 and plan.stations[edge.source].level == CASCADE for edge in plan.edges
    ]
    # Room for what an epoch brings, so that rings seldom have to grow: the best picture and a
    # voice for everyone behind the edge. What publishers send is little beside it.
    routes = plan.route[FAN_OUT:LEVELS]
    readers = np.bincount(routes[routes >= 0], minlength=len(edges))
    most = max(_packet_rates(media)) * meeting.pictures
    copies = readers * most * 1.5 * (epoch + edges["delay"]) / SECOND
    rings = _power_of_two(_RING + copies)
    edges["mask"] = rings - 1
    edges["base"] = np.concatenate(([0], np.cumsum(rings)[:-1]))
    return edges


def _fans(plan: Plan) -> tuple[Any, Any, Any]:
    """See `World.fans`: everyone may come to be a node's, and on either of their access links."""
    everyone = np.concatenate((plan.group, plan.backup_group[plan.backup_group >= 0]))
    used = [
        np.unique(plan.ways[FAN_OUT][everyone, n], return_counts=True)
        for n in range(len(plan.node_edges))
    ]
    firsts = np.concatenate(([0], np.cumsum([len(edges) for edges, _ in used])))
    edges, copies = (np.concatenate([part[i] for part in used]) for i in range(2))
    # The command centre may get a packet twice: as the picture, and as a tile of the wall.
    return firsts.astype(np.int64), edges.astype(np.int32), copies.astype(np.int64) + 1


def _nodes(scenario: Scenario) -> NDArray[Any]:
    nodes = np.zeros(len(scenario.nodes), NODE)
    for n, node in enumerate(scenario.nodes.values()):
        nodes[n]["nic"] = node.nic
        nodes[n]["queue"] = node.queue
        nodes[n]["packet_cost"] = node.cost.packet
        nodes[n]["copy_cost"] = node.cost.copy_
        nodes[n]["kilobyte_cost"] = node.cost.kilobyte
        nodes[n]["join_cost"] = node.cost.join
        nodes[n]["key_frame_spacing"] = node.key_frame_spacing
    return nodes


def _packet_ring(scenario: Scenario, tiles: int) -> int:
    """Packets that can be on their way at once, as a power of two, with every queue full."""
    links = [scenario.cascade]
    for carrier in scenario.carriers.values():
        both_ways = [carrier.backbone, carrier.aggregation, carrier.peering]
        links += 2 * [*both_ways, *carrier.provinces.values()]
    shared = sum(link.buffer.limit(link.capacity) * 8 / link.capacity for link in links)
    nodes = sum(node.queue for node in scenario.nodes.values()) / SECOND
    access = (4 * LIFETIME + LONGEST_WAIT) / SECOND  # up and down, waiting and transmission; pacer
    rates = _packet_rates(scenario.media)
    per_second = sum(rates) * (2 + scenario.meeting.pictures) + tiles * max(rates)
    return int(_power_of_two(np.array(2 * per_second * (access + nodes + shared))))


def _packet_rates(media: Media) -> list[float]:
    """Packets per second of each layer with a voice beside it."""
    voice = SECOND / media.audio.ptime
    video = media.video
    return [voice + video.frame_rate + layer.bitrate / 8 / video.payload for layer in video.layers]


def _power_of_two(values: NDArray[Any]) -> NDArray[np.int64]:
    """The powers of two that are at least ``values``."""
    exponents = np.ceil(np.log2(np.maximum(values, 1))).astype(np.int64)
    return np.asarray(np.left_shift(1, exponents), np.int64)

"""The network's plan: which stations a scenario has, and which edges join them.

Every media node stands in a city of its own. A carrier reaches it by a backbone link between that
city and the carrier's provinces; where the carrier is none of the node's, a peering link in the
city lies between. Endpoints of one carrier in one province share an aggregation link and are a
group. The command centre is a group of its own on a direct line to its node.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scenarios.geography import great_circle
from scenarios.links import SharedLink
from scenarios.population import Population
from scenarios.scenario import Scenario
from simulations.world import (
    AGGREGATION_UP,
    BACKBONE_DOWN,
    BACKBONE_UP,
    CASCADE,
    FAN_OUT,
    GROUP,
    INGRESS,
    LEVELS,
    PEERING_DOWN,
    PEERING_UP,
)

FIBRE_SPEED = 2.0e8
"""Metres per second of light in fibre."""

PUBLISHERS = -1
"""The source of edges that endpoints write."""


@dataclass(frozen=True)
class Station:
    """A station of the plan: a shared link, or a media node's ingress or fan-out."""

    name: str
    level: int
    link: SharedLink | None = None
    kind: str = ""
    """backbone, peering, aggregation, cascade; empty for ingress, fan-out and direct lines."""
    carrier: str | None = None
    province: str | None = None
    direction: str = ""


@dataclass(frozen=True)
class Edge:
    """A stream of packets from one station to another."""

    source: int
    target: int
    delay: int
    """ns"""


@dataclass
class Plan:
    """Stations by level, edges by target, and each endpoint's route over the edges."""

    stations: list[Station] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    route: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    """(LEVELS + 1, n) edge that an endpoint's packets take out of each level; −1 for none."""
    group: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    """(n,) group of each endpoint, counted from the first of level GROUP."""
    node_edges: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 0), np.int32))

    def level(self, level: int) -> range:
        """Indices of the stations of ``level``."""
        indices = [i for i, station in enumerate(self.stations) if station.level == level]
        return range(indices[0], indices[-1] + 1) if indices else range(0)


def plan(scenario: Scenario, population: Population) -> Plan:
    """The stations and edges that ``scenario`` needs for ``population``."""
    carriers, nodes = list(scenario.carriers), list(scenario.nodes)
    centre = len(population) - 1
    groups = sorted({(int(population.carrier[e]), population.province[e]) for e in range(centre)})
    foreign = [
        (c, n)
        for c, carrier in enumerate(carriers)
        for n, node in enumerate(scenario.nodes.values())
        if carrier not in node.carriers
    ]
    pairs = [(c, n) for c in range(len(carriers)) for n in range(len(nodes))]
    routes = [(n, m) for n in range(len(nodes)) for m in range(len(nodes)) if n != m]

    stations: list[Station] = []
    index: dict[tuple[object, ...], int] = {}

    def add(level: int, key: tuple[object, ...], station: Station) -> None:
        index[level, *key] = len(stations)
        stations.append(station)

    def add_shared(level: int, kind: str, direction: str, keys: Iterable[tuple[int, int]]) -> None:
        for c, n in keys:
            carrier = scenario.carriers[carriers[c]]
            link = carrier.backbone if kind == "backbone" else carrier.peering
            name = f"{kind} {carriers[c]} {nodes[n]} {direction}"
            add(level, (c, n), Station(name, level, link, kind, carriers[c], None, direction))

    def add_aggregations(level: int, direction: str) -> None:
        for c, province in groups:
            carrier = scenario.carriers[carriers[c]]
            link = carrier.provinces.get(province, carrier.aggregation)
            name = f"aggregation {carriers[c]} {province} {direction}"
            station = Station(
                name, level, link, "aggregation", carriers[c], province, direction
            )
            add(level, (c, province), station)

    add_aggregations(AGGREGATION_UP, "up")
    add_shared(BACKBONE_UP, "backbone", "up", pairs)
    add_shared(PEERING_UP, "peering", "up", foreign)
    for n, name in enumerate(nodes):
        add(INGRESS, (n,), Station(f"ingress {name}", INGRESS))
    for n, m in routes:
        name = f"cascade {nodes[n]} {nodes[m]}"
        add(CASCADE, (n, m), Station(name, CASCADE, scenario.cascade, "cascade", direction="down"))
    for n, name in enumerate(nodes):
        add(FAN_OUT, (n,), Station(f"fan-out {name}", FAN_OUT))
    add_shared(PEERING_DOWN, "peering", "down", foreign)
    add_shared(BACKBONE_DOWN, "backbone", "down", pairs)
    add_aggregations(GROUP, "down")
    add(GROUP, ("centre",), Station("command centre", GROUP))

    edges: dict[tuple[int, int], int] = {}

    def join(source: int, target: int, delay: int = 0) -> None:
        edges.setdefault((source, target), delay)

    def path_delay(e: int, n: int, detour: float) -> int:
        return _propagation(
            (population.latitude[e], population.longitude[e]), _city(scenario, n), detour
        )

    def between(n: int, m: int) -> int:
        detour = max(carrier.detour for carrier in scenario.carriers.values())
        return _propagation(_city(scenario, n), _city(scenario, m), detour)

    hops: list[list[tuple[int, int, int]]] = []  # by endpoint: (level, source, target)
    for e in range(len(population)):
        c, n = int(population.carrier[e]), int(population.node[e])
        detour = scenario.carriers[carriers[c]].detour
        distance = path_delay(e, n, detour)
        ingress, fan_out = index[INGRESS, n], index[FAN_OUT, n]
        if e == centre:
            group = index[GROUP, "centre"]
            path = [(LEVELS, PUBLISHERS, ingress), (FAN_OUT, fan_out, group)]
            join(PUBLISHERS, ingress, distance)
            join(fan_out, group, distance)
        else:
            place = (c, population.province[e])
            up, backbone_up = index[AGGREGATION_UP, *place], index[BACKBONE_UP, c, n]
            backbone_down, group = index[BACKBONE_DOWN, c, n], index[GROUP, *place]
            path = [(LEVELS, PUBLISHERS, up), (AGGREGATION_UP, up, backbone_up)]
            join(PUBLISHERS, up)
            join(up, backbone_up, distance)
            join(backbone_down, group, distance)
            if (c, n) in foreign:
                peering_up, peering_down = index[PEERING_UP, c, n], index[PEERING_DOWN, c, n]
                path += [(BACKBONE_UP, backbone_up, peering_up), (PEERING_UP, peering_up, ingress)]
                path += [(FAN_OUT, fan_out, peering_down)]
                path += [(PEERING_DOWN, peering_down, backbone_down)]
            else:
                path += [(BACKBONE_UP, backbone_up, ingress), (FAN_OUT, fan_out, backbone_down)]
            path += [(BACKBONE_DOWN, backbone_down, group)]
            for _, source, target in path:
                join(source, target)
        hops.append(path)
    for n in range(len(nodes)):
        join(index[INGRESS, n], index[FAN_OUT, n])
    for n, m in routes:
        join(index[INGRESS, n], index[CASCADE, n, m])
        join(index[CASCADE, n, m], index[FAN_OUT, m], between(n, m))

    ordered = sorted(edges, key=lambda ends: (ends[1], ends[0]))
    number = {ends: i for i, ends in enumerate(ordered)}
    route = np.full((LEVELS + 1, len(population)), -1, np.int32)
    for e, path in enumerate(hops):
        for level, source, target in path:
            route[level, e] = number[source, target]
    node_edges = np.full((len(nodes), len(nodes)), -1, np.int32)
    for n in range(len(nodes)):
        node_edges[n, n] = number[index[INGRESS, n], index[FAN_OUT, n]]
    for n, m in routes:
        node_edges[n, m] = number[index[INGRESS, n], index[CASCADE, n, m]]
    first_group = index[GROUP, *groups[0]] if groups else index[GROUP, "centre"]
    group = [index[GROUP, int(population.carrier[e]), population.province[e]] for e in range(centre)]
    group.append(index[GROUP, "centre"])
    return Plan(
        stations,
        [Edge(*ends, edges[ends]) for ends in ordered],
        route,
        np.array(group, np.int32) - first_group,
        node_edges,
    )


def _city(scenario: Scenario, n: int) -> tuple[float, float]:
    node = list(scenario.nodes.values())[n]
    return node.latitude, node.longitude


def _propagation(a: tuple[float, float], b: tuple[float, float], detour: float) -> int:
    """ns between two places along a route that is ``detour`` times the great circle."""
    return round(float(great_circle(*a, *b)) * detour / FIBRE_SPEED * 1e9)

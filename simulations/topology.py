"""The network's plan: which stations a scenario has, and which edges join them.

Every media node stands in a city of its own. A carrier reaches it by a backbone link between that
city and the carrier's provinces; where the carrier is none of the node's, a peering link in the
city lies between. Endpoints of one carrier in one province share an aggregation link and are a
group. The command centre is a group of its own on a direct line to its node.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

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
    node: str | None = None
    """The media node's that a backbone or a peering leads to, that a cascade comes from, or that a
    fan-out is part of."""
    to: str | None = None
    """The media node that a cascade leads to."""


@dataclass(frozen=True)
class Edge:
    """A stream of packets from one station to another."""

    source: int
    target: int
    delay: int
    """ns"""


@dataclass(frozen=True)
class Plan:
    """Stations by level, edges by target, and each endpoint's route over the edges.

    There is a way from every group to every media node, whoever is dealt to it: endpoints can move.
    """

    stations: list[Station]
    edges: list[Edge]
    route: NDArray[np.int32]
    """(LEVELS + 1, n) edge that an endpoint's packets take out of each level, −1 for none; the
    last row is for what the endpoint itself sends."""
    group: NDArray[np.int32]
    """(n,) group of each endpoint, counted from the first of level GROUP."""
    node_edges: NDArray[np.int32]
    """(nodes, nodes) edge from a node's ingress to its fan-out or to the cascade to another."""
    path: NDArray[np.int64]
    """(n,) ns between an endpoint's access link and its node, without queues."""
    ways: NDArray[np.int32]
    """(LEVELS + 1, groups, nodes) as `route`, from each group to each node."""
    paths: NDArray[np.int64]
    """(groups, nodes) as `path`."""
    backup_group: NDArray[np.int32]
    """(n,) group that an endpoint belongs to on its backup access link; −1: it has none."""
    city_delays: NDArray[np.int64]
    """(nodes, nodes) ns between media nodes' cities."""


def plan(
    scenario: Scenario, population: Population, backup_carrier: NDArray[np.int32] | None = None
) -> Plan:
    """The stations and edges that ``scenario`` needs for ``population``.

    Args:
        backup_carrier: (n,) index of the carrier of each endpoint's backup access link, −1 for
            those without; nobody has one, unless said.
    """
    return _Planner(scenario, population, backup_carrier).plan()


class _Planner:
    def __init__(
        self,
        scenario: Scenario,
        population: Population,
        backup_carrier: NDArray[np.int32] | None,
    ) -> None:
        self.scenario = scenario
        self.population = population
        self.carriers, self.nodes = list(scenario.carriers), list(scenario.nodes)
        self.centre = len(population) - 1
        none = np.full(len(population), -1, np.int32)
        self.backup = none if backup_carrier is None else backup_carrier
        places: dict[str, tuple[float, float]] = {}
        groups = set()
        for e in range(self.centre):
            place = (float(population.latitude[e]), float(population.longitude[e]))
            places.setdefault(population.province[e], place)
            groups.add(self._group(e))
            if self.backup[e] >= 0:
                groups.add(self._backup_group(e))
        self.places = places
        self.groups = sorted(groups)
        self.foreign = [
            (c, n)
            for c, carrier in enumerate(self.carriers)
            for n, node in enumerate(scenario.nodes.values())
            if carrier not in node.carriers
        ]
        n_nodes = range(len(self.nodes))
        self.cascades = [(n, m) for n in n_nodes for m in n_nodes if n != m]
        self.stations: list[Station] = []
        self.index: dict[tuple[object, ...], int] = {}
        self.edges: dict[tuple[int, int], int] = {}

    def plan(self) -> Plan:
        self._add_stations()
        paths = self._join_groups()
        self._join_nodes()
        ordered = sorted(self.edges, key=lambda ends: (ends[1], ends[0]))
        number = {ends: i for i, ends in enumerate(ordered)}
        ways = np.full((LEVELS + 1, len(self.groups) + 1, len(self.nodes)), -1, np.int32)
        for (g, n), path in paths.items():
            for level, source, target in path:
                ways[level, g, n] = number[source, target]
        node_edges = np.full((len(self.nodes), len(self.nodes)), -1, np.int32)
        for n in range(len(self.nodes)):
            node_edges[n, n] = number[self.index[INGRESS, n], self.index[FAN_OUT, n]]
        for n, m in self.cascades:
            node_edges[n, m] = number[self.index[INGRESS, n], self.index[CASCADE, n, m]]
        delays = np.array([self.edges[ends] for ends in ordered] + [0])
        city_delays = np.zeros(node_edges.shape, np.int64)
        for n, m in self.cascades:
            between = (self.index[CASCADE, n, m], self.index[FAN_OUT, m])
            city_delays[n, m] = self.edges[between]
        index = {key: g for g, key in enumerate(self.groups)}
        group = [index[self._group(e)] for e in range(self.centre)]
        group.append(len(self.groups))
        backup_group = [
            index[self._backup_group(e)] if self.backup[e] >= 0 else -1 for e in range(self.centre)
        ]
        backup_group.append(-1)  # the command centre has a direct line and no other
        paths_long = delays[ways[[*range(FAN_OUT), LEVELS]]].sum(axis=0)
        node = self.population.node
        return Plan(
            self.stations,
            [Edge(*ends, self.edges[ends]) for ends in ordered],
            np.ascontiguousarray(ways[:, group, node]),
            np.array(group, np.int32),
            node_edges,
            paths_long[group, node],
            ways,
            paths_long,
            np.array(backup_group, np.int32),
            city_delays,
        )

    def _group(self, e: int) -> tuple[int, str]:
        return int(self.population.carrier[e]), self.population.province[e]

    def _backup_group(self, e: int) -> tuple[int, str]:
        return int(self.backup[e]), self.population.province[e]

    # ------------------------------------------------------------ stations

    def _add(self, level: int, key: tuple[object, ...], station: Station) -> None:
        self.index[level, *key] = len(self.stations)
        self.stations.append(station)

    def _add_stations(self) -> None:
        pairs = [(c, n) for c in range(len(self.carriers)) for n in range(len(self.nodes))]
        self._add_aggregations(AGGREGATION_UP, "up")
        self._add_trunks(BACKBONE_UP, "backbone", "up", pairs)
        self._add_trunks(PEERING_UP, "peering", "up", self.foreign)
        for n, name in enumerate(self.nodes):
            self._add(INGRESS, (n,), Station(f"ingress {name}", INGRESS))
        for n, m in self.cascades:
            name = f"cascade {self.nodes[n]} {self.nodes[m]}"
            link = self.scenario.cascade
            station = Station(
                name, CASCADE, link, "cascade", None, None, "down", self.nodes[n], self.nodes[m]
            )
            self._add(CASCADE, (n, m), station)
        for n, name in enumerate(self.nodes):
            self._add(FAN_OUT, (n,), Station(f"fan-out {name}", FAN_OUT, node=name))
        self._add_trunks(PEERING_DOWN, "peering", "down", self.foreign)
        self._add_trunks(BACKBONE_DOWN, "backbone", "down", pairs)
        self._add_aggregations(GROUP, "down")
        self._add(GROUP, ("centre",), Station("command centre", GROUP))

    def _add_trunks(
        self, level: int, kind: str, direction: str, keys: Iterable[tuple[int, int]]
    ) -> None:
        for c, n in keys:
            name = self.carriers[c]
            carrier = self.scenario.carriers[name]
            link = carrier.backbone if kind == "backbone" else carrier.peering
            full_name = f"{kind} {name} {self.nodes[n]} {direction}"
            station = Station(full_name, level, link, kind, name, None, direction, self.nodes[n])
            self._add(level, (c, n), station)

    def _add_aggregations(self, level: int, direction: str) -> None:
        for c, province in self.groups:
            name = self.carriers[c]
            carrier = self.scenario.carriers[name]
            link = carrier.provinces.get(province, carrier.aggregation)
            full_name = f"aggregation {name} {province} {direction}"
            station = Station(full_name, level, link, "aggregation", name, province, direction)
            self._add(level, (c, province), station)

    # ------------------------------------------------------------ edges

    def _join(self, source: int, target: int, delay: int = 0) -> None:
        self.edges.setdefault((source, target), delay)

    def _join_groups(self) -> dict[tuple[int, int], list[tuple[int, int, int]]]:
        """The hops between each group and each node, by their numbers."""
        paths = {}
        for n in range(len(self.nodes)):
            for g, (c, province) in enumerate(self.groups):
                paths[g, n] = self._join_group(c, province, n)
            paths[len(self.groups), n] = self._join_centre(n)
        return paths

    def _join_centre(self, n: int) -> list[tuple[int, int, int]]:
        centre, population = self.centre, self.population
        place = (float(population.latitude[centre]), float(population.longitude[centre]))
        detour = self.scenario.carriers[self.carriers[int(population.carrier[centre])]].detour
        delay = propagation(place, self._city(n), detour)
        ingress, fan_out = self.index[INGRESS, n], self.index[FAN_OUT, n]
        group = self.index[GROUP, "centre"]
        self._join(PUBLISHERS, ingress, delay)
        self._join(fan_out, group, delay)
        return [(LEVELS, PUBLISHERS, ingress), (FAN_OUT, fan_out, group)]

    def _join_group(self, c: int, province: str, n: int) -> list[tuple[int, int, int]]:
        """A group's hops up to a node and down from it: (level, source, target)."""
        detour = self.scenario.carriers[self.carriers[c]].detour
        delay = propagation(self.places[province], self._city(n), detour)
        ingress, fan_out = self.index[INGRESS, n], self.index[FAN_OUT, n]
        up, group = self.index[AGGREGATION_UP, c, province], self.index[GROUP, c, province]
        trunk_up, trunk_down = self.index[BACKBONE_UP, c, n], self.index[BACKBONE_DOWN, c, n]
        self._join(up, trunk_up, delay)
        self._join(trunk_down, group, delay)
        stops = [up, trunk_up, ingress]
        returns = [fan_out, trunk_down, group]
        if (c, n) in self.foreign:
            stops.insert(2, self.index[PEERING_UP, c, n])
            returns.insert(1, self.index[PEERING_DOWN, c, n])
        path = [(LEVELS, PUBLISHERS, up)]
        for chain in (stops, returns):
            path += [(self.stations[a].level, a, b) for a, b in itertools.pairwise(chain)]
        for _, source, target in path:
            self._join(source, target)
        return path

    def _join_nodes(self) -> None:
        detour = max(carrier.detour for carrier in self.scenario.carriers.values())
        for n in range(len(self.nodes)):
            self._join(self.index[INGRESS, n], self.index[FAN_OUT, n])
        for n, m in self.cascades:
            cascade = self.index[CASCADE, n, m]
            delay = propagation(self._city(n), self._city(m), detour)
            self._join(self.index[INGRESS, n], cascade)
            self._join(cascade, self.index[FAN_OUT, m], delay)

    def _city(self, n: int) -> tuple[float, float]:
        node = self.scenario.nodes[self.nodes[n]]
        return node.latitude, node.longitude


def propagation(a: tuple[float, float], b: tuple[float, float], detour: float) -> int:
    """ns between two places along a route that is ``detour`` times the great circle."""
    return round(float(great_circle(*a, *b)) * detour / FIBRE_SPEED * 1e9)

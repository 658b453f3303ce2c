"""Ways between endpoints' groups and places: the shared links on them, and how long they are.

Places are media nodes, then signalling servers, then the DNS resolvers beside these. Their traffic
takes the carrier's backbone to the media node nearest to them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenarios.geography import great_circle
from scenarios.population import Population
from scenarios.scenario import Scenario
from simulations.topology import Plan, propagation
from simulations.world import (
    AGGREGATION_UP,
    BACKBONE_DOWN,
    BACKBONE_UP,
    GROUP,
    LEVELS,
    PEERING_DOWN,
    PEERING_UP,
)

_UP, _DOWN = (AGGREGATION_UP, BACKBONE_UP, PEERING_UP), (PEERING_DOWN, BACKBONE_DOWN, GROUP)

Stations = frozenset[tuple[Any, ...]]
"""Shared links, each one direction: ("station", number)."""


@dataclass(frozen=True)
class Server:
    """A signalling server: somewhere, on some carriers."""

    name: str
    latitude: float
    longitude: float
    carriers: tuple[str, ...]


@dataclass(frozen=True)
class Way:
    """Between an endpoint's access link and a place."""

    up: Stations
    down: Stations
    straight: int
    """ns, without detours."""
    group: int
    node: int
    """The media node whose city it leads to."""


class Ways:
    """All of a plan's, with the detours that there are now."""

    def __init__(
        self, plan: Plan, scenario: Scenario, population: Population, servers: Sequence[Server]
    ) -> None:
        self.plan, self.scenario, self.population = plan, scenario, population
        self.servers = servers
        self.nodes = list(scenario.nodes)
        self.paths = plan.paths.copy()
        """(groups, nodes) ns between access links and media nodes, detours included."""
        self._groups = [station for station in plan.stations if station.level == GROUP]
        self._known: dict[tuple[int, int], Way] = {}

    def between(self, endpoint: int, group: int, place: int) -> Way:
        """The way between an endpoint, which belongs to ``group`` now, and a place."""
        if (group, place) not in self._known:
            self._known[group, place] = self._find(endpoint, group, place)
        return self._known[group, place]

    def delay(self, way: Way) -> int:
        """ns of propagation, one way."""
        place = way.group, way.node
        return way.straight + int(self.paths[place] - self.plan.paths[place])

    def lead(self, carrier: str, node: str, by: Sequence[str]) -> list[tuple[int, int]]:
        """Let a carrier's ways to the city of ``node`` go by the city of one of the media nodes
        ``by``, the nearest way; straight, where there are none.

        Returns:
            Edges and their delays (ns) from now on.
        """
        plan, n = self.plan, self.nodes.index(node)
        others = [self.nodes.index(name) for name in by]
        found = []
        for g, station in enumerate(self._groups):
            if station.carrier != carrier:
                continue
            ways = [int(plan.paths[g, m] + plan.city_delays[m, n]) for m in others]
            straight = int(plan.paths[g, n])
            self.paths[g, n] = max(min(ways, default=0), straight)
            for level in (AGGREGATION_UP, BACKBONE_DOWN):
                e = int(plan.ways[level, g, n])
                found.append((e, plan.edges[e].delay + int(self.paths[g, n]) - straight))
        return found

    def _find(self, endpoint: int, group: int, place: int) -> Way:
        if place < len(self.nodes):
            return self._way(group, place, int(self.plan.paths[group, place]))
        server = self.servers[(place - len(self.nodes)) % len(self.servers)]
        nodes = self.scenario.nodes.values()
        near = int(
            np.argmin(
                great_circle(
                    server.latitude, server.longitude,
                    np.array([node.latitude for node in nodes]),
                    np.array([node.longitude for node in nodes]),
                )
            )
        )  # fmt: skip
        people, carriers = self.population, list(self.scenario.carriers)
        name = self._groups[group].carrier or carriers[people.carrier[endpoint]]
        here = (float(people.latitude[endpoint]), float(people.longitude[endpoint]))
        detour = self.scenario.carriers[name].detour
        delay = propagation(here, (server.latitude, server.longitude), detour)
        return self._way(group, near, delay, peers=name not in server.carriers)

    def _way(self, group: int, node: int, straight: int, *, peers: bool = True) -> Way:
        up, down = (
            frozenset(("station", s) for s in self._stations(group, node, levels, peers=peers))
            for levels in (_UP, _DOWN)
        )
        return Way(up, down, straight, group, node)

    def _stations(
        self, group: int, node: int, levels: Sequence[int], *, peers: bool
    ) -> Iterator[int]:
        """The shared links between a group and a media node that are of some ``levels``."""
        for edge in self.plan.ways[[LEVELS, *range(LEVELS)], group, node].tolist():
            if edge >= 0:
                s = self.plan.edges[edge].target
                station = self.plan.stations[s]
                if station.level in levels and (peers or station.kind != "peering"):
                    yield s

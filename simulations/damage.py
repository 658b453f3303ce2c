"""Damage: which components of the network are down or degraded, and whom that cuts off."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from simulations.network import Component
from simulations.topology import Plan
from simulations.world import CASCADE, FAN_OUT, LEVELS, World


class Damage:
    """What faults have done to the components of a plan, media nodes and signalling servers."""

    def __init__(self, plan: Plan, nodes: Sequence[str], servers: Sequence[str]) -> None:
        self.plan = plan
        self.nodes = nodes
        self.servers = servers
        self._down: Counter[Component] = Counter()
        """How many faults hold each single component down."""
        self._lossy: dict[int, float] = {}
        """The share of packets that degraded stations lose."""
        self._cut = np.zeros(plan.paths.shape, np.int64)
        self._lost = np.zeros((2, *plan.paths.shape))
        """(up and down, groups, nodes) share of packets that degraded shared links lose."""

    def is_down(self, *components: Component) -> bool:
        """Whether any of the single components is down."""
        return not self._down.keys().isdisjoint(components)

    def passing(self, components: Collection[Component]) -> float:
        """The share of packets that all the degraded stations among ``components`` let pass."""
        kept = 1.0
        for s, loss in self._lossy.items():
            if ("station", s) in components:
                kept *= 1.0 - loss
        return kept

    def parts(self, component: Component, world: World) -> list[Component]:
        """The single components that are meant: stations by number, the rest as they are.

        Raises:
            ValueError: there is no such component.
        """
        kind = component[0]
        if kind == "station":
            if parts := [("station", s) for s in self._matching(*component[1:])]:
                return parts
        elif kind == "access":
            _, endpoint, link = component
            has = link == "primary" or (link == "backup" and world.spare[endpoint] >= 0)
            if has and 0 <= endpoint < len(world.endpoints):
                return [component]
        elif (kind == "node" and component[1] in self.nodes) or (
            kind == "server" and component[1] in self.servers
        ):
            return [component]
        raise ValueError(f"there is no component {component}")

    def _matching(self, kind: str, carrier: str | None, where: str | None) -> list[int]:
        found = []
        for s, station in enumerate(self.plan.stations):
            owner, place = station.carrier, station.province or station.node
            if station.level == CASCADE:
                owner, place = station.node, station.to
            if station.kind == kind and carrier in (None, owner) and where in (None, place):
                found.append(s)
        return found

    def begin(self, part: Component) -> bool:
        """A fault holds a single component down; whether it was up before."""
        self._down[part] += 1
        return self._down[part] == 1

    def end(self, part: Component) -> bool:
        """A fault lets go of a single component; whether it is up again."""
        self._down[part] -= 1
        if self._down[part] > 0:
            return False
        del self._down[part]
        return True

    def lose(self, station: int, loss: float) -> None:
        """A station loses a share of its packets."""
        self._lossy.pop(station, None)
        if loss > 0:
            self._lossy[station] = loss

    def mark_all(self, world: World) -> None:
        """Mark everyone between whom and their node a link is down, or loses packets."""
        down = [part[1] for part in self._down if part[0] == "station"]
        stations = np.zeros(len(self.plan.stations), np.int64)
        stations[down] = 1
        targets = np.array([edge.target for edge in self.plan.edges])
        ways = self.plan.ways
        self._cut = np.where(ways >= 0, stations[targets[ways]], 0).max(axis=0)
        kept = np.ones(len(self.plan.stations))
        kept[list(self._lossy)] = 1.0 - np.array(list(self._lossy.values()))
        passed = np.where(ways >= 0, kept[targets[ways]], 1.0)
        for way, levels in enumerate(([LEVELS, *range(FAN_OUT)], range(FAN_OUT, LEVELS))):
            self._lost[way] = 1.0 - passed[list(levels)].prod(axis=0)
        self.mark(world, np.arange(len(world.endpoints)))

    def mark(self, world: World, endpoints: Any) -> None:
        """As `mark_all`, for some whose way has changed."""
        places = world.endpoints
        cut = self._cut[places["group"][endpoints], places["node"][endpoints]]
        places["cut"][endpoints] = cut | world.uplinks["down"][endpoints]
        for name, lost in zip(("lost_up", "lost_down"), self._lost, strict=True):
            places[name][endpoints] = lost[places["group"][endpoints], places["node"][endpoints]]

# ruff: noqa: ARG002  (it has the arguments that the control plane gives)
"""A network in memory for tests of the control plane: constant delays, losses by lot."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scenarios.backups import Backups, deal_backups
from scenarios.population import Population, populate
from scenarios.scenario import Scenario
from simulations.network import LOST, Component
from simulations.randomness import uniform

FIRST_FRAME = 200_000_000


@dataclass
class StandIn:
    """See `simulations.network.Network`."""

    scenario: Scenario
    population: Population
    backups: Backups
    delay: int = 5_000_000
    """ns, one way, besides the access link's own."""
    loss: float = 0.0
    down: Counter[Component] = field(default_factory=Counter)
    degraded: dict[Component, tuple[float, float]] = field(default_factory=dict)
    led: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    backup: dict[int, bool] = field(default_factory=dict)
    served: dict[int, int] = field(default_factory=dict)
    since: dict[int, int] = field(default_factory=dict)
    busy: dict[int, int] = field(default_factory=dict)
    missed: dict[int, int] = field(default_factory=dict)
    """Since when endpoints have known that they get no media."""
    sent: int = 0

    def __post_init__(self) -> None:
        self.carriers, self.nodes = list(self.scenario.carriers), list(self.scenario.nodes)
        assert self.scenario.signalling is not None
        self.servers = list(self.scenario.signalling.servers)

    def components(self, endpoint: int, place: int) -> list[Component]:
        """All that lies between both."""
        backup = self.backup.get(endpoint, False)
        owner = self.backups if backup else self.population
        carrier = self.carriers[owner.carrier[endpoint]]
        found: list[Component] = [("access", endpoint, "backup" if backup else "primary")]
        if place < len(self.nodes):
            node, reached_by = self.nodes[place], self.scenario.nodes[self.nodes[place]].carriers
            found.append(("node", node))
        else:
            assert self.scenario.signalling is not None
            resolves, number = divmod(place - len(self.nodes), len(self.servers))
            name = self.servers[number]
            server = self.scenario.signalling.servers[name]
            node, reached_by = self.nodes[0], server.carriers
            if not resolves:
                found.append(("server", name))
        if endpoint < len(self.population) - 1:
            province = self.population.province[endpoint]
            found += [
                ("station", "aggregation", carrier, province),
                ("station", "backbone", carrier, node),
            ]
            if carrier not in reached_by:
                found.append(("station", "peering", carrier, node))
        return found

    def reaches(self, endpoint: int, place: int) -> bool:
        return not any(part in self.down for part in self.components(endpoint, place))

    def send(self, endpoint: int, place: int, size: int, now: int, up: bool = True) -> int:
        self.sent += 1
        lost = 1.0 - self.loss
        for component in self.components(endpoint, place):
            lost *= 1.0 - self.degraded.get(component, (1.0, 0.0))[1]
        if uniform(np.uint64(7), self.sent) > lost or not self.reaches(endpoint, place):
            return LOST
        owner = self.backups if self.backup.get(endpoint, False) else self.population
        return now + self.delay + int(owner.delay[endpoint])

    def connect(self, endpoint: int, node: int, now: int) -> int:
        assert endpoint not in self.served, "connected twice"
        if ("node", self.nodes[node]) in self.down:
            return LOST
        self.served[endpoint] = node
        name = self.nodes[node]
        begin = max(now, self.busy.get(node, 0))
        self.busy[node] = self.since[endpoint] = begin + self.scenario.nodes[name].cost.join
        return self.busy[node]

    def disconnect(self, endpoint: int, now: int) -> None:
        self.served.pop(endpoint, None)

    def mark_lost(self, endpoint: int, now: int) -> None:
        self.missed[endpoint] = now

    def mark_found(self, endpoint: int, now: int) -> None:
        self.missed.pop(endpoint, None)

    def first_frame(self, endpoint: int) -> int:
        return self.since.get(endpoint, LOST - FIRST_FRAME) + FIRST_FRAME

    def fail(self, component: Component, now: int) -> None:
        self.down[component] += 1

    def restore(self, component: Component, now: int) -> None:
        self.down[component] -= 1  # of overlapping faults, the last repair brings it up
        self.down += Counter()  # forgets what is up

    def degrade(self, component: Component, now: int, rate: float = 1.0, loss: float = 0.0) -> None:
        self.degraded[component] = (rate, loss)

    def lead(self, carrier: str, node: str, by: Sequence[str]) -> None:
        self.led[carrier, node] = tuple(by)

    def use_link(self, endpoint: int, backup: bool, now: int) -> None:
        assert endpoint not in self.served, "changes its link while connected"
        self.backup[endpoint] = backup


def stand_in(scenario: Scenario, **settings: float) -> StandIn:
    """A network for all of ``scenario``'s population."""
    population = populate(scenario)
    backups = deal_backups(scenario, population)
    return StandIn(scenario, population, backups, **settings)  # type: ignore[arg-type]

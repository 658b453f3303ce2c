"""Relays (TURN, RFC 8656): who needs one, and what the way over it adds to an endpoint's path."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenarios.geography import great_circle
from scenarios.population import Population
from scenarios.scenario import Scenario
from simulations.draws import Draws
from simulations.topology import Plan, propagation

NO_RELAY, OVER_UDP, OVER_TCP = 0, 1, 2


def relayed(scenario: Scenario, sites: Sequence[str], replication: int) -> list[int]:
    """What each endpoint needs: NO_RELAY, one OVER_UDP or one OVER_TCP. The command centre, the
    last, needs none."""
    ice, draws = scenario.ice, Draws(scenario.seed, replication, sites)
    blocked, symmetric = ice.udp_blocked, ice.symmetric_nat
    found = []
    for endpoint in range(len(sites) - 1):
        draw = draws.uniform("relay", endpoint)
        other = OVER_UDP if draw < blocked + symmetric else NO_RELAY
        found.append(OVER_TCP if draw < blocked else other)
    return [*found, NO_RELAY]


def ways_round(
    scenario: Scenario, population: Population, plan: Plan, replication: int
) -> NDArray[np.int64]:
    """(n, nodes) ns that an endpoint's path to each media node is longer, one way, for going over
    the endpoint's relay, the nearest to it; 0 for those without."""
    places = list((scenario.ice.relays or scenario.nodes).values())
    latitudes = np.array([place.latitude for place in places])
    longitudes = np.array([place.longitude for place in places])
    found = np.zeros((len(population), len(scenario.nodes)), np.int64)
    for e in np.flatnonzero(relayed(scenario, population.site, replication)):
        here = (float(population.latitude[e]), float(population.longitude[e]))
        relay = places[int(np.argmin(great_circle(*here, latitudes, longitudes)))]
        there = (relay.latitude, relay.longitude)
        detour = list(scenario.carriers.values())[population.carrier[e]].detour
        for n, node in enumerate(scenario.nodes.values()):
            city = (node.latitude, node.longitude)
            way = propagation(here, there, detour) + propagation(there, city, detour)
            found[e, n] = max(way - int(plan.paths[plan.group[e], n]), 0)
    return found

"""Relays: who needs one, and how much longer the way over it is."""

from typing import Any

import numpy as np
import pytest

from scenarios.population import populate
from simulations.relays import NO_RELAY, OVER_TCP, OVER_UDP, relayed, ways_round
from simulations.topology import plan, propagation
from tests.simulations.networks import deal, make_scenario

SOUTH = (10.8, 106.7)
NORTH = (21, 105.8)
CA_MAU = (9.177, 105.15)


def ways(ice: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    rules = [deal("s1", "red", "fibre", "south"), deal("s2", "red", "fibre", "north")]
    scenario = make_scenario({"endpoints": {"rules": rules}, "ice": ice}, endpoints=2)
    population = populate(scenario)
    return ways_round(scenario, population, plan(scenario, population), 0)


def test_shares_of_endpoints_need_relays_and_the_command_centre_does_not() -> None:
    scenario = make_scenario({"ice": {"symmetric_nat": "30%", "udp_blocked": "10%"}})
    sites = [f"x{number}" for number in range(4000)]
    found = np.array(relayed(scenario, sites, 0))
    assert found[-1] == NO_RELAY
    assert np.mean(found == OVER_UDP) == pytest.approx(0.3, abs=0.03)
    assert np.mean(found == OVER_TCP) == pytest.approx(0.1, abs=0.02)
    assert found.tolist() == relayed(scenario, sites, 0)
    assert found.tolist() != relayed(scenario, sites, 1)


def test_without_relays_no_way_is_longer() -> None:
    assert not ways({}).any()


def test_a_relay_beside_the_nearest_node_costs_only_those_on_another() -> None:
    found = ways({"symmetric_nat": "100%"})
    over = propagation(CA_MAU, SOUTH, 1.5) + propagation(SOUTH, NORTH, 1.5)
    assert found[0].tolist() == [over - propagation(CA_MAU, NORTH, 1.5), 0]
    assert not found[2].any()  # the command centre


def test_a_relay_somewhere_else_costs_the_way_there_and_on() -> None:
    relays = {"danang": {"latitude": 16.05, "longitude": 108.2}}
    found = ways({"symmetric_nat": "100%", "relays": relays})
    there = (16.05, 108.2)
    over = propagation(CA_MAU, there, 1.5) + propagation(there, SOUTH, 1.5)
    assert found[0, 1] == over - propagation(CA_MAU, SOUTH, 1.5)
    assert found[0, 1] > 8_000_000

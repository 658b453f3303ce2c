"""From a scenario to arrays: what each record says is what the scenario said."""

from itertools import pairwise

import numpy as np
import pytest

from scenarios.population import populate
from simulations.build import build
from simulations.packets import PACKET
from simulations.rates import FOREVER
from simulations.topology import plan
from tests.simulations.networks import Playing, make_scenario, merged
from tests.simulations.test_conference import WILD


def test_only_links_with_a_load_have_bursts() -> None:
    world = Playing(make_scenario(WILD, endpoints=12)).engine.world
    plan = Playing(make_scenario(WILD, endpoints=12)).plan
    for station, state in zip(plan.stations, world.stations, strict=True):
        loaded = station.carrier == "blue" or station.kind == "cascade"
        assert (state["burst_bytes"] > 0) == loaded, station.name
        assert (state["burst_at"] < FOREVER) == loaded


def test_every_endpoint_listens_at_its_node_and_watches_one_layer_at_most() -> None:
    halves = {"north": "50%", "south": "50%"}
    rules = [
        {"when": {"site": ["s1", "s5"]}, "carrier": "red", "access": "thin", "node": "south"},
        {"when": {"site": "s2"}, "carrier": "red", "access": "none"},
        {"carrier": "red", "access": "fibre", "node": halves},
    ]
    none = {"label": "None", "delay": "1ms", "down": {"rate": "90kbps"}, "up": {"rate": "1Mbps"}}
    scenario = make_scenario(
        {"endpoints": {"rules": rules}, "access": {"none": none}}, endpoints=12
    )
    playing = Playing(scenario)
    world, people = playing.engine.world, playing.population
    watching: dict[int, int] = {}
    for n in range(2):
        first = world.audiences[n]
        parts = [world.subscribers[a:b].tolist() for a, b in pairwise(first)]
        assert sorted(parts[0]) == np.flatnonzero(people.node == n).tolist()
        for layer, viewers in enumerate(parts[1:]):
            watching |= dict.fromkeys(viewers, layer)
        assert sum(map(len, parts[1:])) == sum(1 for e in parts[0] if people.layer[e] >= 0)
    assert watching == {e: layer for e, layer in enumerate(people.layer.tolist()) if layer >= 0}
    assert people.layer[1] == -1


def test_packets_live_as_long_as_they_may_be_on_their_way() -> None:
    # 4 voices' worth of every rate there is, for more than a minute
    wall = {"tiles": 4, "layer": "high"}
    scenario = make_scenario(merged({}, {"meeting": {"wall": wall}}), endpoints=6)
    playing = Playing(scenario)
    playing.advance(3 * 10**9)
    world = playing.engine.world
    a_second = world.totals[0] / 3
    assert world.packets.dtype == PACKET
    assert len(world.packets) > 70 * a_second
    assert len(world.packets) & (len(world.packets) - 1) == 0


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_every_group_is_one_threads(threads: int) -> None:
    scenario = make_scenario(WILD, endpoints=12)
    people = populate(scenario)
    network = plan(scenario, people)
    world = build(scenario, people, network, threads=threads)
    dealt = [group for share in world.shares.tolist() for group in share if group >= 0]
    groups = len(set(network.group.tolist()))
    assert sorted(dealt) == list(range(groups))
    assert len(world.shares) == threads
    assert (world.shares[:, -1] == -1).all()
    members = [world.group_members[a:b].tolist() for a, b in pairwise(world.group_first)]
    assert [sorted(m) for m in members] == [
        np.flatnonzero(network.group == g).tolist() for g in range(groups)
    ]

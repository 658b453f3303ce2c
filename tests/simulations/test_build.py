"""From a scenario to arrays: what each record says is what the scenario said."""

from itertools import pairwise

import numpy as np

from scenarios.population import populate
from simulations.build import build
from simulations.packets import PACKET, PADDING
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


def test_every_endpoint_is_of_its_node_s_audience_and_watches_the_layer_that_fits() -> None:
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
    for n, members in enumerate(world.audience):
        listeners = world.subscribers[n, :members].tolist()
        assert sorted(listeners) == np.flatnonzero(people.node == n).tolist()
    picture = world.outs[len(people) : 2 * len(people)]  # behind those of the one voice
    assert picture["wanted"].tolist() == people.layer.tolist()
    assert [people.layer[people.site.index(site)] for site in ("s1", "s2", "s3")] == [0, -1, 1]
    assert (world.outs["layer"] == -1).all()  # nothing is forwarded yet


def test_packets_live_as_long_as_they_may_be_on_their_way() -> None:
    # 4 voices' worth of every rate there is, for more than a minute
    wall = {"tiles": 4, "layer": "high"}
    scenario = make_scenario(merged({}, {"meeting": {"wall": wall}}), endpoints=6)
    playing = Playing(scenario)
    playing.advance(3 * 10**9)
    world = playing.engine.world
    a_second = world.totals[0] / 3
    assert world.packets.dtype == PACKET
    ring = playing.settings.packet_mask + 1
    assert ring > 70 * a_second
    assert ring & (ring - 1) == 0
    assert len(world.packets) == ring + 1  # and, behind it, what all of nodes' padding is
    assert world.packets["media"][-1] == PADDING


def test_groups_are_played_in_an_order_and_have_their_members() -> None:
    scenario = make_scenario(WILD, endpoints=12)
    people = populate(scenario)
    network = plan(scenario, people)
    world = build(scenario, people, network, threads=2)
    groups = len(set(network.group.tolist()))
    for order in world.group_order.tolist():
        assert sorted(order) == list(range(groups))
    members = [world.group_members[a:b].tolist() for a, b in pairwise(world.group_first)]
    assert [sorted(m) for m in members] == [
        np.flatnonzero(network.group == g).tolist() for g in range(groups)
    ]

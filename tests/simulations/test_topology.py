"""The network's plan: its stations, its edges, and everyone's way through them."""

from itertools import pairwise

import numpy as np
import pytest

from scenarios.geography import great_circle
from scenarios.population import populate
from scenarios.scenario import Scenario
from simulations.topology import PUBLISHERS, Plan, plan
from simulations.world import BACKBONE_DOWN, FAN_OUT, GROUP, INGRESS, LEVELS
from tests.simulations.networks import PROVINCES, deal, make_scenario

SCENARIO = make_scenario(
    {
        "endpoints": {
            "rules": [
                deal("s1", "red", "fibre", "north"),
                deal("s2", "blue", "fibre", "south"),  # which blue reaches over peering
                deal("s3", "red", "fibre", "south"),
                deal("s4", "red", "fibre", "south"),
            ]
        },
        "carriers": {"red": {"provinces": {PROVINCES[0]: {"capacity": "7Mbps"}}}},
    }
)


def make_plan(scenario: Scenario = SCENARIO) -> Plan:
    return plan(scenario, populate(scenario))


def way(network: Plan, e: int, levels: range) -> list[str]:
    """The stations that an endpoint's packets pass by its edges of ``levels``."""
    edges = [network.route[level, e] for level in (LEVELS, *levels) if network.route[level, e] >= 0]
    return [network.stations[network.edges[edge].target].name for edge in edges]


@pytest.mark.parametrize(
    ("endpoint", "up", "down"),
    [
        (0, ["aggregation red Cà Mau up", "backbone red north up", "ingress north"],
            ["backbone red north down", "aggregation red Cà Mau down"]),
        (1, ["aggregation blue Bạc Liêu up", "backbone blue south up", "peering blue south up",
             "ingress south"],
            ["peering blue south down", "backbone blue south down",
             "aggregation blue Bạc Liêu down"]),
        (3, ["aggregation red Cà Mau up", "backbone red south up", "ingress south"],
            ["backbone red south down", "aggregation red Cà Mau down"]),
        (4, ["ingress north"], ["command centre"]),
    ],
)  # fmt: skip
def test_everyones_way_up_and_down(endpoint: int, up: list[str], down: list[str]) -> None:
    network = make_plan()
    assert way(network, endpoint, range(INGRESS)) == up
    # the first edge of the way down leaves the node
    assert way(network, endpoint, range(FAN_OUT, LEVELS))[1:] == down


def test_stations_stand_by_level_and_have_names_of_their_own() -> None:
    stations = make_plan().stations
    levels = [station.level for station in stations]
    assert levels == sorted(levels)
    assert len({station.name for station in stations}) == len(stations)


def test_edges_stand_by_target_and_lead_downstream() -> None:
    network = make_plan()
    ends = [(edge.target, edge.source) for edge in network.edges]
    assert ends == sorted(set(ends))
    for edge in network.edges:
        if edge.source != PUBLISHERS:
            assert network.stations[edge.source].level < network.stations[edge.target].level


def test_ways_hang_together() -> None:
    network = make_plan()
    for e in range(5):
        for levels in (range(INGRESS), range(FAN_OUT, LEVELS)):
            edges = [network.edges[i] for i in network.route[levels, e] if i >= 0]
            assert all(a.target == b.source for a, b in pairwise(edges))


def test_endpoints_of_one_carrier_and_province_are_a_group() -> None:
    network = make_plan()
    groups = network.group.tolist()
    assert groups[0] == groups[3]
    assert len(set(groups)) == 4
    first = min(s for s, station in enumerate(network.stations) if station.level == GROUP)
    assert network.stations[first + groups[4]].name == "command centre"
    assert network.stations[first + groups[4]].link is None


def test_a_province_may_have_a_link_of_its_own() -> None:
    links = {station.name: station.link for station in make_plan().stations}
    for direction in ("up", "down"):
        own, other = (
            links[f"aggregation red {p} {direction}"] for p in (PROVINCES[0], PROVINCES[2])
        )
        assert own is not None
        assert other is not None
        assert (own.capacity, other.capacity) == (7_000_000, 10**9)


def test_only_carriers_that_do_not_reach_a_node_have_peering_there() -> None:
    peerings = [s.name for s in make_plan().stations if s.kind == "peering"]
    assert peerings == ["peering blue south up", "peering blue south down"]


def test_light_takes_its_time() -> None:
    network = make_plan()
    delays = {
        (network.stations[e.source].name if e.source >= 0 else "", network.stations[e.target].name):
        e.delay for e in network.edges
    }  # fmt: skip
    # Cà Mau to Hà Nội: 1,328 km great circle, half as much again by cable, at 200,000 km/s
    far = delays["aggregation red Cà Mau up", "backbone red north up"]
    assert far == pytest.approx(float(great_circle(9.177, 105.15, 21, 105.8)) * 1.5 / 0.2, rel=1e-6)
    assert far == pytest.approx(9.9e6, rel=0.01)
    assert delays["backbone red north down", "aggregation red Cà Mau down"] == far
    assert delays["", "aggregation red Cà Mau up"] == 0
    assert delays["", "ingress north"] == delays["fan-out north", "command centre"] == 0
    between = delays["cascade north south", "fan-out south"]
    assert between == delays["cascade south north", "fan-out north"]
    assert between == pytest.approx(8.55e6, rel=0.01)


def test_nodes_hand_on_to_each_other() -> None:
    network = make_plan()
    names = [
        [network.stations[network.edges[edge].target].name for edge in row]
        for row in network.node_edges
    ]
    assert names == [["fan-out north", "cascade north south"],
                     ["cascade south north", "fan-out south"]]  # fmt: skip


def test_one_node_and_one_endpoint_will_do() -> None:
    scenario = make_scenario({"nodes": {"south": None}}, endpoints=1)
    network = make_plan(scenario)
    assert network.node_edges.shape == (1, 1)
    assert (network.route[BACKBONE_DOWN] >= 0).tolist() == [True, False]


def test_there_is_a_way_from_every_group_to_every_node() -> None:
    network = make_plan()
    groups, nodes = network.paths.shape
    assert (groups, nodes) == (4, 2)
    for e, (group, node) in enumerate(
        zip(network.group, populate(SCENARIO).node.tolist(), strict=True)
    ):
        assert (network.ways[:, group, node] == network.route[:, e]).all()
        assert network.paths[group, node] == network.path[e]
    for group in range(groups):
        for node in range(nodes):
            edges = [network.edges[i] for i in network.ways[FAN_OUT:LEVELS, group, node] if i >= 0]
            assert network.stations[edges[0].source].name == f"fan-out {('north', 'south')[node]}"
            assert all(a.target == b.source for a, b in pairwise(edges))
            last = network.stations[edges[-1].target]
            first_group = min(s for s, st in enumerate(network.stations) if st.level == GROUP)
            assert last.level == GROUP
            assert edges[-1].target - first_group == group


def test_a_backup_link_belongs_to_a_group_too() -> None:
    backup = np.array([1, -1, 0, -1, -1], np.int32)  # s1's is blue's, s3's is red's, as its own
    network = plan(SCENARIO, populate(SCENARIO), backup)
    first = min(s for s, station in enumerate(network.stations) if station.level == GROUP)
    names = [network.stations[first + g].name if g >= 0 else "" for g in network.backup_group]
    assert names == [
        "aggregation blue Cà Mau down", "", "aggregation red Cần Thơ down", "", "",
    ]  # fmt: skip
    assert network.backup_group[2] == network.group[2]
    assert len(network.paths) == len(make_plan().paths) + 1

"""Ways between groups and places, and the detours that they take."""

import pytest

from scenarios.population import populate
from simulations.topology import plan
from simulations.ways import Server, Ways
from tests.simulations.networks import deal, make_scenario

NORTH, SOUTH, WEB = 0, 1, 2


def make(*servers: Server) -> Ways:
    rules = [deal("s1", "red", "fibre", "south"), deal("s2", "blue", "fibre", "south")]
    scenario = make_scenario({"endpoints": {"rules": rules}}, endpoints=2)
    population = populate(scenario)
    return Ways(plan(scenario, population), scenario, population, servers)


def names(ways: Ways, stations: object) -> set[str]:
    return {ways.plan.stations[s].name for _, s in stations}  # type: ignore[attr-defined]


def test_a_way_has_its_links_by_direction() -> None:
    ways = make()
    way = ways.between(1, int(ways.plan.group[1]), SOUTH)
    assert names(ways, way.up) == {
        "aggregation blue Bạc Liêu up", "backbone blue south up", "peering blue south up",
    }  # fmt: skip
    assert names(ways, way.down) == {
        "aggregation blue Bạc Liêu down", "backbone blue south down", "peering blue south down",
    }  # fmt: skip
    assert ways.delay(way) == ways.plan.paths[ways.plan.group[1], SOUTH]


@pytest.mark.parametrize(("carriers", "peers"), [(("red",), True), (("red", "blue"), False)])
def test_a_server_is_reached_over_peering_by_others_carriers(
    carriers: tuple[str, ...], peers: bool
) -> None:
    ways = make(Server("web", 10.8, 106.7, carriers))
    way = ways.between(1, int(ways.plan.group[1]), WEB)
    assert ("peering blue south up" in names(ways, way.up)) == peers
    assert way.node == SOUTH


def test_the_nearest_way_around_is_taken_by_one_carrier_alone() -> None:
    ways = make()
    plan_, red, blue = ways.plan, int(ways.plan.group[0]), int(ways.plan.group[1])
    edges = ways.lead("red", "south", ["north"])
    around = int(plan_.paths[red, NORTH] + plan_.city_delays[NORTH, SOUTH])
    assert ways.paths[red, SOUTH] == around > plan_.paths[red, SOUTH]
    assert ways.paths[blue, SOUTH] == plan_.paths[blue, SOUTH]
    assert ways.delay(ways.between(0, red, SOUTH)) == around
    # Up and down, the whole propagation lies on one edge each.
    assert [delay for _, delay in edges] == [around, around]
    straight = [delay for _, delay in ways.lead("red", "south", [])]
    assert straight == [plan_.paths[red, SOUTH]] * 2
    assert (ways.paths == plan_.paths).all()

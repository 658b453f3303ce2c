import numpy as np

from scenarios.loading import load_scenario
from scenarios.population import populate
from simulations.build import build
from simulations.topology import plan
from synthetic_clients.virtual_links import subset, virtual_links

SCENARIO = load_scenario("smoke")
POPULATION = populate(SCENARIO)


def test_an_endpoints_link_is_the_one_that_it_has_in_a_simulation() -> None:
    world = build(SCENARIO, POPULATION, plan(SCENARIO, POPULATION))
    chosen = [60, 3, 17]
    links = virtual_links(SCENARIO, POPULATION, chosen)
    for mine, theirs in ((links.down.links, world.downlinks), (links.up.links, world.uplinks)):
        for part in ("delay", "rate", "loss", "jitter", "path", "policer"):
            fields = mine[part].dtype.names or ("",)
            for name in fields:
                if name == "load":  # a row of the table of loads, which is each's own
                    continue
                ours, other = (a[part][name] if name else a[part] for a in (mine, theirs[chosen]))
                assert (ours == other).all(), (part, name)
        assert (mine["queue"]["limit_bytes"] == theirs["queue"]["limit_bytes"][chosen]).all()


def test_a_subset_keeps_the_order_asked_for() -> None:
    few = subset(POPULATION, [5, 2])
    assert few.site == (POPULATION.site[5], POPULATION.site[2])
    assert (few.down_rate == POPULATION.down_rate[np.array([5, 2])]).all()
    assert len(few) == 2

import pytest

from scenarios.loading import load_scenario
from scenarios.population import populate
from synthetic_clients.plan import join_order, planned, probes_of

POPULATION = populate(load_scenario("smoke"))


@pytest.mark.parametrize(
    ("seconds", "users"), [(0, 1), (1, 7), (5, 31), (9.9, 61), (10, 61), (100, 61)]
)
def test_endpoints_come_in_evenly(seconds: float, users: int) -> None:
    assert planned(seconds, 61, 10.0) == users


def test_all_at_once() -> None:
    assert planned(0, 61, 0.0) == 61


def test_the_command_centre_comes_first_and_everyone_once() -> None:
    order = join_order(POPULATION)
    assert POPULATION.site[order[0]] == "command-centre"
    assert sorted(order) == list(range(61))


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.01, 1), (0.1, 6), (1, 60)])
def test_probes_are_a_share_spread_over_all_but_the_command_centre(
    share: float, count: int
) -> None:
    probes = probes_of(POPULATION, share)
    assert len(probes) == count
    assert 60 not in probes

import numpy as np
import pytest

from scenarios.loading import load_scenario
from scenarios.population import populate
from scenarios.scenario import Scenario
from synthetic_clients.plan import Plan, join_times, planned, probes_of

SCENARIO = load_scenario("smoke")
POPULATION = populate(SCENARIO)
OVERRIDES = [
    "endpoints.sample=60", "duration=60s", "thresholds=null",
    "joining={profile: rush, begin: 2s, over: 20s, last: 5s, late: 80%}",
]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "users"), [(0, 1), (1, 7), (5, 31), (9.9, 61), (10, 61), (100, 61)]
)
def test_endpoints_come_in_evenly(seconds: float, users: int) -> None:
    times = join_times(Plan(SCENARIO, "", join_s=10.0), POPULATION)
    assert planned(seconds, times) == users


def test_all_at_once() -> None:
    assert planned(0, join_times(Plan(SCENARIO, "", join_s=0.0), POPULATION)) == 61


@pytest.mark.parametrize("scenario", [SCENARIO, load_scenario("join-storm", OVERRIDES)])
def test_the_command_centre_comes_first(scenario: Scenario) -> None:
    times = join_times(Plan(scenario, ""), POPULATION)
    first = int(np.argsort(times, kind="stable")[0])
    assert POPULATION.site[first] == "command-centre"


def test_a_join_profile_drives_the_load() -> None:
    scenario = load_scenario("join-storm", OVERRIDES)
    times = join_times(Plan(scenario, ""), populate(scenario))
    assert planned(1.0, times) == 1  # the command centre alone
    early, all_in = planned(17.0, times), planned(22.0, times)
    assert early < all_in / 2  # most come in the last part
    assert all_in == 61


@pytest.mark.parametrize(("share", "count"), [(0, 0), (0.01, 1), (0.1, 6), (1, 60)])
def test_probes_are_a_share_spread_over_all_but_the_command_centre(
    share: float, count: int
) -> None:
    probes = probes_of(POPULATION, share)
    assert len(probes) == count
    assert 60 not in probes

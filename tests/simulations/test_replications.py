import itertools

import pytest

from results.records import Run
from scenarios.loading import load_scenario
from scenarios.scenario import Scenario
from simulations.replications import replicate


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("smoke", ["duration=21s", "endpoints.sample=9", "thresholds={}"])


def digest(run: Run) -> tuple[int, float]:
    return run.replication, run.tables["samples"]["one_way_delay_mean"].to_numpy().sum()


def test_each_replication_is_a_draw_of_its_own(scenario: Scenario) -> None:
    found = list(replicate(scenario, range(3), digest))
    assert [number for number, _ in found] == [0, 1, 2]
    assert len({total for _, total in found}) == 3


def test_a_replication_is_the_same_whoever_plays_it(scenario: Scenario) -> None:
    alone = list(replicate(scenario, [2], digest))
    side_by_side = list(replicate(scenario, range(1, 4), digest, processes=2))
    assert side_by_side[1:2] == alone
    assert [number for number, _ in side_by_side] == [1, 2, 3]


@pytest.mark.parametrize("processes", [1, 2])
def test_numbers_may_be_endless(scenario: Scenario, processes: int) -> None:
    found = replicate(scenario, itertools.count(), digest, processes=processes)
    assert [number for number, _ in itertools.islice(found, 2)] == [0, 1]
    found.close()
